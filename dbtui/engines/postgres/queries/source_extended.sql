-- Statistics over several columns. pg_dump leaves them out where tables are named.
select x.oid::int8, n.nspname::text, x.stxname::text, t.nspname::text, c.relname::text,
       pg_catalog.pg_get_statisticsobjdef(x.oid), x.stxkeys::int2[], x.stxexprs is not null
  from pg_catalog.pg_statistic_ext x
  join pg_catalog.pg_namespace n on n.oid = x.stxnamespace
  join pg_catalog.pg_class c on c.oid = x.stxrelid
  join pg_catalog.pg_namespace t on t.oid = c.relnamespace
