update shop.carts set state = 'abandoned' where id = (select id from shop.carts where state = 'open' and updated_at < now() - interval '5 minutes' limit 1 for update skip locked);
