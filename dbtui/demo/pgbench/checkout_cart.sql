\set customer random_zipfian(1, :customers, 1.05)
\set product random_zipfian(1, :products, 1.1)
insert into shop.carts (customer_id) values (:customer) returning id as cart \gset
insert into shop.cart_items (cart_id, product_id, quantity) values (:cart, :product, 1) on conflict (cart_id, product_id) do update set quantity = cart_items.quantity + 1;
