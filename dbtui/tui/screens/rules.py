"""Every rule about plans: what it flags in the plan, or why it flags nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from dbtui.rules.plan.why import Why
from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs

COLUMNS = (
    GridColumn("rule", "Rule", 34, "left", 100),
    GridColumn("says", "Says", None, "left", 90),
)


class RulesScreen(ModalScreen[None]):
    """Those that flag something first, then those that came near. Enter reads a rule's docs."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("rules")

    def __init__(self, said: Sequence[Why]) -> None:
        super().__init__()
        self.said = said

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -full"):
            yield Grid(COLUMNS, id="rules", empty="no rule reads plans of this format")

    def on_mount(self) -> None:
        box = self.query_one(".dialog")
        box.border_title = f"Why flagged, why not: {len(self.said)} rules"
        box.border_subtitle = "enter reads about the rule · esc closes"
        grid = self.query_one(Grid)
        grid.set_rows([_row(at, one) for at, one in enumerate(self.said)])
        grid.focus()

    @on(Grid.Selected)
    def _chosen(self, event: Grid.Selected) -> None:
        event.stop()
        if event.key is not None:
            one = self.said[int(event.key)]
            told = "\n".join([*(f"{line}" for line in said(one)), "", one.rule.rule.docs])
            self.app.push_screen(TextScreen(one.rule.rule.id, printable(told, keep_newlines=True)))

    def action_close(self) -> None:
        self.dismiss(None)


def said(one: Why) -> list[str]:
    """What a rule says: its findings, or why there are none and the nearest misses."""
    return [
        *(found.message for found in one.findings),
        *([one.reason] if one.reason else []),
        *map(str, one.misses),
    ]


def _row(at: int, one: Why) -> GridRow:
    flagged = bool(one.findings)
    role = Role.WARN if flagged else Role.TEXT if one.misses else Role.MUTED
    mark = f"{glyphs().high} " if flagged else ""
    says = one.findings[0].message if flagged else str(one.misses[0]) if one.misses else one.reason
    return GridRow(str(at), ((mark + one.rule.rule.id, role), (printable(says), role)))
