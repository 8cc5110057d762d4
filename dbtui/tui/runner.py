"""Runs the editor's statement: read-only by pages, or through the gate for writes after a lift."""

from __future__ import annotations

import asyncio
import gc
import time

from dbtui import text
from dbtui.engines.base import Cursor, Engine
from dbtui.errors import DbtuiError, NotApproved, QueryError
from dbtui.live.session import ConsoleSession
from dbtui.sql.classify import classify
from dbtui.tui.views.base import trouble
from dbtui.tui.views.query import QueryView

PAGE = 500
BREATH = 0.004  # seconds between two pages, in which a key finds its way through the loop
REDRAW = 0.2  # seconds between two drawings of what has come
MOST_ROWS = 100_000  # of one result kept in memory; the frame says where it was cut


class StatementRunner:
    """One statement at a time of one connection."""

    def __init__(self, engine: Engine, session: ConsoleSession) -> None:
        self.engine = engine
        self.session = session

    @property
    def may_write(self) -> bool:
        """Whether read-only is lifted, or was never asked for."""
        return self.session.lift is not None or not self.session.target.read_only

    def only_reads(self, sql: str) -> bool:
        """Whether a statement surely only reads, as the engine judges its words."""
        querier = self.engine.query
        return querier.only_reads(sql) if querier is not None else classify(sql).only_reads

    async def run(self, view: QueryView, sql: str, database: str, reason: str = "") -> None:
        """Run a statement and draw what comes, as it comes; every error ends in the view."""
        view.show_running()
        started = time.monotonic()
        try:
            if not self.only_reads(sql) and self.may_write:
                await self._write(view, sql, database, reason)
            else:
                await self._read(view, sql, database, started)
        except NotApproved as error:
            view.show_error(str(error))
        except DbtuiError as error:
            mistyped = isinstance(error, QueryError) and error.position is not None
            refused = not (mistyped or self.may_write or self.only_reads(sql))
            hint = "\nThis connection is read-only: L lifts it for one statement or ten minutes."
            view.show_error(trouble(error) + (hint if refused else ""))

    async def _read(self, view: QueryView, sql: str, database: str, started: float) -> None:
        querier = self.engine.query
        if querier is None:
            view.show_error(self.engine.lacks.get("query", "this engine runs no statements"))
            return
        cursor = await querier.run(sql, database=database)
        try:
            await self._pages(view, cursor, started)
        finally:
            await cursor.close()

    async def _pages(self, view: QueryView, cursor: Cursor, started: float) -> None:
        page = await cursor.fetch(PAGE)
        await view.show_first(page)
        total, drawn = len(page.rows), time.monotonic()
        while page.more and total < MOST_ROWS:
            await asyncio.sleep(BREATH)
            page = await cursor.fetch(PAGE)
            view.take(page)
            total += len(page.rows)
            if time.monotonic() - drawn >= REDRAW:
                view.draw()
                view.show_status(f"{total:,} rows so far · ctrl+c stops it")
                drawn = time.monotonic()
                gc.freeze()  # rows are no cycles: searching them for garbage holds up the keys for 0.2 s
        view.draw()
        took = text.milliseconds((time.monotonic() - started) * 1000)
        cut = " shown, there are more" if page.more else ""
        view.show_status(f"{total:,} row{'' if total == 1 else 's'}{cut} · {took}")

    async def _write(self, view: QueryView, sql: str, database: str, reason: str) -> None:
        page = await self.session.write(sql, reason, database=database)
        await view.show_first(page)
        view.show_status(f"{page.status} · written")

    async def stop(self) -> None:
        """Stop what runs now."""
        if self.engine.query is not None:
            await self.engine.query.cancel()
