-- The rows. Each figure hangs on its row number and a salt alone, so that every load gives the same ones.
set synchronous_commit = off;
create schema seed;
create function seed.rnd(n bigint, salt bigint) returns double precision
  language sql immutable parallel safe
  return (hashint8extended(n, salt) & 2147483647)::double precision / 2147483648.0;
create function seed.pick(choices text[], r double precision) returns text
  language sql immutable parallel safe
  return choices[1 + floor(r * cardinality(choices))::integer];
-- Sales grow over the year, and most are in the afternoon.
create function seed.moment(fraction double precision, n bigint, last date) returns timestamptz
  language sql stable parallel safe
  return date_trunc('day', last::timestamptz - interval '365 days' * (1 - power(fraction, 0.75)) - interval '1 second')
       + interval '24 hours' * ((seed.rnd(n, 901) + seed.rnd(n, 902) + 1.2 * seed.rnd(n, 903)) / 3.2);

select greatest(200, (25000 * :scale)::int) as customers,
       greatest(60, (3000 * :scale)::int) as products,
       greatest(500, (60000 * :scale)::int) as orders,
       greatest(300, (25000 * :scale)::int) as reviews,
       greatest(500, (80000 * :scale)::int) as events,
       greatest(500, (40000 * :scale)::int) as views,
       greatest(100, (8000 * :scale)::int) as carts,
       greatest(300, (40000 * :scale)::int) as movements,
       greatest(200, (30000 * :scale)::int) as audits,
       greatest(50, (4000 * :scale)::int) as jobs
\gset

begin;
insert into shop.categories (id, parent_id, name, position)
select row_number() over (order by o), null, name, o
from unnest(array['Lighting', 'Seating', 'Tables', 'Kitchen', 'Tea & Coffee', 'Textiles', 'Garden', 'Office'])
  with ordinality as top(name, o);
insert into shop.categories (id, parent_id, name, position)
select 8 + (p - 1) * 5 + o, p, name, o
from generate_series(1, 8) as p,
     unnest(array['New in', 'Classics', 'Small rooms', 'Outlet', 'Made to order']) with ordinality as sub(name, o);
insert into shop.categories (id, parent_id, name, position)
select 48 + i, 8 + i, seed.pick(array['Under 50', 'Oak', 'Linen', 'Brass', 'Children'], seed.rnd(i, 11)), 1
from generate_series(1, 24) as i;

insert into shop.products (id, sku, name, description, category_id, price, cost, tags, attributes, active, updated_at)
select i, 'SKU-' || lpad(i::text, 6, '0'), adjective || ' ' || material || ' ' || noun,
       'A ' || lower(adjective) || ' ' || noun || ' of ' || material || ', made in ' ||
       seed.pick(array['Porto', 'Łódź', 'Gävle', 'Kyoto', 'Turin', 'Ghent'], seed.rnd(i, 26)) || '. ' ||
       repeat('It lasts and can be repaired. ', 1 + floor(4 * seed.rnd(i, 27))::int),
       9 + floor(64 * power(seed.rnd(i, 21), 1.5))::int,
       price, round(price * (0.35 + 0.4 * seed.rnd(i, 23))::numeric, 2),
       array[lower(noun), lower(material)],
       jsonb_build_object('colour', seed.pick(array['black', 'white', 'green', 'ochre', 'blue', 'natural'], seed.rnd(i, 24)),
                          'weight_g', 200 + floor(9000 * power(seed.rnd(i, 25), 2))::int),
       seed.rnd(i, 28) > 0.06, :'anchor'::date - interval '1 day' * floor(300 * seed.rnd(i, 29))
from generate_series(1, :products) as i,
     lateral (select seed.pick(array['Quiet', 'Tall', 'Folding', 'Round', 'Plain', 'Northern', 'Light', 'Heavy'], seed.rnd(i, 31)) as adjective,
                     seed.pick(array['oak', 'brass', 'linen', 'steel', 'clay', 'glass', 'cork', 'wool'], seed.rnd(i, 32)) as material,
                     seed.pick(array['lamp', 'chair', 'table', 'teapot', 'kettle', 'blanket', 'bench', 'shelf', 'cup', 'desk'], seed.rnd(i, 33)) as noun,
                     round((4 + 400 * power(seed.rnd(i, 22), 3))::numeric, 2) as price) as p;

