-- Roles and the database. Runs in the database postgres.
create role shop_admin login;
create role app_rw login connection limit 30;
create role app_ro login connection limit 30;
create role reporting login connection limit 8;
create role worker login connection limit 12;
create role dbtui login;
grant pg_monitor, pg_read_all_data, pg_signal_backend, pg_use_reserved_connections to dbtui;
comment on role dbtui is 'The console: reads everything, owns nothing, may end sessions of others.';
alter role reporting set statement_timeout = '2min';
alter role reporting set work_mem = '8MB';

create database shop owner shop_admin template template0;
comment on database shop is 'A shop that sells lamps, chairs and tea, made up from start to end.';
