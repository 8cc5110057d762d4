-- $1: roles, $2: ids of statements. Reads the whole file of texts, however few are asked for: at most once a minute.
SELECT pg_catalog.quote_literal(pg_catalog.json_build_object(
--? texts
  'texts', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
      queryid || '/' || dbid,
      CASE WHEN pg_catalog.octet_length(query) <= 32768 THEN query END,
      CASE WHEN pg_catalog.octet_length(query) > 32768
           THEN pg_catalog.encode(pg_catalog.substr(pg_catalog.quote_literal(query)::bytea, 1, 32768), 'hex') END))
    FROM {schema}.pg_stat_statements(true)
    WHERE queryid = ANY ($2::bigint[])),
--?
  'asked', pg_catalog.cardinality($2::bigint[]),
  'databases', (SELECT pg_catalog.json_object_agg(oid, datname) FROM pg_catalog.pg_database),
  'roles', (SELECT pg_catalog.json_object_agg(oid, rolname) FROM pg_catalog.pg_roles
            WHERE oid::bigint = ANY ($1::bigint[]))
)::text)::bytea AS answer
