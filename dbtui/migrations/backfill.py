"""A backfill of an SQL server: ranges of a key up to a frozen bound, each a transaction with its checkpoint inside.

Row addresses (ctid) stand for a key in PostgreSQL's tables that have none: there the ranges are of blocks, a row may
move while the work goes on, and so only a backfill that may be repeated can go that way.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from dbtui.engines.base import RunSession
from dbtui.errors import InputError
from dbtui.migrations.dialect import ROWID, Dialect
from dbtui.migrations.journal import Journal
from dbtui.migrations.pace import Pace
from dbtui.model.change import Backfill
from dbtui.model.run import Checkpoint

_INTEGER = re.compile(r"'?(-?\d+)'?")
_BLOCK = 50  # rows that one block is taken to hold


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch did."""

    rows: int  # changed
    seconds: float
    done: bool  # nothing is left below the bound


class Filler:
    """Does the batches of one backfill, one call at a time; everything that it knows is in the checkpoint."""

    def __init__(
        self, session: RunSession, journal: Journal, dialect: Dialect, fill: Backfill, plan_id: str, step: int
    ) -> None:
        self._session = session
        self._journal = journal
        self._dialect = dialect
        self._fill = fill
        self._at = (plan_id, step)
        self._columns = fill.key or ((ROWID,) if dialect.engine == "sqlite" else ())
        self._types: dict[str, str] = {}
        self._first: tuple[str, ...] = ()
        self._estimate = 0.0
        self.pace = Pace(fill.batch)
        self.checkpoint = Checkpoint((), (), 0, fill.batch)
        if not self._columns and dialect.engine != "postgresql":
            raise InputError(
                f"{fill.table} has no key to go by", "give it a primary key, or do the work by hand"
            )
        if not self._columns and not fill.repeatable:
            raise InputError(
                f"{fill.table} has no key, and its rows may not be done twice", "give it a primary key first"
            )

    async def begin(self) -> None:
        """Take up the checkpoint, or freeze the bound and write the first one."""
        await self._learn()
        found = await self._journal.checkpoint(*self._at)
        if found is None:
            found = Checkpoint(await self._end("DESC"), (), 0, self._fill.batch)
            await self._journal.freeze(*self._at, found)
        self.checkpoint = found
        self.pace.batch = found.batch
        self._first = await self._end("ASC")

    async def again(self) -> None:
        """Begin anew at the first row, with a new bound; what was changed so far stays counted."""
        self.checkpoint = Checkpoint(await self._end("DESC"), (), self.checkpoint.rows, self.pace.batch)
        await self._journal.freeze(*self._at, self.checkpoint)

    async def _learn(self) -> None:
        question = self._dialect.key_types(self._fill.table, self._columns)
        if question:
            rows = await self._session.read(question)
            self._types = {str(name): str(kind) for name, kind in rows}
        rows = await self._session.read(self._dialect.row_estimate(self._fill.table))
        self._estimate = max(0.0, float(rows[0][0] or 0)) if rows else 0.0

    @property
    def repeatable(self) -> bool:
        """Whether rows that are done may be gone through again."""
        return self._fill.repeatable

    @property
    def _table(self) -> str:
        return self._dialect.relation(self._fill.table)

    @property
    def _literals(self) -> str:
        return ", ".join(self._dialect.key_literal(name, self._types.get(name, "")) for name in self._columns)

    def _ordered(self, direction: str) -> str:
        names = [name if name == ROWID else self._dialect.identifier(name) for name in self._columns]
        return ", ".join(f"{name} {direction}" for name in names)

    async def _end(self, direction: str) -> tuple[str, ...]:
        """The last key (DESC) or the first (ASC); () of an empty table."""
        if not self._columns:
            if direction == "ASC":
                return ("0",)
            size = f"pg_relation_size(to_regclass({self._dialect.literal(self._table)}))"
            rows = await self._session.read(f"SELECT ({size} / current_setting('block_size')::int)::text")
            return (str(rows[0][0]),)
        sql = f"SELECT {self._literals} FROM {self._table} ORDER BY {self._ordered(direction)} LIMIT 1"  # noqa: S608
        rows = await self._session.read(sql, timeout=60.0)
        return tuple(str(cell) for cell in rows[0]) if rows else ()

    # ---- a batch

    async def batch(self) -> Batch:
        """Do the next range. Raises what the server says; then the checkpoint stands where it stood."""
        began = time.monotonic()
        here = self.checkpoint
        if not here.upper_bound or here.last_key == here.upper_bound:
            return Batch(0, 0.0, True)
        to = await self._next()
        where = self._between(here.last_key, to)
        if self._fill.where:
            where += f" AND ({self._fill.where})"
        moved = replace(here, last_key=to, batch=self.pace.batch)
        counts = await self._session.write(
            [self._work(where), *self._journal.moving(*self._at, moved)], lock_timeout=5.0, timeout=60.0
        )
        self.checkpoint = replace(moved, rows=here.rows + counts[0])
        await self._journal.moved(*self._at, self.checkpoint)
        return Batch(counts[0], time.monotonic() - began, to == here.upper_bound)

    def _work(self, where: str) -> str:
        if self._fill.verb == "delete":
            return f"DELETE FROM {self._table} WHERE {where}"  # noqa: S608 - the approved plan's own words
        return f"UPDATE {self._table} SET {self._fill.assignments} WHERE {where}"  # noqa: S608 - likewise

    async def _next(self) -> tuple[str, ...]:
        """The key that ends the next range."""
        here = self.checkpoint
        if not self._columns:
            start = int(here.last_key[0]) if here.last_key else 0
            return (str(min(start + max(1, self.pace.batch // _BLOCK), int(here.upper_bound[0]))),)
        sql = (
            f"SELECT {self._literals} FROM {self._table} WHERE {self._between(here.last_key, here.upper_bound)}"  # noqa: S608
            f" ORDER BY {self._ordered('ASC')} LIMIT 1 OFFSET {self.pace.batch - 1}"
        )
        rows = await self._session.read(sql, timeout=60.0)
        return tuple(str(cell) for cell in rows[0]) if rows else here.upper_bound

    def _between(self, last: tuple[str, ...], to: tuple[str, ...]) -> str:
        if not self._columns:
            return f"ctid >= '({last[0] if last else 0},0)'::tid AND ctid < '({to[0]},0)'::tid"
        upper = self._dialect.up_to(self._columns, to)
        return f"{self._dialect.after(self._columns, last)} AND {upper}" if last else upper

    # ---- how far

    @property
    def remaining(self) -> float | None:
        """About how many rows lie between the checkpoint and the bound; None where nothing tells.

        By the position of an integer key between the first and the bound, else by the rows done of those estimated.
        """
        here = self.checkpoint
        if here.last_key == here.upper_bound:
            return 0.0
        ends = [
            _INTEGER.fullmatch(key[0]) if len(key) == 1 else None for key in (self._first, here.upper_bound)
        ]
        if ends[0] is not None and ends[1] is not None and self._estimate:
            first, upper = int(ends[0][1]), int(ends[1][1])
            last = _INTEGER.fullmatch(here.last_key[0]) if here.last_key else None
            position = int(last[1]) if last else first
            return self._estimate * (upper - position) / (upper - first) if upper > first else 0.0
        return max(0.0, self._estimate - here.rows) if self._estimate else None
