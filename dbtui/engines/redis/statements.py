"""Which commands the load is made of: the counters of each command, with its slow ones told one by one.

The counters are those of INFO commandstats, whose time is that of running a command, without waiting and without
the network. What the slow log tells of one command is taken out of that command's counters and stands beside them,
so that the times still add up. EVAL, FCALL and EXEC count the commands inside them as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dbtui import text
from dbtui.engines.redis.info import numbered, whole
from dbtui.engines.redis.words import argument
from dbtui.model.activity import Statement, Statements

LENGTH = 128  # entries of a log that are asked for
MOST_SHAPES = 500
_NUMBER = re.compile(r"\d+")
_LONG = 200  # characters of an argument that are shown


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a log: `cost` is microseconds, or bytes in a log of large ones."""

    id: int
    at: int  # epoch seconds
    cost: int
    words: tuple[bytes, ...]
    client: str = ""

    @property
    def text(self) -> str:
        return " ".join(_shortened(argument(word)) for word in self.words)

    @property
    def shape(self) -> str:
        """The same for commands that differ in numbers only."""
        return _NUMBER.sub("?", " ".join(argument(word)[:_LONG] for word in self.words[:8]))


def entries(answer: Any) -> list[Entry]:
    """An answer of SLOWLOG GET or COMMANDLOG GET; what is no entry is left out."""
    found = []
    for row in answer if isinstance(answer, list) else ():
        if isinstance(row, list) and len(row) >= 4 and isinstance(row[3], list):
            words = tuple(word for word in row[3] if isinstance(word, bytes))
            client = row[4].decode("utf-8", "replace") if len(row) > 4 and isinstance(row[4], bytes) else ""
            found.append(Entry(int(row[0]), int(row[1]), int(row[2]), words, client))
    return found


def _shortened(word: str) -> str:
    return word if len(word) <= _LONG else f"{word[:_LONG]}…"


class CommandStatements:
    """Counters of commands and of slow shapes. One for each connection."""

    def __init__(self) -> None:
        self._last: int | None = None  # id of the newest slow entry that was counted
        self._slow: dict[str, Statement] = {}
        self._taken: dict[str, tuple[int, int]] = {}  # command → calls and microseconds told by slow shapes
        self._made: dict[str, Statement] = {}

    def sample(
        self, info: Mapping[str, str], slow: Sequence[Entry], *, source: str, note: str = ""
    ) -> Statements:
        """All counters. The log has to be read before INFO, so that what it tells is counted already."""
        stats = {name: each for name, each in numbered(info, "cmdstat_") if whole(each.get("calls"))}
        self._count(slow, stats)
        made = {}
        for name, each in stats.items():
            now = self._statement(name, each)
            before = self._made.get(now.id)
            made[now.id] = (
                before if before is not None and before == now else now
            )  # most rest between two samples
        self._made = made
        return Statements((*made.values(), *self._slow.values()), source, note=note)

    def _statement(self, name: str, each: Mapping[str, str]) -> Statement:
        calls, time = whole(each.get("calls")), whole(each.get("usec"))
        slow_calls, slow_time = self._taken.get(name, (0, 0))
        if calls < slow_calls or time < slow_time:  # CONFIG RESETSTAT
            slow_calls, slow_time = 0, 0
            del self._taken[name]
        return Statement(
            id=f"command {name}",
            query_id=name,
            database="",
            user="",
            query=name.replace("|", " ").upper(),
            calls=calls - slow_calls,
            total_ms=(time - slow_time) / 1000,
        )

    def _count(self, slow: Sequence[Entry], stats: Mapping[str, Mapping[str, str]]) -> None:
        """Add the entries that are new. The first look counts none: when they ran is not what is measured."""
        newest = max((entry.id for entry in slow), default=-1)
        if self._last is None:
            self._last = newest
            return
        for entry in sorted(slow, key=lambda entry: entry.id):
            if entry.id > self._last and (name := _name(entry, stats)):
                self._add(entry, name)
        self._last = max(self._last, newest)
        if len(self._slow) > MOST_SHAPES:
            self._slow.clear()  # they begin again; what was told stays taken out of the commands

    def _add(self, entry: Entry, name: str) -> None:
        id_ = f"slow {entry.shape}"
        before = self._slow.get(id_) or Statement(id_, "slow log", "", "", None, 0, 0.0)
        self._slow[id_] = replace(
            before, calls=before.calls + 1, total_ms=before.total_ms + entry.cost / 1000, query=entry.text
        )
        calls, time = self._taken.get(name, (0, 0))
        self._taken[name] = (calls + 1, time + entry.cost)


def _name(entry: Entry, stats: Mapping[str, Mapping[str, str]]) -> str:
    """The name under which the server counts the command of an entry, "" when it does not."""
    words = [word.decode("latin-1").lower() for word in entry.words[:2]]
    return next((name for name in ("|".join(words), *words[:1]) if name in stats), "")


def told_as_note(kinds: Mapping[str, Iterable[Entry]]) -> str:
    """A sentence about logs of large requests and replies; "" when they are empty."""
    told = []
    for kind, found in kinds.items():
        if largest := max(found, key=lambda entry: entry.cost, default=None):
            told.append(f"largest {kind} of late {text.size(largest.cost)}: {largest.text[:80]}")
    return " · ".join(told)
