-- What changes slowly. Positions are of the log that this server writes, or replays as a standby.
SELECT pg_catalog.quote_literal(pg_catalog.json_build_object(
--? replicas
  'replicas', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      application_name, pg_catalog.host(client_addr), state,
      CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
           ELSE pg_catalog.pg_current_wal_lsn() END - replay_lsn,
      extract(epoch FROM replay_lag)))
    FROM pg_catalog.pg_stat_replication),
--? slots
  'slots', (
    SELECT pg_catalog.json_build_object(
      'slots', count(*), 'slots_inactive', count(*) FILTER (WHERE NOT active),
      'slots_retained_bytes', coalesce(max(
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
             ELSE pg_catalog.pg_current_wal_lsn() END - restart_lsn), 0))
    FROM pg_catalog.pg_replication_slots),
  'slot_list', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(slot_name, slot_type, active, wal_status,
        CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
             ELSE pg_catalog.pg_current_wal_lsn() END - restart_lsn, safe_wal_size) ORDER BY restart_lsn)
    FROM pg_catalog.pg_replication_slots),
--? archiver
  'archiver', (
    SELECT pg_catalog.json_build_object('archived', archived_count, 'archive_failures', failed_count)
    FROM pg_catalog.pg_stat_archiver
    WHERE pg_catalog.current_setting('archive_mode') <> 'off'),
--? pg_stat_bgwriter.checkpoints_timed
  'checkpoints', (
    SELECT pg_catalog.json_build_object(
      'checkpoints_timed', checkpoints_timed, 'checkpoints_requested', checkpoints_req,
      'checkpoint_buffers', buffers_checkpoint, 'cleaner_buffers', buffers_clean)
    FROM pg_catalog.pg_stat_bgwriter),
--? pg_stat_checkpointer.num_timed
  'checkpoints', (
    SELECT pg_catalog.json_build_object(
      'checkpoints_timed', num_timed, 'checkpoints_requested', num_requested,
      'checkpoint_buffers', buffers_written,
      'cleaner_buffers', (SELECT buffers_clean FROM pg_catalog.pg_stat_bgwriter))
    FROM pg_catalog.pg_stat_checkpointer),
--? pg_stat_wal.wal_fpi
  'log', (
    SELECT pg_catalog.json_build_object(
      'wal_records', wal_records, 'wal_full_page_images', wal_fpi, 'wal_buffers_full', wal_buffers_full)
    FROM pg_catalog.pg_stat_wal),
--?
  'transactions', (
    SELECT pg_catalog.json_build_object(
      'oldest_transaction_id_age', (SELECT max(pg_catalog.age(datfrozenxid)) FROM pg_catalog.pg_database),
      'prepared_transactions', count(*),
      'oldest_prepared', coalesce(max(extract(epoch FROM clock_timestamp() - prepared)), 0))
    FROM pg_catalog.pg_prepared_xacts),
  'prepared', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(gid, database, owner,
                               extract(epoch FROM clock_timestamp() - prepared)) ORDER BY prepared)
    FROM (SELECT * FROM pg_catalog.pg_prepared_xacts ORDER BY prepared LIMIT 50) AS oldest),
  'progress', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      pid, operation, phase,
      CASE WHEN relid IS NULL OR relid = 0 THEN datname::text
           WHEN datname = pg_catalog.current_database() THEN relid::regclass::text
           ELSE datname || ' ' || relid END,
      done, total, unit))
    FROM (
      SELECT pid, datname, relid, 'VACUUM' AS operation, phase,
             heap_blks_scanned AS done, heap_blks_total AS total, 'blocks' AS unit
      FROM pg_catalog.pg_stat_progress_vacuum
      UNION ALL
      SELECT pid, datname, relid, 'ANALYZE', phase, sample_blks_scanned, sample_blks_total, 'blocks'
      FROM pg_catalog.pg_stat_progress_analyze
      UNION ALL
      SELECT pid, datname, relid, command, phase,
             CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END,
             CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END,
             CASE WHEN blocks_total > 0 THEN 'blocks' ELSE 'rows' END
      FROM pg_catalog.pg_stat_progress_create_index
      UNION ALL
      SELECT pid, datname, relid, command, phase, heap_blks_scanned, heap_blks_total, 'blocks'
      FROM pg_catalog.pg_stat_progress_cluster
      UNION ALL
      SELECT pid, NULL, NULL, 'BASE BACKUP', phase, backup_streamed, backup_total, 'bytes'
      FROM pg_catalog.pg_stat_progress_basebackup
--? copy
      UNION ALL
      SELECT pid, datname, relid, command, type, bytes_processed, nullif(bytes_total, 0), 'bytes'
      FROM pg_catalog.pg_stat_progress_copy
--?
    ) AS running)
)::text)::bytea AS answer