insert into shop.customers (id, email, full_name, phone, country, loyalty_points, marketing, preferences, created_at, last_seen_at)
select i, 'Customer.' || i || '@example.' || seed.pick(array['com', 'org', 'net'], seed.rnd(i, 41)),
       seed.pick(array['Zoë', 'Łukasz', 'Ada', 'Bram', 'Chiara', 'Dmitri', 'Elif', 'Fatima', 'Goran', 'Hana', 'Inês', 'Jun', 'Kofi', '美咲', 'Maya', 'Noah'], seed.rnd(i, 42)) || ' ' ||
       seed.pick(array['Abara', 'Berg', 'Costa', 'Dvořák', 'Eriksson', 'Ferrari', 'García', 'Haddad', 'Ito', 'Jansen', 'Kowalska', 'Lindqvist', 'Müller', 'Nowak', 'O''Brien', '山田'], seed.rnd(i, 43)),
       case when seed.rnd(i, 44) < 0.7 then '+00 555 ' || lpad(floor(9000 * seed.rnd(i, 45))::text, 7, '0') end,
       seed.pick(array['DE', 'DE', 'DE', 'FR', 'FR', 'NL', 'PL', 'SE', 'IT', 'PT', 'JP', 'US'], seed.rnd(i, 46)),
       floor(2000 * power(seed.rnd(i, 47), 4)), seed.rnd(i, 48) < 0.3,
       case when seed.rnd(i, 49) < 0.4 then '{"newsletter": "weekly", "theme": "dark"}' else '{}' end::jsonb,
       seed.moment(i::float8 / :customers, i, :'anchor') - interval '200 days',
       case when seed.rnd(i, 50) < 0.8 then :'anchor'::date - interval '90 days' * power(seed.rnd(i, 51), 2) end
from generate_series(1, :customers) as i;

insert into shop.addresses (id, customer_id, kind, street, city, postcode, country)
select row_number() over (order by c.id, k), c.id, case k when 1 then 'delivery' else 'billing' end,
       seed.pick(array['Harbour', 'Mill', 'Station', 'Orchard', 'Chapel', 'Canal'], seed.rnd(c.id, 61)) || ' Street ' || (1 + floor(180 * seed.rnd(c.id, 62))),
       seed.pick(array['Ghent', 'Porto', 'Łódź', 'Gävle', 'Turin', 'Lyon', 'Kiel', 'Utrecht', '京都'], seed.rnd(c.id, 63)),
       lpad(floor(99999 * seed.rnd(c.id, 64))::text, 5, '0'), c.country
from shop.customers as c, generate_series(1, 2) as k
where k = 1 or seed.rnd(c.id, 65) < 0.35;

insert into shop.coupons (code, percent, valid, uses)
select 'SAVE' || i, 5 + 5 * (i % 5), tstzrange(:'anchor'::date - interval '20 days' * i, :'anchor'::date + interval '400 days' - interval '20 days' * i), 0
from generate_series(1, 40) as i;

insert into shop.order_items (order_id, order_placed_at, line, product_id, quantity, unit_price)
select o, seed.moment(o::float8 / :orders, o, :'anchor'), line, p.id, 1 + floor(4 * power(seed.rnd(key, 73), 4)), p.price
from generate_series(1, :orders) as o,
     lateral generate_series(1, 1 + floor(6 * power(seed.rnd(o, 71), 2.2))::int) as line,
     lateral (select o::bigint * 10 + line) as k(key)
     join shop.products as p on p.id = 1 + floor(:products * power(seed.rnd(key, 72), 2.5));

