-- What a schema is, apart from the order of columns, from constraints NOT NULL, which 18 names, and from the check
-- that DETACH CONCURRENTLY leaves behind.
SELECT string_agg(line, chr(10) ORDER BY line) FROM (
  SELECT format('%s.%s %s %s %s %s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated) line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
     AND c.relname NOT LIKE 'dbtui%'
  UNION ALL
  SELECT format('%s %s %s %s', conrelid::regclass, contypid::regtype, conname, pg_get_constraintdef(oid)) FROM pg_constraint
   WHERE connamespace = 'public'::regnamespace AND contype <> 'n' AND conname <> 'parts_1_day_check' AND conrelid::regclass::text NOT LIKE 'dbtui%'
  UNION ALL
  SELECT format('%s %s', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index JOIN pg_class c ON c.oid = indrelid
   WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'dbtui%'
  UNION ALL
  SELECT format('%s in %s %s', inhrelid::regclass, inhparent::regclass, pg_get_expr(c.relpartbound, c.oid))
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
  UNION ALL SELECT format('enum %s %s', enumtypid::regtype, enumlabel) FROM pg_enum
  UNION ALL SELECT format('view %s', relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
  UNION ALL SELECT format('trigger %s', tgname) FROM pg_trigger WHERE NOT tgisinternal
) x
