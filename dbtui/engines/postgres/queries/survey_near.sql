-- What a change of the relations in $1 (as regclass texts, NULL for all of the user's) would touch besides them:
-- tables that they refer to or that refer to them, those with columns of a domain, parents and partitions, all
-- generations.
with recursive asked as (
  select c.oid
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'm', 'v')
     and case when $1::text[] is null
              then n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
                   and not exists (select from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e')
              else c.oid in (select to_regclass(name)::oid from unnest($1::text[]) name) end
  union
  select i.indrelid from pg_catalog.pg_index i
   where i.indexrelid in (select to_regclass(name)::oid from unnest($1::text[]) name)
  union
  select a.attrelid
    from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
   where t.typtype = 'd' and not a.attisdropped
     and t.oid in (select to_regtype(name)::oid from unnest($1::text[]) name)
), family as (
  select oid from asked
  union
  select case when h.inhparent = f.oid then h.inhrelid else h.inhparent end
    from family f join pg_catalog.pg_inherits h on f.oid in (h.inhparent, h.inhrelid)
), near as (
  select oid from family
  union
  select case when k.conrelid = f.oid then k.confrelid else k.conrelid end
    from family f join pg_catalog.pg_constraint k on k.contype = 'f' and f.oid in (k.conrelid, k.confrelid)
)
select c.oid, n.nspname, c.relname, c.relkind::text
  from near join pg_catalog.pg_class c using (oid) join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'v', 'f')
 -- what others refer to comes first; views last
 order by c.relkind in ('v', 'm'),
          exists (select from pg_catalog.pg_inherits h where h.inhrelid = c.oid),
          n.nspname, c.relname
 limit 2000
