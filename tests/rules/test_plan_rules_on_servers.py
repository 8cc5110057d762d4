"""Rules about plans fire on what real servers print, not only on the examples of their case files."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbtui.plans import parse
from dbtui.rules.plan import findings
from tests.servers.postgres import PostgresServer

SCHEMA = """
create table sales (id int primary key, city text, country text, at timestamptz, label varchar(40), n int);
insert into sales select i, 'city ' || i % 200, 'country ' || (i % 200) / 10,
  '2024-01-01'::timestamptz + i * interval '1 min', 'label ' || i, i % 1000 from generate_series(1, 120000) i;
create index on sales (at);
create table places (id int primary key, city text, n int);
insert into places select i, 'city ' || i, i from generate_series(1, 400) i;
create table days (at timestamptz not null, v int) partition by range (at);
select format('create table days_%s partition of days for values from (%L) to (%L)', m,
  make_date(2024, m, 1), make_date(2024, m, 1) + interval '1 month') from generate_series(1, 8) m \\gexec
insert into days select '2024-01-01'::timestamptz + i * interval '20 min', i from generate_series(1, 17000) i;
create table bloated (id int, filler text) with (autovacuum_enabled = off);
insert into bloated select i, repeat('x', 1000) from generate_series(1, 12000) i;
delete from bloated where id > 20;
vacuum analyze sales; vacuum analyze places; vacuum analyze days;
alter table sales set (autovacuum_enabled = off);
"""
ONE_PROCESS = "set max_parallel_workers_per_gather = 0; "
CASES = {
    "pg-not-in-not-hashed": (
        "set work_mem = '64kB'; ",
        "select * from places where n not in (select n + 5000 from sales where id <= 15000)",
    ),
    "pg-order-by-limit-wrong-index": (
        "set enable_sort = off; ",
        "select * from sales where label = 'label 119999' order by id limit 1",
    ),
    "pg-correlated-columns": ("", "select * from sales where city = 'city 7' and country = 'country 0'"),
    "pg-join-filter-or": (
        "set enable_hashjoin = off; set enable_mergejoin = off; ",
        "select * from sales s join places p on s.city = p.city or p.n = 7 where s.id < 2000 and (s.n = 3 or p.n = 5)",
    ),
    "pg-partitions-not-pruned": ("", "select * from days where at::date = '2024-03-03'"),
    "any-function-on-indexed-column": ("", "select * from sales where date_trunc('day', at) = '2024-01-03'"),
    "any-leading-wildcard": ("", "select * from sales where label like '%9999%'"),
    "any-exact-count": ("set enable_indexonlyscan = off; ", "select count(*) from sales"),
    "pg-read-efficiency": ("", "select id from bloated"),
    "pg-stale-statistics": ("", "select * from bloated"),
    "pg-seq-scan-discards-rows": ("", "select * from sales where n = 5"),
    "pg-seq-scan-indexable": ("", "select * from places, sales where places.city = 'city 3' and sales.id = 4"),
}  # fmt: skip
EXTRA = {
    "pg-seq-scan-indexable": "insert into places select i, 'more', i from generate_series(1000, 5000) i; "
}


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.create_database()
    postgres.psql(SCHEMA, database=name)
    yield name
    postgres.drop_database(name)


@pytest.mark.parametrize("rule", CASES)
@pytest.mark.parametrize("notation", ["json", "text"])
def test_a_rule_fires_on_a_servers_plan(
    postgres: PostgresServer, shop: str, rule: str, notation: str
) -> None:
    settings, sql = CASES[rule]
    printed = postgres.psql(
        f"begin; {EXTRA.get(rule, '')}{ONE_PROCESS}{settings}"
        f"explain (analyze, buffers, verbose, format {notation}) {sql}; rollback;",
        database=shop,
    )
    text = "\n".join(
        line
        for line in printed.split("\n")
        if line not in ("BEGIN", "SET", "ROLLBACK") and "INSERT" not in line
    )
    assert rule in {one.rule for one in findings(parse(text))}, text
