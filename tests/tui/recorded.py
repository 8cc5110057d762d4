"""A server that was recorded: fixed answers at a fixed moment, for pictures of the console that never differ.

Only goldens use it. What the console does is tested against servers that run.
"""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from dbtui.config import Target
from dbtui.engines.postgres.counters import METRICS
from dbtui.live.history import History
from dbtui.live.session import ConsoleSession
from dbtui.model.activity import Activity, Health, Session, Statement, StatementDelta, Statements
from dbtui.model.catalog import Column, Constraint, Detail, Index, Kind, Name, Node, Table
from dbtui.model.nouns import Nouns
from dbtui.model.plan import RawPlan
from dbtui.model.result import Page, ResultColumn
from dbtui.model.server import Environment, Server
from dbtui.model.shift import Shift
from dbtui.model.snapshot import Cost, Link, Section, Snapshot
from dbtui.sql.classify import classify
from dbtui.sql.split import statement_at
from dbtui.tui.app import DbtuiApp, Options
from dbtui.tui.widgets.status import TopBar
from tests.tui.console import Console

NOW = 1_700_000_000.0
TARGET = Target("prod-orders", "postgresql", "postgresql://me@db-01/orders", Environment.PRODUCTION)
SERVER = Server("PostgreSQL", "18.6", 180006, "primary", "db-01:5432", "orders", "me", started=NOW - 90_000)


def _session(
    id_: int, user: str, application: str, client: str, state: str, query: str, **more: Any
) -> Session:
    facts: dict[str, Any] = {
        "started": "1", "database": "orders", "kind": "client backend", "wait_type": "", "wait": "",
        "query_age": 0.2, "state_age": 0.2, "transaction_age": 0.2,
    }  # fmt: skip
    facts |= {"id": str(id_), "user": user, "application": application, "client": client, "state": state}
    return Session(**facts | {"query": query} | more)


_UPDATE = "UPDATE inventory SET quantity = quantity - $1 WHERE sku = $2 RETURNING quantity"
_LOCKED = {"wait_type": "Lock", "wait": "transactionid"}
SESSIONS = (
    _session(
        48102, "app_rw", "checkout", "10.0.4.17", "idle in transaction", "SELECT * FROM carts WHERE id = $1 FOR UPDATE",
        query_age=191.0, state_age=190.0, transaction_age=192.0, holds_back=48_211,
    ),
    _session(48110, "app_rw", "checkout", "10.0.4.18", "active", _UPDATE, query_age=75.0, transaction_age=75.5,
             blocked_by=("48102",), **_LOCKED),
    _session(48131, "app_rw", "worker", "10.0.4.21", "active", _UPDATE, query_age=41.0, transaction_age=41.0,
             blocked_by=("48102",), wait_type="Lock", wait="tuple"),
    _session(48140, "batch", "nightly", "10.0.5.2", "active", "DELETE FROM inventory WHERE quantity = 0",
             query_age=12.0, blocked_by=("48131",), **_LOCKED),
    _session(47001, "report", "metabase", "10.0.9.9", "active",
             "SELECT c.name, sum(o.total)\n  FROM orders o JOIN customers c ON c.id = o.customer_id\n GROUP BY 1",
             query_age=3723.0, transaction_age=3723.0, wait_type="IO", wait="DataFileRead"),
    _session(48200, "app_rw", "api", "10.0.4.30", "active", "SELECT * FROM orders WHERE id = $1", query_age=0.004),
    _session(48201, "app_rw", "api", "10.0.4.31", "active", "INSERT INTO events (kind, payload) VALUES ($1, $2)",
             query_age=0.012, wait_type="IO", wait="WALSync"),
    *(_session(48300 + n, "app_rw", "api", "10.0.4.32", "idle", "COMMIT", transaction_age=None, query_age=5.0 + n)
      for n in range(9)),
)  # fmt: skip
_TEXTS = (
    (
        "SELECT c.name, sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY $1",
        2,
        8400.0,
        0.71,
    ),
    (_UPDATE, 310, 2600.0, 0.97),
    ("SELECT * FROM orders WHERE id = $1", 24_100, 720.0, 0.999),
    ("INSERT INTO events (kind, payload) VALUES ($1, $2)", 9_800, 640.0, 1.0),
    ("SELECT count(*) FROM events WHERE kind = $1 AND at > $2", 12, 410.0, 0.42),
)


