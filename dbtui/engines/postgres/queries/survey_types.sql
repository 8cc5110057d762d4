-- Domains, enums and the volatility of functions, as statements that say so. Run it with an empty search_path.
select format('CREATE DOMAIN %s AS %s%s%s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod),
              case when t.typnotnull then ' NOT NULL' else '' end,
              coalesce((select string_agg(' ' || pg_get_constraintdef(k.oid), '') from pg_catalog.pg_constraint k
                         where k.contypid = t.oid and k.contype = 'c'), ''))
  from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
 where t.typtype = 'd' and n.nspname not in ('pg_catalog', 'information_schema')
union all
select format('CREATE TYPE %s AS ENUM (%s)', t.oid::regtype,
              (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                 from pg_catalog.pg_enum e where e.enumtypid = t.oid))
  from pg_catalog.pg_type t where t.typtype = 'e'
union all
select format('CREATE FUNCTION %s() RETURNS void LANGUAGE sql %s AS %L', quote_ident(p.proname),
              case p.provolatile when 'i' then 'IMMUTABLE' when 's' then 'STABLE' else 'VOLATILE' end, 'SELECT')
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
 where n.nspname not in ('pg_catalog', 'information_schema') and p.prokind = 'f' and p.provolatile <> 'v'
   and not exists (select from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e')
limit 5000
