from __future__ import annotations

from dbtui.model.activity import Statement, StatementDelta, Statements
from dbtui.tui.views.statements import LIMIT, rows, since_reset


def statement(id_: str, calls: int = 10, total: float = 100.0, query: str | None = "select $1") -> Statement:
    return Statement(id_, id_, "shop", "app", query, calls, total, rows=5, blocks_hit=90, blocks_read=10)


def delta(id_: str, **more: float) -> StatementDelta:
    facts: dict[str, object] = {"seconds": 5.0, "calls": 10, "total_ms": 50.0, "share": 0.1, **more}
    return StatementDelta(statement(id_), **facts)  # type: ignore[arg-type]


def test_since_reset_shares_the_total_time() -> None:
    deltas = since_reset(Statements((statement("1", total=300.0), statement("2", total=100.0)), "x"))
    assert [d.share for d in deltas] == [0.75, 0.25]


def test_rows_are_sorted_and_cut() -> None:
    deltas = tuple(delta(str(n), share=n / 1000) for n in range(600))
    made = rows(deltas, "", "share", True)
    assert len(made) == LIMIT < 600
    assert made[0].key == "599"


def test_calls_are_per_second_in_an_interval_and_a_count_since_the_reset() -> None:
    assert rows((delta("1"),), "", "share", True)[0].cells[1] == "2.0/s"
    whole = since_reset(Statements((statement("1", calls=12_345),), "x"))
    assert rows(whole, "", "share", True)[0].cells[1] == "12.3k"


def test_a_statement_without_text_says_so() -> None:
    only = StatementDelta(statement("1", query=None), 5.0, 1, 1.0)
    cell = rows((only,), "", "share", True)[0].cells[-1]
    assert isinstance(cell, tuple)
    assert cell[0] == "text not fetched yet"


def test_the_filter_finds_a_user() -> None:
    assert rows((delta("1"),), "APP", "share", True)
    assert not rows((delta("1"),), "nobody", "share", True)
