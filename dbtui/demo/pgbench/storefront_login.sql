\set customer random(1, :customers)
select id, full_name, preferences from shop.customers where lower(email) = 'customer.' || :customer || '@example.com';
