"""What the messages of a PostgreSQL log say of statements, in whatever format they are written.

Source: the messages of log_min_duration_statement, log_duration, log_statement and auto_explain, in tcop/postgres.c
and contrib/auto_explain of PostgreSQL 13 to 18.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from dbtui.model.activity import Deadlock
from dbtui.model.log import LogEntry
from dbtui.sql.deadlock import MESSAGE, deadlock_of

_DURATION = re.compile(r"duration: (\d+(?:\.\d+)?) ms(?:\s+|$)")
_STATEMENT = re.compile(r"(?:statement|(?P<step>parse|bind|execute(?: fetch from)?) [^\n:]*): ")
_PLAN = re.compile(r"plan:\s*")
_QUERY_TEXT = re.compile(
    r"Query Text: (.*?)(?=\nQuery Parameters: |\n\S[^\n]*\(cost=|\n\S[^\n]*\(actual|\Z)", re.DOTALL
)
MOST_PENDING = 10_000
MOST_DEADLOCKS = 100


class Messages:
    """Joins what one process says: a statement, its duration and its plan may stand in several messages."""

    def __init__(self) -> None:
        self._pending: dict[str, LogEntry] = {}  # statements of processes whose duration is still to come
        self._planned: dict[str, LogEntry] = {}  # what auto_explain wrote, just before its statement perhaps
        self._stated_last: dict[
            str, str
        ] = {}  # or just after it: a portal is closed later than it is executed
        self.deadlocks: deque[Deadlock] = deque(maxlen=MOST_DEADLOCKS)

    def failed(self, message: str, detail: str, process: str, at: str) -> None:
        """Take an error, of which only deadlocks are kept. `at` is the time as it stands in the log."""
        if message.removeprefix("40P01: ") == MESSAGE:
            self.deadlocks.append(deadlock_of(detail, process, at))

    def read(self, message: str, process: str, known: LogEntry) -> list[LogEntry]:
        """The statements that a message completes; `known` is what the line says besides.

        The steps "parse" and "bind" of a statement are no execution of it.
        """
        duration = _DURATION.match(message)
        rest = message[duration.end() :] if duration else message
        ms = float(duration[1]) if duration else None
        if ms is not None and (plan := _PLAN.match(rest)):
            return self._explained(process, _planned(known, ms, rest[plan.end() :]))
        statement = _STATEMENT.match(rest)
        if statement is not None:
            if statement["step"] in ("parse", "bind"):
                return []
            return self._stated(process, replace(known, text=rest[statement.end() :], ms=ms))
        if ms is not None and not rest.strip() and (pending := self._pending.pop(process, None)):
            return [replace(pending, ms=ms)]
        return []

    def _explained(self, process: str, entry: LogEntry | None) -> list[LogEntry]:
        before = self._planned.pop(process, None)
        if entry is not None and entry.text.strip() == self._stated_last.pop(process, "").strip():
            entry = None
        if entry is not None and len(self._planned) < MOST_PENDING:
            self._planned[process] = entry
        return [before] if before is not None else []

    def _stated(self, process: str, entry: LogEntry) -> list[LogEntry]:
        done = []
        planned = self._planned.pop(process, None)
        if planned is not None and planned.text.strip() in entry.text:  # the same execution, written twice
            entry = replace(entry, plan=planned.plan)
        elif planned is not None:
            done.append(planned)
        before = self._pending.pop(process, None)
        if before is not None and (entry.ms is None or before.text != entry.text):
            done.append(before)
        if entry.ms is not None:
            if len(self._stated_last) < MOST_PENDING:
                self._stated_last[process] = entry.text
            return [*done, entry]
        if len(self._pending) < MOST_PENDING:
            self._pending[process] = entry
        return done

    def rest(self) -> list[LogEntry]:
        """Statements whose duration never came, and plans of which nothing else is said."""
        rest = [*self._pending.values(), *self._planned.values()]
        self._pending, self._planned, self._stated_last = {}, {}, {}
        return rest


def _planned(known: LogEntry, ms: float, plan: str) -> LogEntry | None:
    """A statement that auto_explain has written down, with its plan."""
    found = _QUERY_TEXT.search(plan)
    return replace(known, text=found[1], ms=ms, plan=plan) if found else None
