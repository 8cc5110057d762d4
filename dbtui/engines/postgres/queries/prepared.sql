-- Which prepared transactions stand in the way of sessions $1: they hold what the sessions wait for. Their locks have
-- no process; all locks of one bear the same virtual transaction, and one of them is on its own transaction id.
SELECT pg_catalog.quote_literal(pg_catalog.json_agg(DISTINCT pg_catalog.jsonb_build_array(
         w.pid, x.gid, x.owner, x.database, extract(epoch FROM clock_timestamp() - x.prepared)))::text)::bytea AS answer
  FROM pg_catalog.pg_locks w
  JOIN pg_catalog.pg_locks h ON h.granted AND h.pid IS NULL AND h.locktype = w.locktype
   AND (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid::text, h.classid, h.objid, h.objsubid)
       IS NOT DISTINCT FROM
       (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid::text, w.classid, w.objid, w.objsubid)
  JOIN pg_catalog.pg_locks own ON own.pid IS NULL AND own.locktype = 'transactionid'
   AND own.virtualtransaction = h.virtualtransaction
  JOIN pg_catalog.pg_prepared_xacts x ON x.transaction = own.transactionid
 WHERE NOT w.granted AND w.pid = ANY ($1::int4[])