def _deltas() -> tuple[StatementDelta, ...]:
    total = sum(ms for _, _, ms, _ in _TEXTS)
    made = []
    for number, (query, calls, ms, hit) in enumerate(_TEXTS):
        statement = Statement(
            str(number),
            str(7_000_000 + number),
            "orders",
            "app_rw" if number else "report",
            query,
            calls * 900,
            ms * 880,
        )
        hits = int(calls * 40 * hit)
        made.append(
            StatementDelta(
                statement, 5.0, calls, ms, rows=calls * 3, blocks_hit=hits, blocks_read=calls * 40 - hits,
                temp_blocks=0 if number else 4200, wal_bytes=0 if number in (0, 2, 4) else calls * 220,
                share=ms / total,
            )
        )  # fmt: skip
    return tuple(made)


_VALUES: Mapping[str, float] = {
    "tps": 2384.0, "cache": 0.873, "connections": 16.0, "load": 6.0, "wal": 1_843_200.0, "waiting": 3.0,
    "idle_in_transaction": 1.0, "oldest": 3723.0, "written": 812.0, "fetched": 91_400.0, "rollbacks": 0.4,
    "temp": 6_881_280.0, "deadlocks": 0.0, "wraparound": 48_000_000.0,
}  # fmt: skip
SNAPSHOT = Snapshot(
    at=NOW,
    link=Link.LIVE,
    server=SERVER,
    activity=Section(Activity(SESSIONS, 16, 200), NOW - 1, 0.004),
    counters=Section({"max_connections": 200.0}, NOW - 1, 0.004),
    statements=Section(
        Statements(
            tuple(d.statement for d in _deltas()), "pg_stat_statements 1.12", evicted=0, reset="2023-11-01"
        ),
        NOW - 3,
    ),
    health=Section(Health(), NOW - 3),
    metrics=_VALUES,
    deltas=_deltas(),
    cost=Cost(120, 0.31),
)
LOST = replace(
    SNAPSHOT,
    link=Link.LOST,
    trouble="the connection to the server is lost: it is opened again by itself",
    next_try=NOW + 8,
    activity=replace(SNAPSHOT.activity, taken_at=NOW - 42),
)
QUIET = replace(SNAPSHOT, activity=Section(Activity(SESSIONS[-9:], 9, 200), NOW - 1))
NOBODY = replace(SNAPSHOT, activity=Section(Activity((), 0, None), NOW - 1))
MASKED = replace(
    SNAPSHOT,
    activity=Section(
        Activity(
            tuple(replace(s, state="", query="<insufficient privilege>", hidden=True, blocked_by=(), wait_type="",
                          query_age=None, transaction_age=None, state_age=None) for s in SESSIONS[:6]),
            16, 200, hidden=6, remedy="GRANT pg_monitor TO me;",
        ),
        NOW - 1,
    ),
    statements=Section(
        None, error="permission denied for view pg_stat_statements", remedy="GRANT pg_read_all_stats TO me;"
    ),
    deltas=(),
)  # fmt: skip
SHIFTS = (
    Shift("lock", "", 3.0, 0.0, "sessions", 15.0),
    Shift("statement", _UPDATE, 2.9, 0.1, "sessions", 9.0),
    Shift("client", "checkout", 2.0, 0.3, "sessions", 4.0),
    Shift("counter", "TPS", 812.0, 2384.0, "per second", 0.8),
)


def record(history: History, *, load: bool = False) -> None:
    """Three minutes of figures; with `load` also who ran, read and, in the last minute, waited for locks."""
    for tick in range(90):
        values = {
            name: value * (0.75 + 0.25 * math.sin(tick / 7 + len(name))) for name, value in _VALUES.items()
        }
        if load:
            waiting = max(0.0, (tick - 60) / 10)
            values |= {"load:running": 2.0 + math.sin(tick / 9), "load:IO": 1.5, "load:Lock": waiting}
        history.add(NOW - 180 + 2 * tick, values)


