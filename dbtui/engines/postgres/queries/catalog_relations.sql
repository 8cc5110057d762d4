-- What the schema $1 holds, with partitions of its tables that live elsewhere. Sizes are pages as of the last vacuum
-- or analyze, with indexes and TOAST: functions that measure files wait behind ACCESS EXCLUSIVE locks.
with here as materialized (
  select c.oid, n.nspname, c.relname, c.relkind, c.reltoastrelid, c.relispartition, c.reltuples, c.relpages,
         case when current_setting('server_version_num')::int4 >= 140000 then c.reltuples >= 0
              else c.relpages > 0 or c.reltuples > 0 end and c.relkind in ('r', 'p', 'm') as known
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
     and (n.nspname = $1::text
          or c.relispartition and exists (
            select from pg_catalog.pg_inherits p
              join pg_catalog.pg_class pc on pc.oid = p.inhparent
              join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
             where p.inhrelid = c.oid and pn.nspname = $1::text))
), of_indexes as materialized (
  select i.indrelid, sum(ic.relpages)::int8 as pages
    from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
   group by i.indrelid
)
select h.nspname::text as schema,
       h.relname::text as name,
       h.relkind::text as kind,
       case when h.known then h.reltuples end::float8 as rows,
       case when h.known and h.relkind <> 'p'
            then (h.relpages + coalesce(x.pages, 0) + coalesce(t.relpages, 0) + coalesce(tx.pages, 0))
                 * current_setting('block_size')::int8 end as size,
       case when h.relispartition then pn.nspname end::text as parent_schema,
       case when h.relispartition then pc.relname end::text as parent,
       has_table_privilege(h.oid, 'SELECT') or has_any_column_privilege(h.oid, 'SELECT') as readable
  from here h
  left join of_indexes x on x.indrelid = h.oid
  left join pg_catalog.pg_class t on t.oid = h.reltoastrelid and h.reltoastrelid <> 0
  left join of_indexes tx on tx.indrelid = t.oid
  left join pg_catalog.pg_inherits p on p.inhrelid = h.oid and h.relispartition
  left join pg_catalog.pg_class pc on pc.oid = p.inhparent
  left join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
union all
select '', '', 'functions', count(*)::float8, null, null, null, true
  from pg_catalog.pg_proc f
 where f.pronamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = $1::text)
 order by 1, 2
