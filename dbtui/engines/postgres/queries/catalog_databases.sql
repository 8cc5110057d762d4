-- The databases a session can be opened in. $1: whether to add up the files of each, for those whose size this
-- role may ask for.
select d.datname::text as name,
       has_database_privilege(d.oid, 'CONNECT') as allowed,
       case when $1::bool and (has_database_privilege(d.oid, 'CONNECT') or pg_has_role('pg_read_all_stats', 'USAGE'))
            then pg_database_size(d.oid) end::int8 as size
  from pg_catalog.pg_database d
 where d.datallowconn and not d.datistemplate
 order by d.datname
