\set product random_zipfian(1, :products, 1.1)
select id, name, description, price, attributes from shop.products where id = :product and active;
select rating, title, body, created_at from shop.reviews where product_id = :product order by created_at desc limit 5;
select warehouse_id, available from warehouse.inventory where product_id = :product;
