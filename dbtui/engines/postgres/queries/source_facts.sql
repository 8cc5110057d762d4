-- What index advice needs to know of the relations named in $1: columns with statistics, and counts of writes.
select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
       greatest(c.reltuples, 0)::float8 as rows,
       case when c.relkind in ('r', 'm') then pg_catalog.pg_relation_size(c.oid) else 0 end as size,
       case when c.relkind = 'v' then pg_catalog.pg_get_viewdef(c.oid) end as definition,
       coalesce(pg_catalog.pg_stat_get_tuples_inserted(c.oid), 0) as inserts,
       coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0) as updates,
       coalesce(pg_catalog.pg_stat_get_tuples_hot_updated(c.oid), 0) as hot_updates,
       coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0) as deletes,
       (select json_agg(json_build_object(
                 'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                 'width', s.avg_width, 'distinct', s.n_distinct, 'nulls', s.null_frac,
                 'nullable', not a.attnotnull or exists ( -- NOT NULL NOT VALID promises nothing of old rows
                   select from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'n'
                      and not k.convalidated and k.conkey = array[a.attnum]),
                 'correlation', s.correlation, 'shares', s.most_common_freqs[1:50],
                 'common', (s.most_common_vals::text::text[])[1:50]) order by a.attnum)
          from pg_catalog.pg_attribute a
          left join pg_catalog.pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname
           and s.attname = a.attname and s.inherited = (c.relkind = 'p')
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)::text as columns
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'v')
   and c.oid in (select pg_catalog.to_regclass(name) from unnest($1::text[]) name)
