"""The incident note: everything a colleague needs, no values, and nothing that Markdown would obey."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dbtui.config import Target
from dbtui.live.handover import Deed, note, save
from dbtui.live.history import History
from dbtui.model.shift import Shift
from tests.live.snapshots import METRICS, NOW, session, snapshot

TARGET = Target("shop | `prod`", "postgresql", "postgresql://db-01/shop")
SECRET = "UPDATE people SET mail = 'a@b.c' WHERE id = 4711"


def written() -> str:
    root = session("1", SECRET, state="idle in transaction", transaction_age=200.0)
    waiter = session(
        "2", "SELECT ```x``` | \x1b[31m", wait_type="Lock", wait="tuple", blocked_by=("1",), query_age=75.0
    )
    moment = snapshot(100, root, waiter, calls=5)
    assert moment.server is not None
    server = replace(moment.server, settings=("work_mem = 64MB",))
    moment = replace(moment, server=server, shifts=(Shift("statement", SECRET, 4.2, 0.1, "sessions", 9.0),))
    history = History()
    for second in range(100):
        history.add(NOW + second, {"tps": float(second)})
    deeds = [
        Deed(NOW, "write", SECRET, "asked for", "UPDATE 1"),
        Deed(NOW, "cancel", "1 app@shop", "", "done"),
    ]
    return note(TARGET, "postgres", moment, history, METRICS, deeds, [f"error: 1 waits behind 1: {SECRET}"])


def test_it_says_everything_and_no_values() -> None:
    said = written()
    for wanted in (
        "PostgreSQL 18.6 primary", "## Blocking, roots first", "▶ 1 app@shop", "blocks 1, longest 00:01:15",
        "  └ 2 app@shop", "## Top statements", "## What changed", "4.2 sessions, was 0.1", "TPS", "## Done from here",
        "## Settings that are not the default", "- `work_mem = 64MB`",
        "UPDATE people SET mail = ? WHERE id = ?",
    ):  # fmt: skip
        assert wanted in said
    assert "a@b.c" not in said and "4711" not in said


def test_it_speaks_of_locks_only_where_there_are_some() -> None:
    def said(engine: str) -> str:
        return note(TARGET, engine, snapshot(100, session("1")), History(), METRICS, [])

    assert "## Blocking\n\nNobody waits for a lock." in said("postgres")
    assert "Blocking" not in said("redis") and "Blocking" not in said("elasticsearch")


def test_server_text_is_obeyed_by_nothing() -> None:
    said = written()
    assert "\x1b" not in said and "```x" not in said
    assert said.count("```") % 2 == 0
    assert said.splitlines()[0] == "# Incident note: `shop | ˋprodˋ` (production)"


def test_it_is_saved_privately(clean_home: Path) -> None:
    path = save(TARGET, written())
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_text().startswith("# Incident")
