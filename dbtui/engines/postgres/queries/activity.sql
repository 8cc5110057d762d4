-- Each tick, one value: sessions, counters of all databases, log position and lag.
SELECT pg_catalog.quote_literal(pg_catalog.json_build_object(
--? wal
  'wal', CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
              ELSE pg_catalog.pg_current_wal_lsn() END - '0/0'::pg_lsn,
--? lag
  'lag', CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
           (SELECT max(coalesce(extract(epoch FROM replay_lag), 0))
            FROM pg_catalog.pg_stat_get_wal_senders() WHERE state IN ('streaming', 'catchup'))
         WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
         ELSE extract(epoch FROM clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()) END,
--?
  'self', pg_catalog.pg_backend_pid(),
  'role', pg_catalog.quote_ident(current_user::text),
  'max', pg_catalog.current_setting('max_connections')::int,
  'reserved', pg_catalog.current_setting('superuser_reserved_connections')::int
            + coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0),
  'counters', (
    SELECT pg_catalog.json_build_object(
      'commits', sum(xact_commit), 'rollbacks', sum(xact_rollback),
      'blocks_hit', sum(blks_hit), 'blocks_read', sum(blks_read),
      'rows_returned', sum(tup_returned), 'rows_fetched', sum(tup_fetched),
      'rows_inserted', sum(tup_inserted), 'rows_updated', sum(tup_updated), 'rows_deleted', sum(tup_deleted),
      'temp_files', sum(temp_files), 'temp_bytes', sum(temp_bytes),
      'deadlocks', sum(deadlocks), 'conflicts', sum(conflicts), 'checksum_failures', sum(checksum_failures))
    FROM pg_catalog.pg_stat_database),
  'sessions', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      pid, (extract(epoch FROM backend_start) * 1000000)::bigint::text, usename, datname, application_name, pg_catalog.host(client_addr), backend_type,
      state, wait_event_type, wait_event, leader_pid,
      query_id::text,  --? pg_stat_activity.query_id
      NULL,  --? !pg_stat_activity.query_id
      extract(epoch FROM clock_timestamp() - query_start)::float4,
      extract(epoch FROM clock_timestamp() - xact_start)::float4,
      extract(epoch FROM clock_timestamp() - state_change)::float4,
      greatest(pg_catalog.age(backend_xmin), pg_catalog.age(backend_xid)),
      CASE WHEN pg_catalog.octet_length(query) <= 4096 THEN query END,
      CASE WHEN pg_catalog.octet_length(query) > 4096
           THEN pg_catalog.encode(pg_catalog.substr(pg_catalog.quote_literal(query)::bytea, 1, 4096), 'hex') END))
    FROM pg_catalog.pg_stat_activity)
)::text)::bytea AS answer
