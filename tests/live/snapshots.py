"""Snapshots as a sampler makes them, for what keeps and plays them."""

from __future__ import annotations

from dataclasses import replace

from dbtui.live.tape import Header
from dbtui.model.activity import Activity, Session, Statement, StatementDelta, Statements
from dbtui.model.server import Server
from dbtui.model.snapshot import Link, Metric, Section, Snapshot

NOW = 1_700_000_000.0
METRICS = (Metric("tps", "TPS", "rate", ("commits",)),)
HEADER = Header("postgres", "shop", NOW, metrics=METRICS)
SERVER = Server("PostgreSQL", "18.6", 180006, "primary", "db-01:5432", "shop", "me", started=NOW - 90_000)


def session(id_: str, query: str = "COMMIT", **more: object) -> Session:
    made = Session(
        id=id_, started="1", user="app", database="shop", application="web", client="10.0.0.1",
        kind="client backend", state="active", wait_type="", wait="", query=query,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def statement(id_: str, calls: int, query: str | None = "SELECT $1") -> Statement:
    return Statement(id_, id_, "shop", "app", query, calls, calls * 2.0, rows=calls)


def snapshot(second: float, *sessions: Session, calls: int | None = None) -> Snapshot:
    """A sample taken at `NOW + second`; with `calls`, one that has counters of one statement."""
    at = NOW + second
    counted = None if calls is None else statement("7", calls)
    return Snapshot(
        at=at,
        link=Link.LIVE,
        server=SERVER,
        activity=Section(Activity(sessions, len(sessions), 100), at, 0.003),
        counters=Section({"commits": 10.0 * second, "max_connections": 100.0}, at, 0.003),
        locks=Section({s.id: s.blocked_by for s in sessions if s.blocked_by} or None, at),
        statements=Section(Statements((counted,), "pg_stat_statements 1.12"), at) if counted else Section(),
        metrics={"tps": second},
        deltas=(StatementDelta(counted, 5.0, 3, 6.0, share=1.0),) if counted else (),
    )
