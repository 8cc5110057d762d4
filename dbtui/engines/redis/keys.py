"""The keys of a database, found by SCAN with a budget, and the namespaces that their names make.

Nothing lists all keys at once: each look takes so many steps of SCAN, and says how far it has come.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dbtui.engines.redis.session import Connection
from dbtui.errors import DbtuiError, QueryError

SEPARATOR = b":"
STEP = 5_000  # slots of the server's table that one SCAN looks at
STEPS = 2  # round trips of one look
DEEPEST = 8  # levels of namespaces


@dataclass(frozen=True, slots=True)
class Look:
    """The keys that one look has found and the others before had not."""

    keys: tuple[bytes, ...]
    seen: int  # with those of the looks before
    total: int  # keys of the database at that moment
    complete: bool


@dataclass(slots=True)
class Keyspace:
    """What is known about one database."""

    looks: list[Look] = field(default_factory=list)
    _seen: set[bytes] = field(default_factory=set)
    _cursor: bytes = b"0"

    async def look(self, connection: Connection, number: int) -> Look:
        """The look of this number, counted from 0; taken now if it was not. Raises QueryError, SessionLost."""
        while len(self.looks) <= number:
            if self.looks and self.looks[-1].complete:
                raise QueryError("all keys have been scanned", "reload the tree")
            await self._go_on(connection)
        return self.looks[number]

    async def _go_on(self, connection: Connection) -> None:
        found: dict[bytes, None] = {}
        total = 0
        for _ in range(STEPS):
            scan, size = await connection.ask_all([("SCAN", self._cursor, "COUNT", STEP), ("DBSIZE",)])
            if isinstance(scan, DbtuiError):
                raise scan
            self._cursor = bytes(scan[0])
            found.update(dict.fromkeys(key for key in scan[1] if key not in self._seen))
            total = size if isinstance(size, int) else 0
            if self._cursor == b"0":
                break
        self._seen.update(found)
        self.looks.append(Look(tuple(found), len(self._seen), total, self._cursor == b"0"))


@dataclass(frozen=True, slots=True)
class Level:
    """What is directly below a namespace: namespaces with the number of their keys, and keys."""

    namespaces: tuple[tuple[bytes, int], ...]  # with all before them: b"user:1:"
    keys: tuple[bytes, ...]


def level(keys: Iterable[bytes], prefix: bytes = b"") -> Level:
    """The level below a prefix, which ends with a separator or is empty; both parts sorted."""
    counts: dict[bytes, int] = {}
    own: list[bytes] = []
    deepest = prefix.count(SEPARATOR) >= DEEPEST
    for key in keys:
        if not key.startswith(prefix):
            continue
        head, separator, _ = key[len(prefix) :].partition(SEPARATOR)
        if separator and not deepest:
            inner = prefix + head + separator
            counts[inner] = counts.get(inner, 0) + 1
        else:
            own.append(key)
    return Level(tuple(sorted(counts.items())), tuple(sorted(own)))


def above(key: bytes) -> Sequence[bytes]:
    """The namespaces that a key is in, outermost first."""
    parts = key.split(SEPARATOR)[:-1][:DEEPEST]
    found: list[bytes] = []
    for part in parts:
        found.append((found[-1] if found else b"") + part + SEPARATOR)
    return found
