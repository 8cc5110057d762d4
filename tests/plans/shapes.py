"""A small schema and statements that make every kind of plan node that PostgreSQL has without extensions."""

from __future__ import annotations

SCHEMA = """
create table customers (id int primary key, name text not null, region int, tags jsonb);
insert into customers select i, 'customer ' || i, i % 7, jsonb_build_object('vip', i % 10 = 0)
  from generate_series(1, 3000) i;
create table orders (id int primary key, customer_id int not null, state text, total numeric, placed date);
insert into orders select i, 1 + (i * 7919) % 3000, (array['new', 'paid', 'sent'])[1 + i % 3], i % 500,
  date '2024-01-01' + i % 365 from generate_series(1, 30000) i;
create index orders_customer on orders (customer_id);
create index orders_state on orders (state);
create index orders_placed on orders (placed);
create table "Order Lines" (order_id int references orders on delete cascade, "Line No" int, sku text);
insert into "Order Lines" select 1 + i % 30000, i % 4, 'sku' || i % 100 from generate_series(1, 40000) i;
create table measures (at date not null, sensor int, value float) partition by range (at);
create table measures_1 partition of measures for values from ('2024-01-01') to ('2024-05-01');
create table measures_2 partition of measures for values from ('2024-05-01') to ('2024-09-01');
create table measures_3 partition of measures for values from ('2024-09-01') to ('2025-01-01');
insert into measures select date '2024-01-01' + i % 360, i % 20, i from generate_series(1, 20000) i;
create table parents (id int primary key);
create table children (id int primary key, parent_id int references parents on delete cascade);
insert into parents select generate_series(1, 300);
insert into children select i, 1 + i % 300 from generate_series(1, 900) i;
create table audited (id int primary key, note text);
insert into audited select i, 'n' from generate_series(1, 500) i;
create function audit() returns trigger language plpgsql as 'begin perform pg_sleep(0); return new; end';
create trigger audited_before before update on audited for each row execute function audit();
create trigger audited_after after update on audited for each row execute function audit();
create view big_orders as select * from orders where total > 400;
create sequence numbers;
vacuum analyze;
"""

PARALLEL = """
set parallel_setup_cost = 0; set parallel_tuple_cost = 0; set min_parallel_table_scan_size = 0;
set min_parallel_index_scan_size = 0; set max_parallel_workers_per_gather = 2;
"""

