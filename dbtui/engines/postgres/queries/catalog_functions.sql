-- The routines of the schema $1, with the arguments that tell namesakes apart.
select p.proname::text as name,
       pg_get_function_identity_arguments(p.oid) as arguments,
       coalesce(pg_get_function_result(p.oid), '') as result,
       p.prokind::text as kind,
       p.oid::int8 as oid
  from pg_catalog.pg_proc p
 where p.pronamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = $1::text)
 order by 1, 2
