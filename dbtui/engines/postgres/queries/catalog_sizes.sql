-- The exact size of one relation ($1 schema, $2 name), in bytes. Waits behind an ACCESS EXCLUSIVE lock.
select pg_table_size(c.oid)::int8 as heap, pg_indexes_size(c.oid)::int8 as indexes,
       case when c.reltoastrelid <> 0 then pg_total_relation_size(c.reltoastrelid) else 0 end::int8 as toast
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1::text and c.relname = $2::text and c.relkind in ('r', 'm', 't')
