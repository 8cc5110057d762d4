"""Slow logs of servers: lines in, `model.log` entries out. One module for each format, found by its looks.

A format has `NAME`, `ENGINE` (whose statements they are), `recognises(head)` for the first lines of a log, and a
`Parser` that takes line after line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Protocol

from dbtui.errors import InputError
from dbtui.logs import mongodb_json, mysql_slow, postgres_csv, postgres_json, postgres_stderr
from dbtui.model.activity import Deadlock
from dbtui.model.log import LogEntry

FORMATS: tuple[ModuleType, ...] = (mongodb_json, postgres_json, postgres_csv, mysql_slow, postgres_stderr)
HEAD = 64 << 10  # characters of a log that are looked at to know its format


class Parser(Protocol):
    """Takes the lines of one log, in order and without their ends."""

    skipped: int  # lines that were not understood

    @property
    def deadlocks(self) -> Sequence[Deadlock]:
        """Those that it has told of so far, the last ones; those of PostgreSQL alone."""
        ...

    def feed(self, line: str) -> Iterable[LogEntry]:
        """The statements that this line completes."""
        ...

    def end(self) -> Iterable[LogEntry]:
        """What the last lines held; more lines may follow."""
        ...


def recognise(head: str) -> ModuleType:
    """The format of a log by its first lines. Raises InputError."""
    for form in FORMATS:
        if form.recognises(head):
            return form
    known = ", ".join(form.NAME for form in FORMATS)
    raise InputError("this is no log that dbtui reads", f"it reads: {known}; --format names one")


def named(name: str) -> ModuleType:
    """The format of a name. Raises InputError."""
    for form in FORMATS:
        if name == form.NAME:
            return form
    raise InputError(f"there is no log format {name}", ", ".join(form.NAME for form in FORMATS))