_SHOP = ("orders", "shop")
_TREE: Mapping[tuple[str, ...], Sequence[Node]] = {
    (): (
        Node(Kind.DATABASE, "orders", ("orders",), size=48_318_382_080),
        Node(Kind.DATABASE, "postgres", ("postgres",), size=7_900_000),
        Node(Kind.DATABASE, "secret", ("secret",), note="no access", leaf=True),
    ),
    ("orders",): (
        Node(Kind.SCHEMA, "public", ("orders", "public")),
        Node(Kind.SCHEMA, "shop", _SHOP),
        Node(Kind.SCHEMA, "pg_catalog", ("orders", "pg_catalog"), note="system"),
    ),
    _SHOP: (
        Node(Kind.TABLE, "customers", (*_SHOP, "customers"), size=734_003_200, rows=1_200_000),
        Node(Kind.PARTITIONED, "events", (*_SHOP, "events"), size=31_138_512_896, rows=310_000_000),
        Node(Kind.TABLE, "orders", (*_SHOP, "orders"), size=12_884_901_888, rows=48_000_000),
        Node(Kind.VIEW, "revenue_by_month", (*_SHOP, "revenue_by_month")),
        Node(Kind.FOLDER, "Functions", (*_SHOP, "Functions")),
    ),
    (*_SHOP, "orders"): (
        Node(Kind.COLUMN, "id", (*_SHOP, "orders", "id"), "bigint", leaf=True),
        Node(Kind.COLUMN, "customer_id", (*_SHOP, "orders", "customer_id"), "integer", leaf=True),
    ),
}
_DDL = """\
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    customer_id integer NOT NULL,
    status text DEFAULT 'new'::text NOT NULL,
    total numeric(10,2) NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id)
);
CREATE INDEX orders_by_customer ON shop.orders USING btree (customer_id);"""
_TABLE = Table(
    Kind.TABLE,
    (*_SHOP, "orders"),
    (
        Column("id", "bigint", False, identity="always"),
        Column("customer_id", "integer", False),
        Column("status", "text", False, "'new'::text"),
        Column("total", "numeric(10,2)", False),
        Column("note", "text", True),
        Column("year", "integer", True, generated="EXTRACT(year FROM placed)"),
    ),
    (
        Index("orders_pkey", "CREATE UNIQUE INDEX orders_pkey ON shop.orders USING btree (id)", ("id",), True, True,
              method="btree", size=1_073_741_824, scans=91_000_000),
        Index("orders_by_status", "CREATE INDEX orders_by_status ON shop.orders USING btree (status)", ("status",),
              method="btree", size=734_003_200, scans=0),
        Index("orders_half_built", "CREATE INDEX orders_half_built ON shop.orders USING btree (total)", ("total",),
              valid=False, method="btree", size=52_428_800, scans=0),
    ),
    (
        Constraint("orders_pkey", "primary key", "PRIMARY KEY (id)", ("id",)),
        Constraint("orders_customer", "foreign key", "FOREIGN KEY (customer_id) REFERENCES shop.customers(id)",
                   validated=False),
    ),
)  # fmt: skip
_FACTS = (
    ("Owner", "shop_owner"), ("Rows", "48.0M"), ("Size", "12.0 GB"), ("Dead rows", "2.1M"),
    ("Last autovacuum", "2023-11-14 02:11:09"), ("Comment", "one row an order; never deleted"),
)  # fmt: skip


def _node(kind: str, **more: Any) -> dict[str, Any]:
    return {"Node Type": kind, **{key.replace("_", " "): value for key, value in more.items()}}


