-- What is known about one relation ($1 schema, $2 name) without waiting for any lock.
select json_build_object(
         'owner', pg_get_userbyid(c.relowner), 'comment', obj_description(c.oid, 'pg_class'),
         'rows', case when c.reltuples > 0 or c.relpages > 0 or c.reltuples = 0 then c.reltuples end,
         'pages', c.relpages, 'all_visible', c.relallvisible, 'block_size', current_setting('block_size')::int8,
         'persistence', c.relpersistence, 'options', c.reloptions, 'privileges', c.relacl::text[],
         'tablespace', (select t.spcname from pg_catalog.pg_tablespace t where t.oid = c.reltablespace),
         'parents', (select json_agg(json_build_array(pn.nspname, pc.relname) order by p.inhseqno)
                       from pg_catalog.pg_inherits p
                       join pg_catalog.pg_class pc on pc.oid = p.inhparent
                       join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace where p.inhrelid = c.oid),
         'partition', c.relispartition, 'row_security', c.relrowsecurity,
         'replica_identity', c.relreplident,
         'live', pg_stat_get_live_tuples(c.oid), 'dead', pg_stat_get_dead_tuples(c.oid),
         'changed', pg_stat_get_mod_since_analyze(c.oid),
         'vacuum', date_trunc('second', pg_stat_get_last_vacuum_time(c.oid))::text,
         'autovacuum', date_trunc('second', pg_stat_get_last_autovacuum_time(c.oid))::text,
         'analyze', date_trunc('second', pg_stat_get_last_analyze_time(c.oid))::text,
         'autoanalyze', date_trunc('second', pg_stat_get_last_autoanalyze_time(c.oid))::text,
         'seq_scans', pg_stat_get_numscans(c.oid),
         'frozen_age', case when c.relfrozenxid <> '0' then age(c.relfrozenxid) end)::text as body
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1::text and c.relname = $2::text
