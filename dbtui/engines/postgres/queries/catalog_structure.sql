-- Columns, indexes, constraints and triggers of the relations of schema $1, or of those named in $2, in one go.
-- Printing an expression locks its table: where somebody holds or awaits ACCESS EXCLUSIVE, expressions are left out.
with locked as materialized (
  select l.relation
    from pg_catalog.pg_locks l
   where l.locktype = 'relation' and l.mode = 'AccessExclusiveLock' and l.pid <> pg_backend_pid()
     and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
), chosen as materialized (
  select c.oid, c.relname, c.relkind, c.oid in (select relation from locked) as locked
    from pg_catalog.pg_class c
   where c.relnamespace = (select n.oid from pg_catalog.pg_namespace n where n.nspname = $1::text)
     and c.relkind in ('r', 'p', 'f', 'v', 'm')
     and ($2::text[] is null or c.relname = any ($2::text[]))
)
select 'relation' as part, r.relname::text as relation, 0::int8 as position,
       json_build_object('kind', r.relkind, 'locked', r.locked, 'comment', obj_description(r.oid, 'pg_class'))::text
         as body
  from chosen r
union all
select 'column', r.relname::text, a.attnum::int8,
       json_build_object(
         'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'nullable', not a.attnotnull,
         'default', case when not r.locked then pg_get_expr(d.adbin, d.adrelid) end,
         'identity', a.attidentity, 'generated', a.attgenerated, 'comment', col_description(r.oid, a.attnum))::text
  from chosen r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
union all
select 'index', r.relname::text, row_number() over (order by not i.indisprimary, ic.relname),
       json_build_object(
         'name', ic.relname, 'definition', case when not r.locked then pg_get_indexdef(i.indexrelid) end,
         'columns', (select json_agg(case when k.number > 0 then a.attname::text
                                          when not r.locked then pg_get_indexdef(i.indexrelid, k.place::int, true)
                                          else '(expression)' end order by k.place)
                       from unnest(i.indkey::int2[]) with ordinality k(number, place)
                       left join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
                      where k.place <= i.indnkeyatts),
         'unique', i.indisunique, 'primary', i.indisprimary, 'valid', i.indisvalid,
         'predicate', case when not r.locked then pg_get_expr(i.indpred, i.indrelid) end,
         'method', m.amname, 'scans', pg_stat_get_numscans(i.indexrelid),
         'size', case when ic.relpages > 0 then ic.relpages * current_setting('block_size')::int8 end)::text
  from chosen r
  join pg_catalog.pg_index i on i.indrelid = r.oid
  join pg_catalog.pg_class ic on ic.oid = i.indexrelid
  join pg_catalog.pg_am m on m.oid = ic.relam
union all
select 'constraint', r.relname::text, row_number() over (order by strpos('pufxcn', k.contype::text), k.conname),
       json_build_object(
         'name', k.conname, 'kind', k.contype, 'validated', k.convalidated,
         'definition', case when not r.locked and not (k.confrelid in (select relation from locked))
                            then pg_get_constraintdef(k.oid) end,
         'columns', (select json_agg(a.attname order by u.place)
                       from unnest(k.conkey) with ordinality u(number, place)
                       join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.number),
         'references', case when k.contype = 'f' then json_build_array(fn.nspname, fc.relname) end)::text
  from chosen r
  join pg_catalog.pg_constraint k on k.conrelid = r.oid and k.contype in ('p', 'u', 'f', 'x', 'c', 'n')
  left join pg_catalog.pg_class fc on fc.oid = k.confrelid
  left join pg_catalog.pg_namespace fn on fn.oid = fc.relnamespace
union all
select 'trigger', r.relname::text, row_number() over (order by t.tgname),
       json_build_object(
         'name', t.tgname, 'enabled', t.tgenabled,
         'definition', case when not r.locked then pg_get_triggerdef(t.oid) end)::text
  from chosen r
  join pg_catalog.pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
 order by 1, 2, 3
