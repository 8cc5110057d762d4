"""Pane 4: one statement typed, run read-only by pages or explained."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from dbtui import text
from dbtui.engines.base import Querier
from dbtui.model.result import Page
from dbtui.tui.keys import bindings
from dbtui.tui.messages import Copy, Explain, RunStatement, StopStatement
from dbtui.tui.views.base import View
from dbtui.tui.views.pages import PageGrid
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Grid
from dbtui.tui.widgets.roles import Role
from dbtui.tui.widgets.sql_area import SqlArea

HOW = "ctrl+r runs the statement under the cursor, read-only · ctrl+g explains it"


class QueryView(View):
    """The editor over the rows it brought."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("query")

    def __init__(self, querier: Querier | None) -> None:
        super().__init__()
        self.database = ""
        self.querier = querier  # by whose rules statements are told apart

    def compose(self) -> ComposeResult:
        area = SqlArea(id="editor", dialect=self.nouns.dialect)
        yield Frame(self.nouns.language, area, id="editor-box")
        yield PageGrid("Result", id="result", empty=HOW)

    @property
    def editor(self) -> SqlArea:
        return self.query_one("#editor", SqlArea)

    @property
    def result(self) -> PageGrid:
        return self.query_one("#result", PageGrid)

    def focus_main(self) -> None:
        self.editor.focus()

    def load(self, sql: str, database: str) -> None:
        """Put a statement into the editor, in place of what is there."""
        self.database = database
        self.editor.text = text.printable(sql, keep_newlines=True)
        self.query_one("#editor-box", Frame).set_title(self.nouns.language, database)

    def statement(self) -> str:
        """The statement under the cursor: one of several, or all there is."""
        area = self.editor
        row, column = area.cursor_location
        lines = area.text.split("\n")
        offset = sum(len(line) + 1 for line in lines[:row]) + column
        return area.text if self.querier is None else self.querier.statement_at(area.text, offset)

    @on(SqlArea.Run)
    def _run(self, event: SqlArea.Run) -> None:
        event.stop()
        self.action_run()

    @on(SqlArea.ExplainRequested)
    def _explain(self, event: SqlArea.ExplainRequested) -> None:
        event.stop()
        self.action_explain()

    @on(SqlArea.Leave)
    def _leave(self, event: SqlArea.Leave) -> None:
        event.stop()
        self.result.focus()

    def action_run(self) -> None:
        if sql := self.statement().strip():
            self.post_message(RunStatement(sql, self.database))

    def action_stop(self) -> None:
        self.post_message(StopStatement())

    def action_explain(self) -> None:
        if sql := self.statement().strip():
            self.post_message(Explain(sql, self.database))

    def action_editor(self) -> None:
        self.editor.focus()

    def action_copy(self) -> None:
        if (row := self.result.value_row) is not None:
            self.post_message(Copy("\t".join("" if value is None else value for value in row), "row"))

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        from dbtui.tui.screens.texts import TextScreen

        event.stop()
        if (row := self.result.value_row) is not None:
            pairs = (
                f"{column.name}\n  {'NULL' if value is None else value}"
                for column, value in zip(self.result.page_columns, row, strict=True)
            )
            self.app.push_screen(TextScreen("Row", text.printable("\n".join(pairs), keep_newlines=True)))

    def show_status(self, line: str, *, failed: bool = False) -> None:
        """What happened to the statement, in the frame of the result."""
        self.result.show_status(text.one_line(line, 200), Role.BAD if failed else Role.MUTED)

    def show_running(self) -> None:
        self.show_status("running · ctrl+c stops it")
        self.result.say("running…")

    async def show_first(self, page: Page) -> None:
        await self.result.show_page(page)

    def take(self, page: Page) -> None:
        """Take a further page; `draw` shows it."""
        self.result.add_page(page)

    def draw(self) -> None:
        self.result.draw_pages()

    def show_error(self, message: str) -> None:
        self.show_status("refused", failed=True)
        self.result.say(text.printable(message, keep_newlines=True))
