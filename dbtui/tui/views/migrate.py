"""Pane 7: the place of the migration planner, which says what it will do until it does it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import Static

from dbtui.tui.views.base import View
from dbtui.tui.widgets.frame import Frame

PROMISE = """\
The migration planner is not in this version. It will take DDL and

  1  assess    what it locks, rewrites and scans; who is in the way
  2  plan      steps that hurt nobody: expand, backfill, validate, contract
  3  rehearse  on a shadow of the schema, never on your rows
  4  write     numbered migration files, each with its way back
  5  run       step by step, each approved; it can stop and go on

Nothing here changes a server today."""


class MigrateView(View, can_focus=True):
    """Says what will be here."""

    noun = "Migrate"

    def compose(self) -> ComposeResult:
        yield Frame("Migrations", Static(PROMISE, id="promise-text", markup=False), id="promise")

    def focus_main(self) -> None:
        self.focus()