insert into shop.orders (id, customer_id, status, total, coupon, address_id, note, placed_at)
select o, customer,
       case when placed_at < :'anchor'::date - interval '12 days'
            then seed.pick(array['delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'delivered', 'cancelled', 'refunded'], seed.rnd(o, 81))
            else seed.pick(array['pending', 'paid', 'paid', 'packed', 'shipped', 'shipped', 'delivered', 'cancelled'], seed.rnd(o, 82))
       end::shop.order_status,
       total, case when seed.rnd(o, 83) < 0.08 then 'SAVE' || 1 + floor(40 * seed.rnd(o, 84)) end,
       customer, case when seed.rnd(o, 85) < 0.03 then 'Please ring twice.' end, placed_at
from (select order_id as o, order_placed_at as placed_at, sum(amount) as total,
             1 + floor(:customers * power(seed.rnd(order_id, 86), 2.2))::bigint as customer
      from shop.order_items group by order_id, order_placed_at order by order_id) as items;

insert into billing.payments (id, order_id, amount, method, status, reference, paid_at)
select id, id, total,
       seed.pick(array['card', 'card', 'card', 'card', 'wallet', 'wallet', 'transfer', 'invoice', 'gift_card'], seed.rnd(id, 91))::billing.payment_method,
       case when status in ('cancelled', 'pending') then 'failed' when seed.rnd(id, 92) < 0.02 then 'disputed' else 'captured' end,
       substr(md5('payment' || id), 1, 24), placed_at + interval '90 seconds'
from shop.orders order by id;
insert into billing.invoices (id, number, order_id, order_placed_at, document, total, issued_at)
select row_number() over (order by id), 'INV-' || lpad(id::text, 8, '0'), id, placed_at,
       json_build_object('order', id, 'total', total, 'terms', '14 days'), total, placed_at + interval '1 hour'
from shop.orders where status in ('delivered', 'shipped') and id % 2 = 0;
insert into billing.refunds (payment_id, amount, reason, created_at)
select id, total, seed.pick(array['broken', 'too late', 'wrong colour', 'changed my mind'], seed.rnd(id, 93)), placed_at + interval '9 days'
from shop.orders where status = 'refunded' order by id;

insert into warehouse.warehouses values (1, 'North', 'Gävle'), (2, 'Centre', 'Ghent'), (3, 'South', 'Turin'), (4, 'Returns', 'Łódź');
insert into warehouse.inventory (warehouse_id, product_id, quantity, reserved, counted_at)
select w, p, 1000000 + floor(400 * power(seed.rnd(p * 4 + w, 101), 2)), floor(9 * seed.rnd(p * 4 + w, 102)), :'anchor'::date
from generate_series(1, :products) as p, generate_series(1, 4) as w;
insert into warehouse.shipments (id, order_id, order_placed_at, warehouse_id, carrier, tracking, shipped_at, delivered_at)
select row_number() over (order by id), id, placed_at, 1 + floor(3 * power(seed.rnd(id, 103), 1.6)),
       seed.pick(array['Falcon', 'Falcon', 'Heron', 'Snail Mail'], seed.rnd(id, 104)), 'T' || upper(substr(md5('track' || id), 1, 14)),
       placed_at + interval '1 day' * (0.3 + 2 * seed.rnd(id, 105)),
       case when status = 'delivered' then placed_at + interval '1 day' * (3 + 4 * seed.rnd(id, 106)) end
from shop.orders where status in ('shipped', 'delivered', 'refunded');
insert into warehouse.movements (warehouse_id, product_id, change, reason, moved_at)
select 1 + floor(4 * seed.rnd(i, 111)), 1 + floor(:products * power(seed.rnd(i, 112), 2)), floor(41 * seed.rnd(i, 113))::int - 20,
       seed.pick(array['sale', 'sale', 'sale', 'delivery', 'count', 'return', 'broken'], seed.rnd(i, 114)), seed.moment(i::float8 / :movements, i, :'anchor')
from generate_series(1, :movements) as i;

insert into shop.reviews (product_id, customer_id, rating, title, body, created_at)
select 1 + floor(:products * power(seed.rnd(i, 121), 2.5)), 1 + floor(:customers * power(seed.rnd(i, 122), 1.5)),
       1 + floor(5 * power(seed.rnd(i, 123), 0.4)), seed.pick(array['Lovely', 'As described', 'Broke in a week', 'Would buy again', 'Très bien', '素晴らしい'], seed.rnd(i, 124)),
       case when seed.rnd(i, 125) < 0.6 then repeat('I use it every day and it still looks new. ', 1 + floor(5 * seed.rnd(i, 126))::int) end,
       seed.moment(i::float8 / :reviews, i, :'anchor')
from generate_series(1, :reviews) as i;

insert into shop.carts (id, customer_id, state, updated_at)
select md5('cart' || i)::uuid, case when seed.rnd(i, 131) < 0.8 then 1 + floor(:customers * power(seed.rnd(i, 132), 1.5)) end,
       seed.pick(array['open', 'ordered', 'ordered', 'abandoned', 'abandoned', 'abandoned'], seed.rnd(i, 133))::shop.cart_state, seed.moment(i::float8 / :carts, i, :'anchor')
from generate_series(1, :carts) as i;
insert into shop.cart_items (cart_id, product_id, quantity)
select md5('cart' || i)::uuid, 1 + (floor(:products * power(seed.rnd(i, 134), 2))::int + 7 * line) % :products, 1 + floor(3 * seed.rnd(i * 4 + line, 135))
from generate_series(1, :carts) as i, generate_series(1, 3) as line
where seed.rnd(i * 4 + line, 136) < 0.6;
insert into shop."Gift Cards"
select 'G-' || upper(substr(md5('gift' || i), 1, 10)), round((100 * seed.rnd(i, 137))::numeric, 2), i from generate_series(1, 200) as i;

insert into analytics.events (customer_id, name, payload, occurred_at)
select case when seed.rnd(i, 141) < 0.6 then 1 + floor(:customers * power(seed.rnd(i, 142), 2)) end, name,
       jsonb_build_object('product', 1 + floor(:products * power(seed.rnd(i, 144), 2.5)), 'device', seed.pick(array['phone', 'phone', 'desktop', 'tablet'], seed.rnd(i, 145)),
                          'experiment', seed.pick(array['A', 'B'], seed.rnd(i, 146)), 'ms', floor(30 + 900 * power(seed.rnd(i, 147), 5))::int),
       seed.moment(i::float8 / :events, i, :'anchor')
from generate_series(1, :events) as i,
     lateral (select seed.pick(array['view', 'view', 'view', 'view', 'search', 'search', 'add_to_cart', 'checkout', 'error'], seed.rnd(i, 143)) as name) as e;
insert into analytics.page_views (visitor, path, took_ms, viewed_at)
select md5('visitor' || floor(5000 * power(seed.rnd(i, 151), 2)))::uuid, '/products/' || 1 + floor(:products * power(seed.rnd(i, 152), 2.5)),
       20 + floor(1500 * power(seed.rnd(i, 153), 6)), seed.moment(i::float8 / :views, i, :'anchor')
from generate_series(1, :views) as i;

insert into ops.jobs (kind, payload, state, attempts, run_at, finished_at)
select seed.pick(array['email', 'email', 'invoice_pdf', 'reindex_product', 'webhook'], seed.rnd(i, 161)), jsonb_build_object('order', i),
       case when seed.rnd(i, 162) < 0.02 then 'failed' else 'done' end::ops.job_state, 1, at, at + interval '1 second'
from generate_series(1, :jobs) as i, lateral (select seed.moment(i::float8 / :jobs, i, :'anchor') as at) as t;
insert into ops.audit_log (actor, relation, row_id, action, change, at)
select seed.pick(array['app_rw', 'app_rw', 'worker', 'shop_admin'], seed.rnd(i, 171)), 'shop.orders', 1 + floor(:orders * seed.rnd(i, 172)), 'UPDATE',
       '{"status": ["paid", "packed"]}', seed.moment(i::float8 / :audits, i, :'anchor')
from generate_series(1, :audits) as i;
insert into ops.legacy_tickets (id, customer_id, subject)
select 2040000000 + i, 1 + floor(:customers * seed.rnd(i, 181)), 'Where is my ' || seed.pick(array['lamp', 'chair', 'invoice', 'parcel'], seed.rnd(i, 182)) || '?'
from generate_series(1, 300) as i;
insert into ops.feature_flags values ('new_checkout', true, 0.25), ('dark_theme', true, 1), ('one_click', false, 0);

select setval(pg_get_serial_sequence(t, 'id'), greatest(highest, 1))
from (values ('shop.customers', :customers), ('shop.products', :products), ('shop.orders', :orders),
             ('shop.addresses', 2 * :customers), ('shop.categories', 100), ('billing.payments', :orders),
             ('billing.invoices', :orders), ('warehouse.shipments', :orders), ('ops.legacy_tickets', 2040000300)) as s(t, highest)
\g /dev/null
commit;
drop schema seed cascade;
