\set customer random_zipfian(1, :customers, 1.05)
\set product random_zipfian(1, :products, 1.1)
\set warehouse random(1, 3)
\set coupon random(1, 40)
select city, postcode from shop.addresses where customer_id = :customer and kind = 'delivery';
select percent from shop.coupons where code = 'SAVE' || :coupon and valid @> now();
begin;
update warehouse.inventory set reserved = reserved + 1 where warehouse_id = :warehouse and product_id = :product;
insert into shop.orders (customer_id, status, total) values (:customer, 'pending', 0) returning id as order_id, placed_at::text as placed_at \gset
insert into shop.order_items (order_id, order_placed_at, line, product_id, quantity, unit_price) select :order_id::bigint, :placed_at::timestamptz, 1, id, 1, price from shop.products where id = :product;
update shop.orders set status = 'paid', total = shop.order_total(:order_id::bigint) where id = :order_id and placed_at = :placed_at;
insert into billing.payments (order_id, amount, method, status, reference) values (:order_id, 1, 'card', 'captured', substr(md5(:order_id::bigint || 'live'), 1, 24));
insert into ops.jobs (kind, payload) values ('email', jsonb_build_object('order', :order_id::bigint));
commit;
