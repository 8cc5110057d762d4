"""A schema in the shape of TPC-H's, with rows that the server makes itself, and 22 questions to it.

The tables, columns and relative sizes follow the benchmark's specification (https://www.tpc.org/tpch/); the rows are
random and the questions are our own wording of what its queries ask, so that the figures are no TPC-H results.
"""

from __future__ import annotations

SCHEMA = """
create table region (r_regionkey int primary key, r_name text not null);
create table nation (n_nationkey int primary key, n_name text not null, n_regionkey int not null references region);
create table supplier (s_suppkey int primary key, s_name text not null, s_nationkey int not null references nation,
  s_acctbal numeric(12,2) not null, s_comment text not null);
create table part (p_partkey int primary key, p_name text not null, p_brand text not null, p_type text not null,
  p_size int not null, p_container text not null, p_retailprice numeric(12,2) not null);
create table partsupp (ps_partkey int not null references part, ps_suppkey int not null references supplier,
  ps_availqty int not null, ps_supplycost numeric(12,2) not null, primary key (ps_partkey, ps_suppkey));
create table customer (c_custkey int primary key, c_name text not null, c_nationkey int not null references nation,
  c_phone text not null, c_acctbal numeric(12,2) not null, c_mktsegment text not null);
create table orders (o_orderkey int primary key, o_custkey int not null references customer,
  o_orderstatus text not null,
  o_totalprice numeric(12,2) not null, o_orderdate date not null, o_orderpriority text not null,
  o_comment text not null);
create table lineitem (l_orderkey int not null references orders, l_linenumber int not null,
  l_partkey int not null, l_suppkey int not null, l_quantity int not null, l_extendedprice numeric(12,2) not null,
  l_discount numeric(4,2) not null, l_tax numeric(4,2) not null, l_returnflag text not null, l_linestatus text not null,
  l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null, l_shipmode text not null,
  l_shipinstruct text not null, primary key (l_orderkey, l_linenumber))
"""

_ROWS = """
select setseed(0.42);
insert into region select i, (array['AFRICA','AMERICA','ASIA','EUROPE','MIDDLE EAST'])[i + 1]
  from generate_series(0, 4) i;
insert into nation select i, 'NATION ' || i, i % 5 from generate_series(0, 24) i;
insert into supplier select i, 'Supplier#' || i, i % 25, random() * 10000 - 1000,
  case when i % 200 = 0 then 'Customer Complaints' else 'fine' end from generate_series(1, {suppliers}) i;
insert into part select i, (array['green','blue','red','forest','misty'])[1 + i % 5] || ' part ' || i,
  'Brand#' || 11 + i % 25, (array['ECONOMY','PROMO','STANDARD','SMALL'])[1 + i % 4] || ' '
  || (array['BRASS','STEEL','TIN'])[1 + i % 3], 1 + i % 50,
  (array['SM BOX','MED BAG','LG CASE','JUMBO PKG'])[1 + i % 4], 900 + i % 1000 from generate_series(1, {parts}) i;
insert into partsupp select p, 1 + (p * 7 + s * ({suppliers} / 4)) % {suppliers}, random() * 9999, random() * 1000
  from generate_series(1, {parts}) p, generate_series(0, 3) s on conflict do nothing;
insert into customer select i, 'Customer#' || i, i % 25, 10 + i % 25 || '-' || i, random() * 10000 - 1000,
  (array['BUILDING','AUTOMOBILE','MACHINERY','HOUSEHOLD','FURNITURE'])[1 + i % 5]
  from generate_series(1, {customers}) i;
insert into orders select i, 1 + (random() * ({customers} - 1))::int, case when i % 2 = 0 then 'F' else 'O' end,
  1000 + random() * 400000, date '1992-01-01' + (random() * 2400)::int,
  (array['1-URGENT','2-HIGH','3-MEDIUM','4-LOW','5-NONE'])[1 + i % 5],
  case when i % 50 = 0 then 'special requests' else 'none at all' end from generate_series(1, {orders}) i;
insert into lineitem select o_orderkey, n, 1 + (random() * ({parts} - 1))::int, 1 + (random() * ({suppliers} - 1))::int,
  1 + (random() * 49)::int, 900 + random() * 90000, (random() * 10)::int / 100.0, (random() * 8)::int / 100.0,
  (array['A','N','R'])[1 + (random() * 2)::int], case when o_orderdate > '1995-06-17' then 'O' else 'F' end,
  o_orderdate + 1 + (random() * 120)::int, o_orderdate + 30 + (random() * 60)::int,
  o_orderdate + 2 + (random() * 150)::int, (array['AIR','MAIL','SHIP','TRUCK','RAIL'])[1 + (random() * 4)::int],
  (array['DELIVER IN PERSON','NONE','COLLECT COD'])[1 + (random() * 2)::int]
  from orders, generate_series(1, 4) n;
vacuum analyze
"""

