-- What ANALYZE found for them, in the server's own bytes as hexadecimal digits. stxdinherit is there from version 15
-- on: an older server takes the name from outside the lateral query. Types that are not built in have another number
-- on another server, and the common values speak of them.
select x.oid::int8, d.inherited,
       pg_catalog.encode(d.stxdndistinct::bytea, 'hex'), pg_catalog.encode(d.stxddependencies::bytea, 'hex'),
       case when foreigners.none then pg_catalog.encode(d.stxdmcv::bytea, 'hex') end,
       foreigners.none or d.stxdmcv is null
  from pg_catalog.pg_statistic_ext x
 cross join (select false as stxdinherit) before
 cross join lateral (select stxdinherit as inherited, o.* from pg_catalog.pg_statistic_ext_data o
                      where o.stxoid = x.oid) d
 cross join lateral (select count(*) = 0 as none from pg_catalog.pg_attribute a
                      where a.attrelid = x.stxrelid and a.attnum = any (x.stxkeys)
                        and a.atttypid >= 16384) foreigners
