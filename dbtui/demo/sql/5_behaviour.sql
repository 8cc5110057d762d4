-- Views, functions, triggers, comments and privileges.
set role shop_admin;

create function shop.touch() returns trigger language plpgsql as $$
begin
  new.updated_at := now();
  return new;
end $$;
create trigger products_touch before update on shop.products for each row execute function shop.touch();
create trigger carts_touch before update on shop.carts for each row execute function shop.touch();

create function ops.audit() returns trigger language plpgsql security definer set search_path = pg_catalog as $$
begin
  insert into ops.audit_log (actor, relation, row_id, action, change)
  values (session_user, tg_table_schema || '.' || tg_table_name, new.id::text, tg_op, to_jsonb(new) - 'note');
  return null;
end $$;
comment on function ops.audit() is 'Writes a line to the audit log, with the rights of the owner.';
create trigger orders_audit after update of status on shop.orders for each row execute function ops.audit();
create trigger customers_audit after update of email on shop.customers for each row execute function ops.audit();
alter table shop.customers disable trigger customers_audit;

create function shop.order_total(wanted bigint) returns numeric language sql stable
  return (select sum(amount) from shop.order_items where order_id = wanted);
create function shop.category_path(wanted integer) returns text language sql stable as $$
  with recursive up as (
    select id, parent_id, name, 1 as depth from shop.categories where id = wanted
    union all
    select c.id, c.parent_id, c.name, depth + 1 from shop.categories as c join up on c.id = up.parent_id)
  select string_agg(name, ' › ' order by depth desc) from up
$$;
create procedure ops.forget_done_jobs(older interval) language sql as $$
  delete from ops.jobs where state = 'done' and finished_at < now() - older
$$;

create view shop.open_orders as
  select o.id, o.placed_at, o.status, o.total, c.full_name, c.email
  from shop.orders as o join shop.customers as c on c.id = o.customer_id
  where o.status in ('pending', 'paid', 'packed');
create view shop.product_ratings as
  select p.id, p.name, count(r.id) as reviews, round(avg(r.rating), 2) as rating
  from shop.products as p left join shop.reviews as r on r.product_id = p.id group by p.id, p.name;
create view analytics.customer_value as
  select c.id, c.full_name, c.country, count(o.id) as orders, coalesce(sum(o.total), 0) as revenue, max(o.placed_at) as last_order
  from shop.customers as c left join shop.orders as o on o.customer_id = c.id and o.status not in ('cancelled', 'refunded')
  group by c.id, c.full_name, c.country;
create materialized view analytics.daily_sales as
  select date_trunc('day', o.placed_at)::date as day, count(*) as orders, sum(o.total) as revenue
  from shop.orders as o where o.status not in ('cancelled', 'refunded') group by 1;
create unique index daily_sales_day_idx on analytics.daily_sales (day);
create statistics shop.addresses_place on city, country from shop.addresses;

comment on table shop.customers is 'Everyone who ever ordered or signed up.';
comment on column shop.customers.email is 'As typed at sign-up, so compare it in lower case.';
comment on table shop.orders is 'One row an order, a partition a month.';
comment on column shop.orders.total is 'Sum of the items when the order was placed.';
comment on table shop.order_items is 'What was bought, at the price of that day.';
comment on table warehouse.inventory is 'Stock by warehouse and product; reserved is not yet shipped.';
comment on table billing.payments is 'One row a payment try. order_id has no foreign key since the import of 2019.';
comment on table ops.jobs is 'The queue: workers take rows with skip locked.';
comment on table ops.products_backup_old is 'Can this go?';
comment on view analytics.customer_value is 'Revenue a customer, without cancelled and refunded orders.';
comment on materialized view analytics.daily_sales is 'Refreshed by the worker.';

grant usage on schema shop, billing, warehouse, analytics, ops to app_rw, app_ro, reporting, worker;
grant select on all tables in schema shop, warehouse to app_ro;
grant select on all tables in schema shop, billing, warehouse, analytics, ops to reporting;
grant select, insert, update, delete on all tables in schema shop, billing, warehouse, analytics, ops to app_rw, worker;
grant usage on all sequences in schema shop, billing, warehouse, analytics, ops to app_rw, worker;
grant maintain on analytics.daily_sales to worker;

reset role;
vacuum (analyze);