def _plan(analyze: bool) -> str:
    def scan(kind: str, rows: int, ms: float, **more: Any) -> dict[str, Any]:
        node = _node(kind, Plan_Rows=rows, Plan_Width=24, Startup_Cost=0.0, Total_Cost=ms * 31, **more)
        if analyze:
            node |= {"Actual Rows": rows * 40, "Actual Loops": 1, "Actual Startup Time": 0.1, "Actual Total Time": ms,
                     "Shared Hit Blocks": 900, "Shared Read Blocks": int(ms)}  # fmt: skip
        return node

    orders = scan("Seq Scan", 1100, 2010.5, Relation_Name="orders", Schema="shop", Alias="o",
                  Filter="(status = 'paid'::text)", Parent_Relationship="Outer")  # fmt: skip
    customers = scan("Index Scan", 5000, 41.2, Relation_Name="customers", Schema="shop", Alias="c",
                     Index_Name="customers_pkey", Parent_Relationship="Inner")  # fmt: skip
    join = scan("Hash Join", 1100, 2402.0, Hash_Cond="(o.customer_id = c.id)", Parent_Relationship="Outer")
    join["Plans"] = [orders, customers]
    top = scan("Sort", 20, 2480.25, Sort_Key=["(sum(o.total)) DESC"], Sort_Method="external merge")
    top["Plans"] = [join]
    return json.dumps(
        [{"Plan": top} | ({"Planning Time": 0.42, "Execution Time": 2481.0} if analyze else {})]
    )


class RecordedCatalog:
    """The tree, one detail and a page of rows."""

    async def children(self, node: Node | None) -> Sequence[Node]:
        return _TREE.get(node.path if node is not None else (), ())

    async def detail(self, node: Node) -> Detail:
        return Detail(node, _FACTS, _DDL, _TABLE) if node.kind is Kind.TABLE else Detail(node, _FACTS[:1])

    async def names(self, database: str) -> Sequence[Name]:
        return [Name(node.kind, node.path) for node in _TREE[_SHOP] if node.kind is not Kind.FOLDER]

    async def sample(self, node: Node, limit: int = 100) -> Page:
        return _rows(12)

    def forget(self) -> None:
        """There is nothing to ask anew."""


def _rows(count: int) -> Page:
    columns = (
        ResultColumn("id", "int8", True), ResultColumn("status", "text"), ResultColumn("total", "numeric", True),
        ResultColumn("note", "text"),
    )  # fmt: skip
    rows = tuple(
        (
            str(9000 + n),
            ("new", "paid", "sent")[n % 3],
            f"{n * 37 % 500}.{n % 100:02}",
            None if n % 4 else "gift wrapped",
        )
        for n in range(count)
    )
    return Page(columns, rows, False, f"SELECT {count}", 0.0042)


class RecordedCursor:
    """One page."""

    async def fetch(self, count: int = 500) -> Page:
        return _rows(23)

    async def close(self) -> None:
        """There is nothing to end."""


class RecordedEngine:
    """See `engines.base.Engine`."""

    name = "postgres"
    nouns = Nouns()
    lacks: Mapping[str, str] = {}
    actions = None
    sources: Sequence[Any] = ()
    metrics = METRICS
    cost = Cost()

    def __init__(self) -> None:
        self.monitor = self.query = self.explain = self
        self.catalog = RecordedCatalog()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> RecordedCursor:
        return RecordedCursor()

    def statement_at(self, text: str, offset: int) -> str:
        found = statement_at(text, offset)
        return found.text if found is not None else ""

    def only_reads(self, statement: str) -> bool:
        return classify(statement).only_reads

    async def open(self) -> Server:
        return SERVER

    async def close(self) -> None:
        """There is nothing to end."""


class RecordedExplainer:
    """A plan, measured when asked so."""

    async def explain(self, sql: str, *, analyze: bool = False, **_: Any) -> RawPlan:
        return RawPlan(_plan(analyze), "postgres-json", sql, "18.6")


@asynccontextmanager
async def recorded(
    size: tuple[int, int], snapshot: Snapshot | None = SNAPSHOT, **options: Any
) -> AsyncIterator[Console]:
    """A console on the recording."""
    engine: Any = RecordedEngine()
    engine.explain = RecordedExplainer()
    clock: Callable[[], float] = lambda: NOW  # noqa: E731
    with (
        patch("dbtui.tui.app.create", lambda _target: engine),
        patch.object(ConsoleSession, "start", lambda _self: None),
        patch("dbtui.tui.app.discover", lambda: ([], [])),
    ):
        app = DbtuiApp(TARGET, Options(interval=2.0, **options))
        async with app.run_test(size=size) as pilot:
            c = Console(app, pilot)
            await c.opened()
            c.main.query_one(TopBar).clock = clock
            record(c.main.session.history)
            if snapshot is not None:
                c.main.snapshot = snapshot
            await c.settle()
            yield c
