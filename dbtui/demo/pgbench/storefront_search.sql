\set word random(1, 8)
select id, name, price from shop.products
where search @@ to_tsquery('simple', (array['lamp', 'chair & oak', 'teapot', 'kettle | cup', 'bench', 'desk & steel', 'blanket', 'shelf'])[:word])
order by price limit 20;
