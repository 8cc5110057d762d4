-- The schemas of this database, those of users first. TOAST and temporary ones are nobody's to browse.
select n.nspname::text as name,
       has_schema_privilege(n.oid, 'USAGE') as allowed,
       n.nspname in ('pg_catalog', 'information_schema') as system
  from pg_catalog.pg_namespace n
 where n.nspname !~ '^pg_(toast|temp_|toast_temp_)'
 order by system, n.nspname
