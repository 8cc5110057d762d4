-- Sizes and counters of the relations $1 (oids). The sizes wait for nobody longer than lock_timeout allows.
select c.oid, c.reltuples::int8, pg_table_size(c.oid), pg_indexes_size(c.oid),
       coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0), s.n_tup_ins + s.n_tup_upd + s.n_tup_del,
       extract(epoch from clock_timestamp())::float8,
       (select coalesce(json_agg(json_build_array(i.relname, pg_relation_size(i.oid), x.indisvalid)), '[]')::text
          from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid where x.indrelid = c.oid),
       (select coalesce(json_agg(t.tgname), '[]')::text
          from pg_catalog.pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal)
  from pg_catalog.pg_class c left join pg_catalog.pg_stat_user_tables s on s.relid = c.oid
 where c.oid = any ($1::oid[])
