-- All relations of this database, those of users first.
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
 order by n.nspname in ('pg_catalog', 'information_schema'), 1, 2
