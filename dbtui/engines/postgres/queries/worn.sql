-- The tables of this database with most dead rows, and the number of them from which autovacuum begins.
SELECT pg_catalog.quote_literal(pg_catalog.json_agg(pg_catalog.json_build_array(
         pg_catalog.format('%I.%I', t.schemaname, t.relname), pg_catalog.current_database(),
         t.n_live_tup, t.n_dead_tup,
         coalesce(o.threshold, pg_catalog.current_setting('autovacuum_vacuum_threshold')::float8)
           + coalesce(o.scale, pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::float8)
           * greatest(c.reltuples, 0),
         extract(epoch FROM clock_timestamp() - greatest(t.last_vacuum, t.last_autovacuum)),
         extract(epoch FROM clock_timestamp() - greatest(t.last_analyze, t.last_autoanalyze)),
         coalesce(o.off, false)))::text)::bytea AS answer
  FROM (SELECT * FROM pg_catalog.pg_stat_user_tables WHERE n_dead_tup > 1000 ORDER BY n_dead_tup DESC LIMIT 20) AS t
  JOIN pg_catalog.pg_class c ON c.oid = t.relid
 CROSS JOIN LATERAL (
   SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8 AS threshold,
          max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float8 AS scale,
          max(option_value) FILTER (WHERE option_name = 'autovacuum_enabled') IN ('false', 'off', '0', 'no') AS off
     FROM pg_catalog.pg_options_to_table(c.reloptions)) AS o
