-- Only for sessions that wait for a lock: each call takes the lock manager for a moment.
SELECT pg_catalog.json_object_agg(pid, pg_catalog.pg_blocking_pids(pid))::text AS answer
FROM pg_catalog.unnest($1::int4[]) AS pid
