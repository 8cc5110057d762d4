"""The question before a statement is run to be measured: what it would do, and what it does besides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dbtui import text
from dbtui.commands.forewarn import side_effects
from dbtui.errors import DbtuiError, NotApproved
from dbtui.model.server import Environment
from dbtui.safety import Approval
from dbtui.tui.runner import StatementRunner
from dbtui.tui.screens.confirm import Question
from dbtui.tui.widgets.roles import Role, glyphs

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen


async def may_analyze(console: MainScreen, sql: str, database: str) -> Approval | None:
    """Ask before a statement is run to be measured. Raises NotApproved when the answer is no."""
    runner = StatementRunner(console.engine, console.session)
    plain = runner.only_reads(sql)
    if not plain and not runner.may_write:
        raise NotApproved(
            f"this would run the {console.engine.nouns.statement}, which does not only read",
            "lift read-only with L first",
        )
    if not plain and console.target.environment is Environment.PRODUCTION:
        raise NotApproved(
            "what writes is never run on production to measure it", "use a copy or the estimates"
        )
    effect = "run as it is, read-only" if plain else "run and rolled back"
    where = f"on {console.target.name} ({console.target.environment})"
    body = f"{where}\nIt is {effect}, for at most 30 s.\n\n{text.one_line(sql, 600)}"
    reason = await _Asking(console, body, reason=not plain).ask(sql, database)
    if reason is None:
        raise NotApproved("it was not run", "")
    return None if plain else console.session.approve(sql, reason)


class _Asking:
    """The question stands at once; what the statement does besides is looked up meanwhile.

    Who answers before it was shown is asked again where there is something to show.
    """

    def __init__(self, console: MainScreen, body: str, *, reason: bool) -> None:
        self._console = console
        self._body = body
        self._reason = reason
        self._found: tuple[str, ...] | None = None  # None is also: the server cannot tell
        self._looked = False
        self._shown = False

    async def ask(self, sql: str, database: str) -> str | None:
        """The reason that was given, None for no."""
        looking = asyncio.create_task(self._look(sql, database))
        try:
            answer = await self._question()
            if answer is not None and not self._shown:
                await looking
                answer = await self._question() if self._found else answer
        finally:
            looking.cancel()
        return answer

    async def _look(self, sql: str, database: str) -> None:
        try:
            self._found = await side_effects(self._console.engine, sql, database=database)
        except DbtuiError:
            self._found = ()  # what is wrong with it shows when it is run
        self._looked = True

    async def _question(self) -> str | None:
        question = Question(
            "Run it to measure it?", self._body, "run", reason=self._reason, now=self._besides
        )
        answer: str | None = await self._console.app.push_screen_wait(question)
        return answer

    def _besides(self) -> tuple[str, Role]:
        if not self._looked:
            return "looking for what it does besides…", Role.MUTED
        self._shown = True
        if self._found is None:
            sql = self._console.engine.nouns.dialect
            return (
                "What functions and triggers do besides, this server does not tell." if sql else "",
                Role.MUTED,
            )
        if not self._found:
            return "As far as its words and its plan tell, it does nothing besides.", Role.MUTED
        listed = "\n".join(f"{glyphs().high} {one}" for one in self._found)
        return f"It does more, which a rollback may not take back:\n{listed}", Role.WARN
