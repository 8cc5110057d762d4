-- What partition advice needs to know of the tables named in $1: keys, what points at them, what a twin would lack,
-- and how far the values of their columns of time reach (in seconds since 1970, by the statistics).
select n.nspname::text as schema, c.relname::text as name,
       pg_catalog.pg_total_relation_size(c.oid) as size,
       exists (select from pg_catalog.pg_inherits where c.oid in (inhrelid, inhparent)) as inherits,
       c.relrowsecurity as policies,
       nullif(pg_catalog.pg_get_userbyid(c.relowner), current_user)::text as owner,
       (select json_build_object('name', k.conname, 'columns', (
                 select json_agg(a.attname order by u.place)
                   from unnest(k.conkey) with ordinality u (number, place)
                   join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = u.number))
          from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'p')::text as primary_key,
       (select json_agg(i.relname order by i.relname)
          from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
         where x.indrelid = c.oid and (x.indisunique or x.indisexclusion) and not x.indisprimary)::text as uniques,
       (select json_agg(substr(d.text, strpos(d.text, ' USING ')) order by i.relname)
          from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid,
               lateral (select substr(pg_catalog.pg_get_indexdef(i.oid), length(format('CREATE INDEX %I ON %I.%I',
                 i.relname, n.nspname, c.relname)) + 1)) d (text)
         where x.indrelid = c.oid and x.indisvalid and not x.indisunique and not x.indisexclusion)::text as indexes,
       (select json_agg(json_build_object('name', k.conname, 'text', pg_catalog.pg_get_constraintdef(k.oid))
                 order by k.conname)
          from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and k.convalidated
       )::text as foreign_keys,
       (select json_agg(distinct k.conrelid::pg_catalog.regclass::text)
          from pg_catalog.pg_constraint k where k.confrelid = c.oid and k.contype = 'f')::text as pointing,
       (select json_agg(distinct v.oid::pg_catalog.regclass::text)
          from pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on r.oid = d.objid
          join pg_catalog.pg_class v on v.oid = r.ev_class
         where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.refobjid = c.oid and v.oid <> c.oid
       )::text as views,
       (select json_agg(t.tgname order by t.tgname) from pg_catalog.pg_trigger t
         where t.tgrelid = c.oid and not t.tgisinternal)::text as triggers,
       (select json_agg(p.pubname order by p.pubname) from pg_catalog.pg_publication_rel r
          join pg_catalog.pg_publication p on p.oid = r.prpubid where r.prrelid = c.oid)::text as publications,
       (select json_agg(json_build_array(a.attname,
                 case a.attidentity when 'a' then 'ALWAYS' else 'BY DEFAULT' end) order by a.attnum)
          from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attidentity <> '')::text as identities,
       (select json_agg(json_build_object('name', d.objid::pg_catalog.regclass::text, 'column', a.attname))
          from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
          join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
         where d.refobjid = c.oid and d.deptype = 'a')::text as sequences,
       (select json_agg(format('%s TO %s', g.privilege_type,
                 case g.grantee when 0 then 'PUBLIC' else quote_ident(pg_catalog.pg_get_userbyid(g.grantee)) end
                 || case when g.is_grantable then ' WITH GRANT OPTION' else '' end))
          from aclexplode(c.relacl) g where g.grantee <> c.relowner)::text as grants,
       (select json_object_agg(s.attname, json_build_array(b.low, b.high))
          from pg_catalog.pg_stats s
          join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = s.attname
          cross join lateral (
            select case when a.atttypid in ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
                        then s.histogram_bounds::text::timestamptz[] end as values) t
          cross join lateral (
            select extract(epoch from min(v))::float8, extract(epoch from max(v))::float8
              from unnest(t.values) v where isfinite(v)) b (low, high)
         where s.schemaname = n.nspname and s.tablename = c.relname and not s.inherited
           and b.low is not null)::text as reaches
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and not c.relispartition
   and c.oid in (select pg_catalog.to_regclass(name) from unnest($1::text[]) name)
