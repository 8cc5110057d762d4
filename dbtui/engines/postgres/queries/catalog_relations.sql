-- What the schema $1 holds, with partitions of its tables that live elsewhere. Sizes are pages as of the last vacuum
-- or analyze, with indexes and TOAST: functions that measure files wait behind ACCESS EXCLUSIVE locks. Privileges
-- are asked for once for each owner and access list, since a schema has few of these and may have 50,000 tables.
with here as materialized (
  select c.oid, n.nspname, c.relname, c.relkind, c.reltoastrelid, c.relispartition, c.reltuples, c.relpages,
         c.relowner, c.relacl::text as granted,
         case when current_setting('server_version_num')::int4 >= 140000 then c.reltuples >= 0
              else c.relpages > 0 or c.reltuples > 0 end and c.relkind in ('r', 'p', 'm') as known
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
     and (n.nspname = $1::text
          or c.relispartition and c.oid in (
            select p.inhrelid
              from pg_catalog.pg_inherits p
              join pg_catalog.pg_class pc on pc.oid = p.inhparent
              join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
             where pn.nspname = $1::text))
), of_indexes as (
  select i.indrelid, sum(ic.relpages)::int8 as pages
    from pg_catalog.pg_class ic join pg_catalog.pg_index i on i.indexrelid = ic.oid
   where ic.relkind = 'i' and ic.relpages > 0
     and ic.relnamespace in (select n.oid from pg_catalog.pg_namespace n join here h on h.nspname = n.nspname)
   group by i.indrelid
), toasts as (
  select t.oid, t.relpages + coalesce(sum(tx.relpages), 0) as pages
    from pg_catalog.pg_class t
    left join pg_catalog.pg_index i on i.indrelid = t.oid
    left join pg_catalog.pg_class tx on tx.oid = i.indexrelid
   where t.relkind = 't' and t.relpages > 0
   group by t.oid, t.relpages
), grants as materialized (
  select g.relowner, g.granted, has_table_privilege(g.sample, 'SELECT') as readable
    from (select h.relowner, h.granted, min(h.oid) as sample from here h group by 1, 2) g
)
select h.nspname::text as schema,
       h.relname::text as name,
       h.relkind::text as kind,
       case when h.known then h.reltuples end::float8 as rows,
       case when h.known and h.relkind <> 'p'
            then (h.relpages + coalesce(x.pages, 0) + coalesce(t.pages, 0))::int8
                 * current_setting('block_size')::int8 end as size,
       case when h.relispartition then pn.nspname end::text as parent_schema,
       case when h.relispartition then pc.relname end::text as parent,
       g.readable or h.oid in (select a.attrelid from pg_catalog.pg_attribute a where a.attacl is not null)
         as readable
  from here h
  join grants g on g.relowner = h.relowner and g.granted is not distinct from h.granted
  left join of_indexes x on x.indrelid = h.oid
  left join toasts t on t.oid = h.reltoastrelid
  left join pg_catalog.pg_inherits p on p.inhrelid = h.oid and h.relispartition
  left join pg_catalog.pg_class pc on pc.oid = p.inhparent
  left join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace
union all
select '', '', 'functions', count(*)::float8, null, null, null, true
  from pg_catalog.pg_proc f
 where f.pronamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = $1::text)
 order by 1, 2
