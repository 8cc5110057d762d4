\set customer random_zipfian(1, :customers, 1.05)
\set product random_zipfian(1, :products, 1.1)
insert into analytics.events (customer_id, name, payload) values (:customer, 'view', jsonb_build_object('product', :product::bigint, 'device', 'phone'));
