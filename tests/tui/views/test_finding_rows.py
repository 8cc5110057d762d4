from __future__ import annotations

from dbtui.model.finding import Finding, Severity
from dbtui.tui.views.findings import counted, described, rows
from dbtui.tui.widgets.roles import Role

SCAN = Finding(
    "pg-seq-scan-hot", Severity.ERROR, "orders is read\nwhole", "shop.orders", {"self_ms": 1802.5, "share": 0.83},
    "index it", ("CREATE INDEX CONCURRENTLY ON shop.orders (status)",), ("https://www.postgresql.org/docs/",), node=4,
)  # fmt: skip
HINT = Finding("any-large-offset", Severity.INFO, "rows are skipped")


def test_severity_is_a_glyph_a_word_and_a_colour() -> None:
    first, second = rows((SCAN, HINT))
    assert first.cells[0] == ("▲ error", Role.BAD)
    assert second.cells[0] == ("○ info", Role.MUTED)
    assert first.cells[3] == "orders is read whole"
    assert second.cells[2] == ""


def test_the_title_counts_by_severity_and_leaves_out_what_is_not_there() -> None:
    assert counted((SCAN, HINT, SCAN)) == "2 errors · 1 info"
    assert counted(()) == ""


def test_the_detail_has_evidence_advice_remedy_and_source() -> None:
    lines = described(SCAN).splitlines()
    assert "evidence  self_ms 1,802.5 · share 0.83" in lines
    assert "advice    index it" in lines
    assert "  CREATE INDEX CONCURRENTLY ON shop.orders (status)" in lines
    assert lines[-1].startswith("https://")


def test_the_detail_shows_server_text_as_text() -> None:
    nasty = Finding("x", Severity.INFO, "\x1b]0;owned\x07[bold]m[/]", evidence={"filter": "\x9b2J"})
    shown = described(nasty)
    assert "\x1b" not in shown and "\x9b" not in shown
    assert "[bold]m[/]" in shown
