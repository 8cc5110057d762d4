"""What changed, what the load is made of, and who causes it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.live.insight import Insight, at_work, load_of
from dbtui.live.shifts import tables_of
from dbtui.model.activity import Session, StatementDelta
from dbtui.model.shift import Shift
from dbtui.model.snapshot import Section, Snapshot
from dbtui.output.shift_text import words
from tests.live.snapshots import METRICS, session, snapshot, statement


def sampled(calm: list[Session], busy: list[Session], **more: object) -> Snapshot:
    """Eleven minutes at a sample every two seconds, of which only the last is busy."""
    insight = Insight(METRICS)
    made = snapshot(0)
    for n in range(345):
        sessions = busy if n > 309 else calm
        made = replace(snapshot(2.0 * n, *sessions), metrics={"tps": 50.0})
        if n > 309:
            made = replace(made, **more)  # type: ignore[arg-type]
        made = replace(made, **insight.take(made, 2.0 * n))
    return made


CALM = [session("1", "SELECT * FROM orders", application="web")]
WAITING = [
    session(str(n), "UPDATE shop.stock SET n = n - 1", application="checkout", wait_type="Lock") for n in range(2, 8)
]  # fmt: skip


def test_a_lock_pile_up_is_told_with_its_table_and_client() -> None:
    said = [words(shift) for shift in sampled(CALM, CALM + WAITING).shifts]
    for wanted in (
        "Lock waits: 6 sessions, was 0", "waiting for locks: 6 sessions, was 0",
        "table shop.stock: 6 sessions, was 0", "checkout: 6 sessions, was 0",
    ):  # fmt: skip
        assert wanted in said
    assert not any("orders" in line or "web" in line for line in said)


def test_nothing_changed_and_nothing_known() -> None:
    assert sampled(CALM, CALM).shifts == ()
    insight = Insight(METRICS)
    first = snapshot(0, *WAITING)
    assert insight.take(first, 0.0)["shifts"] == ()


def test_statements_checkpoints_and_rates_are_compared_too() -> None:
    heavy = statement("9", 100, "SELECT report")
    made = sampled(
        CALM, CALM, deltas=(StatementDelta(heavy, 2.0, 5, 60_000.0),), metrics={"tps": 5_000.0},
        counters=Section({"commits": 0.0, "checkpoints_req": 7.0}),
    )  # fmt: skip
    kinds = {shift.kind for shift in made.shifts}
    assert {"statement", "counter"} <= kinds
    assert next(s for s in made.shifts if s.kind == "statement").subject == "SELECT report"


def test_the_load_counts_who_works_and_by_what_it_waits() -> None:
    working = at_work(
        [
            *WAITING,
            *CALM,
            session("20", state="idle"),
            session("21", kind="autovacuum worker"),
            session("22", hidden=True),
        ]
    )
    assert load_of(working) == {"Lock": 6.0, "running": 1.0}


def test_callers_add_up_the_time_that_samples_stand_for() -> None:
    insight = Insight(METRICS)
    for n in range(4):
        insight.take(snapshot(2.0 * n, *CALM, *WAITING), 2.0 * n)
    found = {s.id: s.total_ms for s in insight.callers()}
    assert found == {
        "application/web": 6_000.0,
        "application/checkout": 36_000.0,
        "client/10.0.0.1": 42_000.0,
    }
    insight.forget()
    assert insight.callers() == ()


def test_a_statement_is_remembered_with_its_values() -> None:
    insight = Insight(METRICS)
    insight.take(snapshot(0, session("1", "SELECT 7", query_id="77")), 0.0)
    assert (insight.example("77"), insight.example("78")) == ("SELECT 7", "")


@pytest.mark.parametrize(
    ("query", "tables"),
    [
        ("select * from a join b.c on 1=1", {"a", "b.c"}), ('UPDATE ONLY "Weird t" SET x=1', {"Weird t"}),
        ("insert into `db`.`t` select * from (select 1) s", {"db`.`t"}), ("select extract(year from now())", set()),
        ("GET key", set()),
    ],
)  # fmt: skip
def test_tables_of_a_statement(query: str, tables: set[str]) -> None:
    assert tables_of(query) == tables


def test_words() -> None:
    assert words(Shift("counter", "WAL", 41e6, 3e6, "bytes per second", 1)) == "WAL: 39.1 MB/s, was 2.9 MB/s"
    assert words(Shift("checkpoint", "checkpoints_req", 3, 0.1, "per minute", 1)) == (
        "requested checkpoints: 3 a minute, was 0.1"
    )
    assert words(Shift("client", "web", 120, 14, "connections", 1)) == "web: 120 connections, was 14"
