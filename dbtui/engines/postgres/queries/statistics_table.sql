-- What the planner knows of one relation ($1 schema, $2 name) as far as this role may read it.
with the as (
  select c.oid, c.reltuples, c.relkind,
         case when c.relkind in ('r', 'm') then pg_catalog.pg_relation_size(c.oid)
              when c.relkind = 'p' then (select sum(pg_catalog.pg_relation_size(t.relid))
                                           from pg_catalog.pg_partition_tree(c.oid) t where t.isleaf)
         end / pg_catalog.current_setting('block_size')::int8 as blocks
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1::text and c.relname = $2::text and c.relkind in ('r', 'm', 'p')
)
select pg_catalog.json_build_object(
         'rows', greatest(the.reltuples, 0), 'blocks', coalesce(the.blocks, 0),
         'changed', coalesce(pg_catalog.pg_stat_get_mod_since_analyze(the.oid), 0),
         'analyzed', greatest(pg_catalog.pg_stat_get_last_analyze_time(the.oid),
                              pg_catalog.pg_stat_get_last_autoanalyze_time(the.oid))::text,
         'extended', (select pg_catalog.json_agg(pg_catalog.json_build_array(x.stxname,
                             (select pg_catalog.json_agg(a.attname) from pg_catalog.pg_attribute a
                               where a.attrelid = the.oid and a.attnum = any (x.stxkeys))))
                        from pg_catalog.pg_statistic_ext x where x.stxrelid = the.oid),
         'columns', (select pg_catalog.json_agg(pg_catalog.json_build_object(
                        'name', a.attname, 'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
                        'target', case when a.attstattarget >= 0 then a.attstattarget
                                       else pg_catalog.current_setting('default_statistics_target')::int end,
                        'nulls', s.null_frac, 'distinct', s.n_distinct,
                        'values', s.most_common_vals::text::text[], 'shares', s.most_common_freqs,
                        'bounds', s.histogram_bounds::text::text[]) order by a.attnum)
                       from pg_catalog.pg_attribute a
                       left join lateral (
                         select * from pg_catalog.pg_stats s
                          where s.schemaname = $1::text and s.tablename = $2::text and s.attname = a.attname
                          order by s.inherited desc limit 1) s on true
                      where a.attrelid = the.oid and a.attnum > 0 and not a.attisdropped))::text as body
  from the
