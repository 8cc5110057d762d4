-- The settings that decide which plan is chosen, and ($1) those that decide how a text is read, as SET takes them.
select s.name::text, pg_catalog.current_setting(s.name) as value
  from pg_catalog.pg_settings s
 where (s.category like 'Query Tuning%' or s.name = any ($1::text[]))
   and s.context in ('user', 'superuser')
 order by 1
