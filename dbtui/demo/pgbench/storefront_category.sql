\set category random(9, 72)
select shop.category_path(:category);
select id, name, price from shop.products where category_id = :category and active order by price limit 24;
