-- What session $1 would lose: whether it has written, and the relation locks it holds, the strongest first.
SELECT pg_catalog.quote_literal(pg_catalog.json_build_object(
  'wrote', (SELECT backend_xid IS NOT NULL FROM pg_catalog.pg_stat_activity WHERE pid = $1::int4),
  'locks', (
    SELECT pg_catalog.json_agg(held) FROM (
      SELECT mode || ' on ' || CASE WHEN d.datname = pg_catalog.current_database() THEN l.relation::regclass::text
                                    ELSE d.datname || ' ' || l.relation END AS held
        FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database
       WHERE l.pid = $1::int4 AND l.granted AND l.locktype = 'relation'
         AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
       ORDER BY pg_catalog.array_position(ARRAY['AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock',
                'ShareLock', 'ShareUpdateExclusiveLock', 'RowExclusiveLock'], l.mode), 1
       LIMIT 20) AS strongest)
)::text)::bytea AS answer
