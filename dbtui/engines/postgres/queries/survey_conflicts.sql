-- Sessions that hold a lock on one of the relations $1, or a snapshot or transaction older than a minute.
select coalesce(a.pid::text, 'prepared ' || coalesce(x.gid, '?')), n.nspname, c.relname, l.mode,
       coalesce(extract(epoch from clock_timestamp() - coalesce(a.xact_start, x.prepared)), 0)::float8,
       concat_ws(' ', nullif(a.application_name, ''), a.backend_type, a.state)
  from pg_catalog.pg_locks l
  join pg_catalog.pg_class c on c.oid = l.relation
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  left join pg_catalog.pg_prepared_xacts x on l.virtualtransaction = '-1/' || x.transaction::text
 where l.relation = any ($1::oid[]) and l.granted and l.pid is distinct from pg_backend_pid()
   and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
union all
select a.pid::text, '', '', '', extract(epoch from clock_timestamp() - a.xact_start)::float8,
       concat_ws(' ', nullif(a.application_name, ''), a.backend_type, a.state)
  from pg_catalog.pg_stat_activity a
 where a.xact_start < clock_timestamp() - interval '1 minute' and a.pid <> pg_backend_pid()
   and (a.datname = current_database() or a.datname is null)
union all
select 'prepared ' || x.gid, '', '', '', extract(epoch from clock_timestamp() - x.prepared)::float8, 'prepared transaction'
  from pg_catalog.pg_prepared_xacts x where x.database = current_database()
order by 5 desc limit 50
