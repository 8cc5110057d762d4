-- What a clone of the relations named in $1 (schema-qualified, or found by search_path) has to hold; of all of them
-- for NULL: what views read, all partitions, and the indexes. Blocks are those of the files, as the planner takes them.
with recursive named as (
  select c.oid
    from pg_catalog.pg_class c
   where c.relkind in ('r', 'p', 'v', 'm', 'f')
     and c.relnamespace not in (select n.oid from pg_catalog.pg_namespace n
                                 where n.nspname like 'pg\_%' or n.nspname = 'information_schema')
     and not exists (select from pg_catalog.pg_depend d
                      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                        and d.deptype = 'e')
     and ($1::text[] is null
          or c.oid in (select pg_catalog.to_regclass(name) from unnest($1::text[]) name))
), involved(oid) as (
  select oid from named
  union
  (with known as (select oid from involved)
   select d.refobjid
     from known k
     join pg_catalog.pg_rewrite r on r.ev_class = k.oid
     join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.objid = r.oid
      and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
     join pg_catalog.pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and c.relnamespace <> 'pg_catalog'::pg_catalog.regnamespace
   union all
   select i.inhrelid from known k join pg_catalog.pg_inherits i on i.inhparent = k.oid
   union all
   select i.inhparent from known k join pg_catalog.pg_inherits i on i.inhrelid = k.oid)
), held as (
  select oid, oid as owner from involved
  union all
  select i.indexrelid, i.indrelid from involved v join pg_catalog.pg_index i on i.indrelid = v.oid
)
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       o.relname::text as owner, c.reltuples::float8 as rows,
       case when c.relkind in ('r', 'm', 'i')
            then pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 end as blocks
  from held h
  join pg_catalog.pg_class c on c.oid = h.oid
  join pg_catalog.pg_class o on o.oid = h.owner
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 order by c.relkind, 1, 2
