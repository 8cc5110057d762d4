"""The plan beside those that were taken before: what changed, and why probably."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from dbtui.commands.plan_history import plan_of
from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.output.comparison import footer
from dbtui.plans.causes import causes
from dbtui.plans.compare import compare
from dbtui.plans.history import Kept
from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.plan import node_text
from dbtui.tui.widgets.plan_comparison import PlanComparison
from dbtui.tui.widgets.roles import plain


class CompareScreen(ModalScreen[None]):
    """A plan and its earlier ones, the newest first; [ and ] turn to an older and a newer one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("compare")

    def __init__(self, plan: Plan, earlier: Sequence[Kept], at: int = 0) -> None:
        super().__init__()
        self.plan = plan
        self.earlier = earlier
        self.at = at

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -full"):
            yield Static("", id="compare-said", markup=False)
            yield PlanComparison(id="compare-plans")

    def on_mount(self) -> None:
        self._show()
        self.query_one(PlanComparison).focus()

    def _show(self) -> None:
        kept = self.earlier[self.at]
        box = self.query_one(".dialog")
        taken = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(kept.taken))
        where = f" in {kept.database}" if kept.database else ""
        box.border_title = plain(f"The plan of {taken}{where} and now")
        box.border_subtitle = (
            f"{self.at + 1} of {len(self.earlier)} · enter: the node · [ older · ] newer · esc closes"
        )
        try:
            comparison = compare(plan_of(kept), self.plan)
        except InputError as error:
            self.query_one("#compare-said", Static).update(printable(str(error)))
            return
        said = footer(comparison, causes(comparison))
        self.query_one("#compare-said", Static).update("\n".join(said[:5]))
        self.query_one(PlanComparison).set_comparison(comparison)

    @on(PlanComparison.Selected)
    def _chosen(self, event: PlanComparison.Selected) -> None:
        event.stop()
        sides = {"Before": event.pair.before, "After": event.pair.after}
        told = [f"{side}: {node_text(node)}" for side, node in sides.items() if node is not None]
        self.app.push_screen(TextScreen("The node before and after", "\n\n".join(told)))

    def action_turn(self, step: int) -> None:
        """Compare with an older plan, or a newer one."""
        at = self.at + step
        if 0 <= at < len(self.earlier):
            self.at = at
            self._show()

    def action_close(self) -> None:
        self.dismiss(None)
