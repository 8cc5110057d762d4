from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.live.blocking import forest
from dbtui.model.activity import Activity, Session
from dbtui.model.snapshot import Metric, Section, Snapshot
from dbtui.tui.views.figures import metric_text
from dbtui.tui.views.sessions import Wanted, blocking_summary, describe, rows
from dbtui.tui.widgets.roles import Role


def session(id_: str, **more: object) -> Session:
    facts: dict[str, object] = {
        "started": "1", "user": "u", "database": "d", "application": "a", "client": "10.0.0.1",
        "kind": "client backend", "state": "active", "wait_type": "", "wait": "", "query": "select 1",
        "query_age": 1.0, "state_age": 1.0,
    }  # fmt: skip
    return Session(id=id_, **{**facts, **more})  # type: ignore[arg-type]


def ids(*sessions: Session, **wanted: object) -> list[str]:
    activity = Activity(sessions, len(sessions), 100)
    return [row.key.split("/")[0] for row in rows(activity, forest(activity.sessions), Wanted(**wanted))]  # type: ignore[arg-type]


def text_of(cell: object) -> str:
    return cell if isinstance(cell, str) else cell[0]  # type: ignore[index,no-any-return]


def test_idle_sessions_and_background_processes_wait_for_their_keys() -> None:
    sessions = (
        session("1", state="idle", query_age=None),
        session("2"),
        session("3", kind="checkpointer", state=""),
    )
    assert ids(*sessions) == ["2"]
    assert set(ids(*sessions, idle=True)) == {"1", "2"}
    assert set(ids(*sessions, idle=True, background=True)) == {"1", "2", "3"}


def test_idle_ones_that_fill_the_room_stand_below_the_active_ones() -> None:
    idle = session("1", state="idle", query_age=None, state_age=900.0)
    assert ids(idle, session("2"), idle=True) == ["1", "2"]
    assert ids(idle, session("2"), idle=True, active_first=True) == ["2", "1"]


def test_an_idle_root_is_shown_even_while_idle_sessions_are_hidden() -> None:
    root = session("1", state="idle in transaction", state_age=600.0, transaction_age=601.0)
    waiter = session("2", wait_type="Lock", wait="tuple", blocked_by=("1",))
    assert ids(session("9"), root, waiter) == ["1", "2", "9"]


def test_the_tree_is_drawn_in_the_first_column() -> None:
    sessions = (session("1"), session("2", blocked_by=("1",)), session("3", blocked_by=("2",)), session("4"))
    made = rows(Activity(sessions, 4, 100), forest(sessions), Wanted())
    assert [text_of(row.cells[0]) for row in made] == ["▶ 1", "└ 2", "  └ 3", "  4"]
    assert made[0].cells[0] == ("▶ 1", Role.BAD)


def test_sorting_by_age_puts_the_oldest_first_and_hidden_ages_last() -> None:
    sessions = (
        session("1", query_age=2.0),
        session("2", query_age=9.0),
        session("3", query_age=None, hidden=True),
    )
    assert ids(*sessions) == ["2", "1", "3"]
    assert ids(*sessions, sort="id", reverse=False) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("words", "found"), [("SELECT", ["1"]), ("app2", ["2"]), ("u d", ["1", "2"]), ("none", [])]
)
def test_the_filter_looks_into_every_field_in_either_case(words: str, found: list[str]) -> None:
    sessions = (session("1"), session("2", application="app2", query="update t"))
    assert sorted(ids(*sessions, filter=words)) == found


def test_the_age_of_a_row_is_of_what_it_does_now() -> None:
    idle = session("1", state="idle in transaction", query_age=500.0, state_age=7.0, transaction_age=500.0)
    cells = rows(Activity((idle,), 1, 100), (), Wanted())[0].cells
    assert text_of(cells[7]) == "00:08:20"
    assert text_of(cells[8]) == "00:00:07"


def test_long_statements_turn_warn_then_bad() -> None:
    ages = {5.0: None, 20.0: Role.WARN, 90.0: Role.BAD}
    for age, role in ages.items():
        cell = rows(Activity((session("1", query_age=age),), 1, 100), (), Wanted())[0].cells[8]
        assert (cell[1] if isinstance(cell, tuple) else None) == role


def test_the_title_names_the_root_and_the_longest_wait() -> None:
    sessions = [
        session("1"),
        session("2", blocked_by=("1",), query_age=75.0),
        session("3", blocked_by=("1",)),
    ]
    assert blocking_summary(sessions, forest(sessions), "all free") == (
        "blocked 2 · root 1 · longest 00:01:15",
        Role.BAD,
    )
    assert blocking_summary(sessions[:1], (), "all free") == ("all free", Role.OK)
    alone = replace(sessions[0], wait_type="Lock", blocked_by=(), query_age=75.0)
    both = [*sessions, replace(alone, id="9", query_age=90.0)]
    said = "blocked 3 · 2 behind root 1 · longest 00:01:30"
    assert blocking_summary(both, forest(both), "all free") == (said, Role.BAD)
    said = "blocked 1 · root not told · longest 00:01:15"
    assert blocking_summary([alone], (), "all free") == (said, Role.WARN)


def test_the_detail_never_carries_a_control_code() -> None:
    nasty = session("1", application="\x1b]52;c;aGk=\x07", user="[bold]x[/]")
    shown = describe(nasty, ())
    assert "\x1b" not in shown
    assert "[bold]x[/]" in shown


def test_a_metric_shows_its_limit_and_warns_near_it() -> None:
    metric = Metric("connections", "Connections", "gauge", ("used",), limit="max", warn_above=0.8)
    snapshot = Snapshot(at=0, counters=Section({"max": 100.0}), metrics={"connections": 90.0})
    assert metric_text(metric, snapshot) == ("90/100 ▲", Role.WARN)
    calm = Snapshot(at=0, counters=Section({"max": 100.0}), metrics={"connections": 9.0})
    assert metric_text(metric, calm) == ("9/100", Role.ACCENT)
    assert metric_text(metric, Snapshot(at=0))[0] == "·"
    boundless = Snapshot(at=0, counters=Section({"used": 9.0}), metrics={"connections": 9.0})
    assert metric_text(metric, boundless) == ("9", Role.ACCENT)  # a server that tells no limit
