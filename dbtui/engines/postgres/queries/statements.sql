-- Counters without texts, which does not touch the file of texts. Blank-separated numbers are a third of the
-- bytes of arrays. Times in microseconds. `-` is the id of a statement that a missing privilege hides.
SELECT
  (SELECT dealloc FROM {schema}.pg_stat_statements_info) AS evicted,  --? pg_stat_statements_info.dealloc
  (SELECT stats_reset::text FROM {schema}.pg_stat_statements_info) AS reset,  --? pg_stat_statements_info.stats_reset
  string_agg(userid::text, ' ') AS users,
  string_agg(dbid::text, ' ') AS databases,
  string_agg(coalesce(queryid::text, '-'), ' ') AS ids,
  string_agg(toplevel::int::text, ' ') AS toplevel,  --? pg_stat_statements.toplevel
  string_agg((total_exec_time * 1000)::bigint::text, ' ') AS total,  --? pg_stat_statements.total_exec_time
  string_agg((total_time * 1000)::bigint::text, ' ') AS total,  --? pg_stat_statements.total_time
  string_agg((total_plan_time * 1000)::bigint::text, ' ') AS planning,  --? pg_stat_statements.total_plan_time
  string_agg((shared_blk_read_time * 1000)::bigint::text, ' ') AS reading,  --? pg_stat_statements.shared_blk_read_time
  string_agg((blk_read_time * 1000)::bigint::text, ' ') AS reading,  --? pg_stat_statements.blk_read_time
  string_agg(plans::text, ' ') AS plans,  --? pg_stat_statements.plans
  string_agg(wal_bytes::text, ' ') AS wal,  --? pg_stat_statements.wal_bytes
  string_agg(rows::text, ' ') AS rows,
  string_agg(shared_blks_hit::text, ' ') AS hit,
  string_agg(shared_blks_read::text, ' ') AS read,
  string_agg((temp_blks_read + temp_blks_written)::text, ' ') AS temp,
  string_agg(calls::text, ' ') AS calls
FROM {schema}.pg_stat_statements(false)
