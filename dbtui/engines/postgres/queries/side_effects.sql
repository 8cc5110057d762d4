-- What a statement may do when it runs: $1 names of functions that it or its plan mention, $2 tables that it writes,
-- as SQL, $3 I, U or D for what is done to them.
with verbs as (
  select pg_catalog.to_regclass(($2::text[])[i])::oid as oid, ($3::text[])[i] as verb
    from pg_catalog.generate_subscripts($2::text[], 1) as i
), written as (
  select c.oid, c.relname from pg_catalog.pg_class c where c.oid in (select v.oid from verbs v)
)
select distinct 'the function ' || n.nspname || '.' || p.proname || '() is volatile' as effect
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where p.proname = any ($1::text[]) and p.provolatile = 'v' and n.nspname <> 'pg_catalog' and p.prokind <> 'p'
union
select distinct 'the function ' || p.proname || '() acts beyond the transaction'
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where p.proname = any ($1::text[]) and (p.proname like 'dblink%' or p.proname in ('nextval', 'setval', 'pg_notify'))
union
select distinct 'the trigger ' || t.tgname || ' of ' || w.relname || ' fires'
  from written w join pg_catalog.pg_trigger t on t.tgrelid = w.oid join verbs v on v.oid = w.oid
 where not t.tgisinternal and t.tgenabled <> 'D'
   and t.tgtype & case v.verb when 'I' then 4 when 'D' then 8 else 16 end > 0
union
select distinct 'the foreign key ' || t.conname || ' of ' || pg_catalog.format('%s', t.conrelid::regclass) || ' cascades'
  from written w join pg_catalog.pg_constraint t on t.confrelid = w.oid join verbs v on v.oid = w.oid
 where t.contype = 'f' and (v.verb = 'D' and t.confdeltype in ('c', 'n', 'd') or v.verb = 'U' and t.confupdtype in ('c', 'n', 'd'))
union
select distinct 'the sequence ' || pg_catalog.format('%s', d.objid::regclass) || ' of ' || w.relname || ' moves on, and is not rolled back'
  from written w join verbs v on v.oid = w.oid and v.verb = 'I'
  join pg_catalog.pg_depend d on d.refobjid = w.oid and d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
  join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
union
select distinct 'the rule ' || r.rulename || ' of ' || w.relname || ' does something else'
  from written w join pg_catalog.pg_rewrite r on r.ev_class = w.oid where r.rulename <> '_RETURN'
order by 1