QUERIES = (
    "select l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), count(*) from lineitem"
    " where l_shipdate <= date '1998-09-01' group by 1, 2 order by 1, 2",
    "select s_acctbal, s_name, n_name, p_partkey from part join partsupp on ps_partkey = p_partkey"
    " join supplier on s_suppkey = ps_suppkey join nation on n_nationkey = s_nationkey"
    " where p_size = 15 and p_type like '%BRASS' and ps_supplycost = (select min(i.ps_supplycost) from partsupp i"
    " where i.ps_partkey = p_partkey) order by s_acctbal desc limit 100",
    "select l_orderkey, sum(l_extendedprice * (1 - l_discount)) as revenue, o_orderdate from customer"
    " join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey"
    " where c_mktsegment = 'BUILDING' and o_orderdate < date '1995-03-15' and l_shipdate > date '1995-03-15'"
    " group by l_orderkey, o_orderdate order by revenue desc limit 10",
    "select o_orderpriority, count(*) from orders where o_orderdate >= date '1993-07-01'"
    " and o_orderdate < date '1993-10-01' and exists (select 1 from lineitem where l_orderkey = o_orderkey"
    " and l_commitdate < l_receiptdate) group by 1 order by 1",
    "select n_name, sum(l_extendedprice * (1 - l_discount)) as revenue from customer"
    " join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey"
    " join supplier on s_suppkey = l_suppkey and s_nationkey = c_nationkey join nation on n_nationkey = s_nationkey"
    " join region on r_regionkey = n_regionkey where r_name = 'ASIA' and o_orderdate >= date '1994-01-01'"
    " and o_orderdate < date '1995-01-01' group by 1 order by 2 desc",
    "select sum(l_extendedprice * l_discount) from lineitem where l_shipdate >= date '1994-01-01'"
    " and l_shipdate < date '1994-02-01' and l_discount between 0.05 and 0.07 and l_quantity < 24",
    "select extract(year from l_shipdate), sum(l_extendedprice) from supplier join lineitem on l_suppkey = s_suppkey"
    " join orders on o_orderkey = l_orderkey join customer on c_custkey = o_custkey"
    " where s_nationkey = 7 and c_nationkey = 8 and l_shipdate between date '1995-01-01' and date '1996-12-31'"
    " group by 1",
    "select extract(year from o_orderdate), sum(l_extendedprice) from part join lineitem on l_partkey = p_partkey"
    " join orders on o_orderkey = l_orderkey where p_type = 'ECONOMY STEEL' and p_size = 3"
    " and o_orderdate between date '1995-01-01' and date '1996-12-31' group by 1",
    "select n_name, sum(l_extendedprice - ps_supplycost * l_quantity) from part"
    " join lineitem on l_partkey = p_partkey join partsupp on ps_partkey = l_partkey and ps_suppkey = l_suppkey"
    " join supplier on s_suppkey = l_suppkey join nation on n_nationkey = s_nationkey"
    " where p_name like 'green part 1%' group by 1",
    "select c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) as lost from customer"
    " join orders on o_custkey = c_custkey join lineitem on l_orderkey = o_orderkey"
    " where o_orderdate >= date '1993-10-01' and o_orderdate < date '1993-11-01' and l_returnflag = 'R'"
    " group by c_custkey, c_name order by lost desc limit 20",
    "select ps_partkey, sum(ps_supplycost * ps_availqty) as value from partsupp join supplier on s_suppkey = ps_suppkey"
    " where s_nationkey = 7 group by 1 order by 2 desc limit 50",
    "select l_shipmode, count(*) from orders join lineitem on l_orderkey = o_orderkey"
    " where l_shipmode in ('MAIL', 'SHIP') and l_commitdate < l_receiptdate and l_receiptdate >= date '1994-01-01'"
    " and l_receiptdate < date '1994-03-01' group by 1",
    "select c_custkey, count(o_orderkey) from customer left join orders on o_custkey = c_custkey"
    " and o_orderstatus = 'F' where c_custkey between 100 and 300 group by 1",
    "select sum(case when p_type like 'PROMO%' then l_extendedprice else 0 end) from lineitem"
    " join part on p_partkey = l_partkey where l_shipdate >= date '1995-09-01' and l_shipdate < date '1995-10-01'",
    "select l_suppkey, sum(l_extendedprice * (1 - l_discount)) as revenue from lineitem"
    " where l_shipdate >= date '1996-01-01' and l_shipdate < date '1996-02-01' group by 1 order by 2 desc limit 1",
    "select p_brand, p_size, count(distinct ps_suppkey) from partsupp join part on p_partkey = ps_partkey"
    " where p_brand = 'Brand#21' and p_size in (49, 14, 23, 45) and ps_suppkey not in (select s_suppkey from supplier"
    " where s_comment like '%Complaints%') group by 1, 2",
    "select sum(l_extendedprice) / 7 from lineitem join part on p_partkey = l_partkey where p_brand = 'Brand#23'"
    " and p_container = 'MED BAG' and l_quantity < (select 0.2 * avg(i.l_quantity) from lineitem i"
    " where i.l_partkey = p_partkey)",
    "select c_name, o_orderkey, o_totalprice from customer join orders on o_custkey = c_custkey"
    " where o_totalprice > 400000 order by o_totalprice desc, o_orderdate limit 100",
    "select sum(l_extendedprice) from lineitem join part on p_partkey = l_partkey where p_brand = 'Brand#12'"
    " and p_container = 'SM BOX' and l_quantity between 1 and 11 and l_shipmode in ('AIR', 'RAIL')"
    " and l_shipinstruct = 'DELIVER IN PERSON'",
    "select s_name from supplier where s_suppkey in (select ps_suppkey from partsupp where ps_partkey in"
    " (select p_partkey from part where p_name like 'forest part 2%') and ps_availqty > (select 0.5 * sum(l_quantity)"
    " from lineitem where l_partkey = ps_partkey and l_suppkey = ps_suppkey)) and s_nationkey = 3 order by 1",
    "select s_name, count(*) from supplier join lineitem l on l.l_suppkey = s_suppkey"
    " join orders on o_orderkey = l.l_orderkey where o_orderstatus = 'F' and l.l_receiptdate > l.l_commitdate"
    " and s_nationkey = 9 and not exists (select 1 from lineitem o where o.l_orderkey = l.l_orderkey"
    " and o.l_suppkey <> l.l_suppkey and o.l_receiptdate > o.l_commitdate) group by 1 order by 2 desc limit 100",
    "select c_nationkey, count(*), sum(c_acctbal) from customer where c_nationkey in (13, 17)"
    " and c_acctbal > 9000 and not exists (select 1 from orders where o_custkey = c_custkey) group by 1",
)


def rows(scale: float) -> str:
    """The SQL that fills the tables; scale 1 is about 6,000,000 rows of lineitem."""
    return _ROWS.format(
        suppliers=max(25, round(10_000 * scale)),
        parts=max(200, round(200_000 * scale)),
        customers=max(150, round(150_000 * scale)),
        orders=max(1_500, round(1_500_000 * scale)),
    )
