\set customer random_zipfian(1, :customers, 1.05)
select id, status, total, placed_at from shop.orders where customer_id = :customer order by placed_at desc limit 10;
