"""The load on the till's file: sales, and a report that keeps its snapshot, so that the WAL grows meanwhile."""

from __future__ import annotations

import asyncio
import random
import sqlite3

_SCHEMA = """
PRAGMA journal_mode = WAL;
create table if not exists product (id integer primary key, name text not null, price numeric not null) strict;
create table if not exists sale (id integer primary key, product integer not null references product,
                                 pieces integer not null, at text not null default current_timestamp);
create table if not exists setting (key text primary key, value) without rowid;
create index if not exists sale_product on sale (product);
create view if not exists revenue as
  select p.name, sum(s.pieces * p.price) as revenue from sale s join product p on p.id = s.product group by p.id;
insert or ignore into setting values ('till', 'front door'), ('currency', 'EUR');
insert or ignore into product
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 400)
  select i, 'product ' || i, i % 90 + 0.99 from n;
"""


async def play(url: str) -> None:
    """Until something fails."""
    path = url.removeprefix("sqlite:///")
    till, report = sqlite3.connect(path, isolation_level=None), sqlite3.connect(path, isolation_level=None)
    chance = random.Random(7)
    try:
        till.executescript(_SCHEMA.replace(" strict;", ";"))
        second = 0.0
        while True:
            till.execute("begin immediate")
            for _ in range(chance.randint(1, 20)):
                till.execute(
                    "insert into sale (product, pieces) values (?, ?)",
                    (chance.randint(1, 400), chance.randint(1, 5)),
                )
            till.execute("commit")
            if second % 40 < 0.2 and not report.in_transaction:
                report.execute("begin")
                report.execute("select count(*) from revenue").fetchone()
            elif second % 40 > 20 and report.in_transaction:
                report.execute("rollback")
            await asyncio.sleep(0.2)
            second += 0.2
    finally:
        till.close()
        report.close()
