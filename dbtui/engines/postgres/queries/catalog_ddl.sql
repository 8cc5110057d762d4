-- All that makes up one relation ($1 schema, $2 name), for writing its DDL. Run it with an empty search_path, so
-- that the server qualifies every name. Columns that a version lacks are read through to_jsonb, which leaves null.
with r as (
  select c.*, n.nspname
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname = $1::text and c.relname = $2::text and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
), owned as (
  select s.oid, sn.nspname, s.relname, d.refobjsubid, d.deptype, s.relpersistence, q.*
    from r join pg_catalog.pg_depend d on d.refobjid = r.oid and d.refclassid = 'pg_catalog.pg_class'::regclass
                                       and d.classid = 'pg_catalog.pg_class'::regclass and d.deptype in ('a', 'i')
                                       and d.refobjsubid > 0
    join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_catalog.pg_namespace sn on sn.oid = s.relnamespace
    join pg_catalog.pg_sequence q on q.seqrelid = s.oid
)
select json_build_object(
  'schema', r.nspname, 'name', r.relname, 'kind', r.relkind, 'persistence', r.relpersistence,
  'options', r.reloptions, 'populated', r.relispopulated,
  'toast_options', (select t.reloptions from pg_catalog.pg_class t where t.oid = r.reltoastrelid),
  'method', (select m.amname from pg_catalog.pg_am m
              where m.oid = r.relam and m.amname <> current_setting('default_table_access_method')),
  'tablespace', (select t.spcname from pg_catalog.pg_tablespace t where t.oid = r.reltablespace),
  'of_type', case when r.reloftype <> 0 then format_type(r.reloftype, null) end,
  'partition_key', case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end,
  'bound', pg_get_expr(r.relpartbound, r.oid),
  'parents', (select json_agg(json_build_array(pn.nspname, pc.relname) order by p.inhseqno)
                from pg_catalog.pg_inherits p
                join pg_catalog.pg_class pc on pc.oid = p.inhparent
                join pg_catalog.pg_namespace pn on pn.oid = pc.relnamespace where p.inhrelid = r.oid),
  'replica_identity', r.relreplident, 'row_security', r.relrowsecurity,
  'force_row_security', r.relforcerowsecurity, 'comment', obj_description(r.oid, 'pg_class'),
  'definition', case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end,
  'foreign', (select json_build_object('server', s.srvname, 'options', f.ftoptions)
                from pg_catalog.pg_foreign_table f join pg_catalog.pg_foreign_server s on s.oid = f.ftserver
               where f.ftrelid = r.oid),
  'sequence', (select json_build_object(
                 'type', format_type(q.seqtypid, null), 'start', q.seqstart, 'increment', q.seqincrement,
                 'min', q.seqmin, 'max', q.seqmax, 'cache', q.seqcache, 'cycle', q.seqcycle,
                 'owner', (select json_build_array(tn.nspname, tc.relname, ta.attname)
                             from pg_catalog.pg_depend d
                             join pg_catalog.pg_class tc on tc.oid = d.refobjid
                             join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
                             join pg_catalog.pg_attribute ta on ta.attrelid = tc.oid and ta.attnum = d.refobjsubid
                            where d.objid = r.oid and d.classid = 'pg_catalog.pg_class'::regclass
                              and d.refclassid = 'pg_catalog.pg_class'::regclass and d.deptype = 'a'))
                 from pg_catalog.pg_sequence q where q.seqrelid = r.oid),
  'columns', (
    select json_agg(json_build_object(
             'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
             'collation', case when a.attcollation <> t.typcollation
                               then (select json_build_array(cn.nspname, co.collname)
                                       from pg_catalog.pg_collation co
                                       join pg_catalog.pg_namespace cn on cn.oid = co.collnamespace
                                      where co.oid = a.attcollation) end,
             'not_null', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid),
             'generated', a.attgenerated, 'identity', a.attidentity, 'local', a.attislocal,
             'storage', case when a.attstorage <> t.typstorage then a.attstorage end,
             'compression', to_jsonb(a) ->> 'attcompression',
             'statistics', case when (to_jsonb(a) ->> 'attstattarget')::int >= 0
                                then (to_jsonb(a) ->> 'attstattarget')::int end,
             'options', a.attoptions, 'foreign_options', a.attfdwoptions,
             'comment', col_description(r.oid, a.attnum),
             'sequence', (select json_build_object(
                            'schema', o.nspname, 'name', o.relname, 'identity', o.deptype = 'i',
                            'type', format_type(o.seqtypid, null), 'start', o.seqstart,
                            'increment', o.seqincrement, 'min', o.seqmin, 'max', o.seqmax,
                            'cache', o.seqcache, 'cycle', o.seqcycle, 'persistence', o.relpersistence)
                            from owned o where o.refobjsubid = a.attnum order by o.oid limit 1))
             order by a.attnum)
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped),
  'constraints', (
    select json_agg(json_build_object(
             'name', k.conname, 'kind', k.contype, 'definition', pg_get_constraintdef(k.oid),
             'local', k.conislocal, 'cloned', k.conparentid <> 0, 'validated', k.convalidated,
             'column', (select a.attname from pg_catalog.pg_attribute a
                         where a.attrelid = k.conrelid and a.attnum = k.conkey[1]),
             'no_inherit', k.connoinherit, 'comment', obj_description(k.oid, 'pg_constraint'))
             order by strpos('npucxf', k.contype::text), k.conname)
      from pg_catalog.pg_constraint k
     where k.conrelid = r.oid and k.contype in ('n', 'p', 'u', 'c', 'x', 'f')),
  'indexes', (
    select json_agg(json_build_object(
             'name', ic.relname, 'definition', pg_get_indexdef(i.indexrelid),
             'of_constraint', exists (select from pg_catalog.pg_constraint k
                                       where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')),
             'clustered', i.indisclustered, 'replica_identity', i.indisreplident, 'valid', i.indisvalid,
             'statistics', (select json_agg(json_build_array(
                                     a.attnum, (to_jsonb(a) ->> 'attstattarget')::int) order by a.attnum)
                              from pg_catalog.pg_attribute a
                             where a.attrelid = i.indexrelid and (to_jsonb(a) ->> 'attstattarget')::int >= 0),
             'comment', obj_description(i.indexrelid, 'pg_class')) order by ic.relname)
      from pg_catalog.pg_index i join pg_catalog.pg_class ic on ic.oid = i.indexrelid
     where i.indrelid = r.oid),
  'statistics', (
    select json_agg(json_build_object(
             'schema', sn.nspname, 'name', s.stxname, 'definition', pg_get_statisticsobjdef(s.oid),
             'target', case when (to_jsonb(s) ->> 'stxstattarget')::int >= 0
                            then (to_jsonb(s) ->> 'stxstattarget')::int end,
             'comment', obj_description(s.oid, 'pg_statistic_ext')) order by s.stxname)
      from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace sn on sn.oid = s.stxnamespace
     where s.stxrelid = r.oid),
  'triggers', (
    select json_agg(json_build_object(
             'name', t.tgname, 'definition', pg_get_triggerdef(t.oid), 'enabled', t.tgenabled,
             'comment', obj_description(t.oid, 'pg_trigger')) order by t.tgname)
      from pg_catalog.pg_trigger t
     where t.tgrelid = r.oid and not t.tgisinternal and t.tgparentid = 0),
  'rules', (
    select json_agg(json_build_object(
             'name', w.rulename, 'definition', pg_get_ruledef(w.oid), 'enabled', w.ev_enabled,
             'comment', obj_description(w.oid, 'pg_rewrite')) order by w.rulename)
      from pg_catalog.pg_rewrite w where w.ev_class = r.oid and w.rulename <> '_RETURN'),
  'policies', (
    select json_agg(json_build_object(
             'name', p.polname, 'permissive', p.polpermissive, 'command', p.polcmd,
             'roles', (select json_agg(case when o = 0 then null else pg_get_userbyid(o) end)
                         from unnest(p.polroles) o),
             'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid),
             'comment', obj_description(p.oid, 'pg_policy')) order by p.polname)
      from pg_catalog.pg_policy p where p.polrelid = r.oid)
)::text as body
  from r