# name → settings and the statement; the statement is explained inside a transaction that is rolled back
SHAPES: dict[str, tuple[str, str]] = {
    "result": ("", "select 1"),
    "seq scan": ("", "select * from orders where total > 490"),
    "empty filter": ("", "select * from orders where false"),
    "index scan": ("", "select * from orders where id = 77"),
    "index only scan": ("set enable_seqscan = off", "select customer_id from orders where customer_id < 20"),
    "index scan backward": ("", "select * from orders order by id desc limit 5"),
    "bitmap scan": ("set enable_seqscan = off", "select * from orders where customer_id between 10 and 200"),
    "bitmap and": (
        "set enable_seqscan = off; set enable_indexscan = off",
        "select * from orders where customer_id between 10 and 300"
        " and placed between '2024-02-01' and '2024-02-20'",
    ),
    "bitmap or": (
        "set enable_seqscan = off",
        "select * from orders where customer_id = 5 or placed = '2024-03-03'",
    ),
    "lossy bitmap": (
        "set work_mem = '64kB'; set enable_seqscan = off; set enable_indexscan = off",
        "select count(total) from orders where placed > '2024-01-10'",
    ),
    "tid scan": ("", "select * from orders where ctid = '(3,4)'"),
    "tid range scan": ("set enable_seqscan = off", "select * from orders where ctid < '(3,4)'"),
    "sample scan": ("", "select * from orders tablesample system (10)"),
    "function scan": ("", "select * from generate_series(1, 1000) g where g % 3 = 0"),
    "values scan": ("", "select * from (values (1, 'a'), (2, 'b'), (3, 'c')) v (n, t) where n > 1"),
    "project set": ("", "select generate_series(1, id) from customers where id < 30"),
    "rows from": ("", "select * from rows from (generate_series(1, 3), generate_series(1, 5)) as r (a, b)"),
    "aggregate": ("", "select count(*), avg(total) from orders"),
    "hash aggregate": ("", "select customer_id, count(*) from orders group by customer_id"),
    "hash aggregate spill": (
        "set work_mem = '64kB'; set enable_sort = off",
        "select id + 1, count(*) from orders group by 1",
    ),
    "group aggregate": ("set enable_hashagg = off", "select state, sum(total) from orders group by state"),
    "grouping sets": ("", "select state, placed, count(*) from orders group by cube (state, placed)"),
    "sort in memory": ("", "select * from customers order by name"),
    "sort on disk": ("set work_mem = '64kB'", "select * from orders order by total, state"),
    "incremental sort": (
        "set enable_seqscan = off",
        "select * from orders order by customer_id, total limit 2000",
    ),
    "top-n": ("", "select * from orders order by total desc limit 3"),
    "distinct": ("set enable_hashagg = off", "select distinct state, total from orders"),
    "window": ("", "select id, rank() over (partition by region order by name) from customers"),
    "hash join": ("", "select * from orders o join customers c on c.id = o.customer_id where c.region = 3"),
    "hash join batches": (
        "set work_mem = '64kB'; set enable_mergejoin = off; set enable_nestloop = off",
        'select * from "Order Lines" l join orders o on o.id = l.order_id',
    ),
    "merge join": (
        "set enable_hashjoin = off; set enable_nestloop = off",
        "select * from orders o join customers c on c.id = o.customer_id",
    ),
    "left join": (
        "",
        'select * from customers c left join "Order Lines" "L x" on "L x".order_id = c.id where c.region = 1',
    ),
    "full join": ("", "select * from customers c full join parents p on p.id = c.id"),
    "semi join": (
        "",
        "select * from customers c where exists (select from orders o where o.customer_id = c.id)",
    ),
    "anti join": (
        "",
        "select * from customers c where not exists (select from orders o where o.customer_id = c.id + 5)",
    ),
    "nested loop": ("", "select * from customers c join orders o on o.customer_id = c.id where c.id < 40"),
    "nested loop materialize": (
        "set enable_hashjoin = off; set enable_mergejoin = off; set enable_memoize = off",
        "select count(*) from parents p join (select * from customers limit 100) c on c.region > p.id",
    ),
    "memoize": (
        "set enable_hashjoin = off; set enable_mergejoin = off",
        "select * from orders o join customers c on c.id = o.customer_id % 50 where o.id < 4000",
    ),
    "never executed": (
        "set enable_hashjoin = off; set enable_mergejoin = off",
        "select * from customers c join orders o on o.customer_id = c.id where c.name = 'nobody'",
    ),
    "lateral": (
        "",
        "select * from parents p, lateral (select * from orders o where o.customer_id = p.id limit 2) x",
    ),
    "append": ("", "select id from customers union all select id from orders where id < 100"),
    "union": ("", "select region from customers union select id from parents"),
    "except": ("", "select id from parents except select parent_id from children where parent_id < 50"),
    "intersect all": ("", "select id from parents intersect all select parent_id from children"),
    "merge append": ("", "select * from measures order by at limit 10"),
    "partitions": ("", "select sensor, sum(value) from measures group by sensor"),
    "partitions pruned": ("", "select * from measures where at = '2024-06-01'"),
    "partitions pruned at run": (
        "",
        "select * from measures where at = (select max(placed) from orders where id < 10) and sensor = 3",
    ),
    "subplan correlated": (
        "",
        "select c.id, (select count(*) from orders o where o.customer_id = c.id)"
        " from customers c where c.id < 500",
    ),
    "subplan hashed": (
        "",
        "select * from customers where id not in (select customer_id from orders where state = 'new')",
    ),
    "subplan in filter": (
        "",
        "select * from customers c where region < (select count(*) from parents p where p.id = c.id)",
    ),
    "subplan of subplan": (
        "",
        "select (select sum((select count(*) from orders o where o.customer_id = p.id)) from parents p"
        " where p.id < c.id) from customers c where c.id < 20",
    ),
    "init plan": ("", "select * from orders where total > (select avg(total) from orders) and id < 5000"),
    "init plans": (
        "",
        "select (select count(*) from orders), (select max(total) from orders), count(*) from customers"
        " where id > (select min(id) from parents)",
    ),
    "init plan of many": (
        "",
        "select "
        + ", ".join(f"(select count(*) from orders where id > {n})" for n in range(12))
        + " from parents limit 1",
    ),
    "init plan in init plan": (
        "",
        "select * from orders where total > (select avg(total) from orders"
        " where id > (select count(*) from customers))",
    ),
    "exists init plan": (
        "",
        "select count(*) from customers where exists (select from orders where total = 499)",
    ),
    "cte": (
        "",
        "with c as materialized (select customer_id, sum(total) s from orders group by 1)"
        " select * from c where s > 2000",
    ),
    "cte read twice": (
        "",
        "with c as materialized (select customer_id, sum(total) s from orders group by 1)"
        " select * from c a join c b on a.customer_id = b.customer_id + 1 where a.s > (select avg(s) from c)",
    ),
    "cte in cte": (
        "",
        "with a as materialized (select * from orders where id < 9000), b as materialized"
        " (select state, count(*) from a group by 1) select * from b, (select count(*) from a) x",
    ),
    "cte of the same name": (
        "",
        "with a as materialized (select id from customers) select * from a join (with a as materialized"
        " (select id from parents) select id from a) b using (id)",
    ),
    "cte unread": ("", "with c as materialized (select * from orders) select * from c limit 3"),
    "recursive": (
        "",
        "with recursive r (n) as (select 1 union all select n + 1 from r where n < 2000)"
        " select sum(n) from r",
    ),
    "recursive join": (
        "",
        "with recursive r as (select id, 0 as depth from parents where id = 1 union"
        " select c.id, depth + 1 from r"
        " join children c on c.parent_id = r.id where depth < 5) select * from r",
    ),
    "lock rows": ("", "select * from customers where id < 50 for update"),
    "insert": ("", "insert into parents select i from generate_series(1000, 1500) i"),
    "insert on conflict": (
        "",
        "insert into parents select i from generate_series(250, 350) i on conflict (id) do nothing",
    ),
    "update with triggers": ("", "update audited set note = 'x' where id < 300 returning id"),
    "update partitions": ("", "update measures set value = value + 1 where sensor = 4"),
    "delete cascade": ("", "delete from parents where id < 40"),
    "cte that writes": (
        "",
        "with gone as (delete from children where id < 500 returning *) select count(*) from gone",
    ),
    "cte that writes, unread": (
        "",
        "with gone as (delete from children returning *), added as (insert into audited select i, 'y' from"
        " generate_series(1000, 4000) i returning id) select id from added limit 1",
    ),
    "merge": (
        "",
        "merge into parents p using (select i from generate_series(290, 320) i) s on p.id = s.i"
        " when matched then do nothing when not matched then insert values (s.i)",
    ),
    "view and json": (
        "",
        "select * from big_orders b join customers c on c.id = b.id where c.tags ->> 'vip' = 'true'",
    ),
    "text with brackets": (
        "",
        "select * from customers where name in ('a) -> (cost=', '  ->  Seq Scan on x',"
        " 'it''s \"quoted\" || +')",
    ),
    "text of two lines": ("", "select * from customers where name = E'Limit\\n  ->  Result\\nFilter: x'"),
    "parallel seq scan": (PARALLEL, "select count(*) from orders where total > 100"),
    "parallel hash join": (
        PARALLEL,
        "select count(*) from orders o join customers c on c.id = o.customer_id",
    ),
    "parallel index scan": (
        PARALLEL + "set enable_seqscan = off; set enable_bitmapscan = off",
        "select count(*) from orders where customer_id < 2500 and total > 1",
    ),
    "parallel bitmap scan": (
        PARALLEL + "set enable_seqscan = off; set enable_indexscan = off; set enable_indexonlyscan = off",
        "select sum(total) from orders where customer_id < 900",
    ),
    "gather merge": (PARALLEL, "select * from orders order by total limit 500"),
    "parallel append": (PARALLEL, "select sensor, count(*) from measures group by sensor"),
    "parallel subplan": (
        PARALLEL,
        "select count(*) from customers c where region <"
        " (select count(*) from orders o where o.customer_id = c.id)",
    ),
    "parallel init plan": (
        PARALLEL,
        "select * from orders where total > (select avg(total) from orders) and state = 'new'",
    ),
    "gather in a loop": (
        PARALLEL + "set enable_material = off; set enable_hashjoin = off; set enable_mergejoin = off;"
        " set enable_memoize = off",
        "select p.id, x.n from parents p left join (select count(*) n, state from orders group by state) x"
        " on x.n > p.id where p.id < 6",
    ),
    "no workers to be had": (
        PARALLEL + "set max_parallel_workers = 0",
        "select count(*) from orders where total > 100",
    ),
    "leader stays out": (
        PARALLEL + "set parallel_leader_participation = off",
        "select state, count(*) from orders group by state",
    ),
}
