-- Relations among $1 (of the whole database for NULL) whose locks keep, or will keep, a reader waiting.
select c.oid::pg_catalog.regclass::text as relation,
       count(*) filter (where not l.granted) as waiting,
       bool_or(l.mode = 'AccessExclusiveLock') as exclusive
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation and c.relkind in ('r', 'p', 'm', 'v', 'f', 'i')
 where l.locktype = 'relation' and l.pid <> pg_catalog.pg_backend_pid()
   and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
   and ($1::text[] is null or c.oid in (select pg_catalog.to_regclass(name) from unnest($1::text[]) name))
 group by 1
having bool_or(l.mode = 'AccessExclusiveLock')
 order by 2 desc, 1
