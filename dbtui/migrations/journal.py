"""The journal: what was attempted of which plan, kept on the server itself, or in a file where it cannot be.

A server's journal is two tables. What ends a step, and what moves a backfill's checkpoint, are statements, so that
they go into the same transaction as the work: after a crash the journal and the data cannot disagree. A file cannot
do that; there the catalog's postconditions, and backfills that may be repeated, have to be enough.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from dbtui.engines.base import RunSession, Statement
from dbtui.migrations.dialect import Dialect
from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Transaction
from dbtui.model.run import Attempt, Checkpoint, State

JOURNAL, BACKFILL = "dbtui_journal", "dbtui_backfill"
MOST_DETAIL = 2000  # characters


class Journal(Protocol):
    """What the runner asks of a journal. The statements are to be run with the work that they tell about."""

    where: str  # "the server", or a file's path

    async def ready(self) -> bool:
        """Whether it is there."""
        ...

    async def attempts(self) -> tuple[Attempt, ...]:
        """All rows of all plans, the oldest first."""
        ...

    async def checkpoint(self, plan_id: str, step: int) -> Checkpoint | None: ...

    async def begin(self, attempt: Attempt) -> None:
        """Write that an attempt begins."""
        ...

    async def end(self, attempt: Attempt) -> None:
        """Write how it ended."""
        ...

    async def freeze(self, plan_id: str, step: int, checkpoint: Checkpoint) -> None:
        """Write a backfill's bound and where it begins, in place of an older one."""
        ...

    async def forget(self, plan_id: str, step: int) -> None:
        """Drop a backfill's checkpoint."""
        ...

    def ending(self, attempt: Attempt) -> tuple[Statement, ...]:
        """`end` as statements; () for a journal that is no table."""
        ...

    def moving(self, plan_id: str, step: int, to: Checkpoint) -> tuple[Statement, ...]:
        """Statements that move a checkpoint, adding the rows that the statement before them changed; or ()."""
        ...

    async def moved(self, plan_id: str, step: int, to: Checkpoint) -> None:
        """Write a checkpoint after its batch, where `moving` gave no statements."""
        ...


def journal_step(dialect: Dialect) -> ChangeStep:
    """Step 0 of a plan: the journal's own tables."""
    return ChangeStep(
        number=0,
        kind=Kind.JOURNAL,
        title=f"create the journal: tables {JOURNAL} and {BACKFILL}",
        phase=Phase.PREPARE,
        statements=_tables(dialect),
        transaction=Transaction.ONE if dialect.transactional_ddl else Transaction.EACH,
        down=(f"DROP TABLE {BACKFILL}", f"DROP TABLE {JOURNAL}"),
        lock_timeout=2.0,
        retries=5,
        postconditions=(Condition(_present(dialect), "the journal is there"),),
        why="what was done, and how far a backfill is, outlives this program and this machine",
    )


def _tables(dialect: Dialect) -> tuple[str, str]:
    name, types = dialect.identifier, dialect.types
    journal = (
        f"plan_id {types['key']} NOT NULL, plan_sha256 {types['key']} NOT NULL, step {types['int']} NOT NULL,"
        f" attempt {types['int']} NOT NULL, state {types['key']} NOT NULL, sql_sha256 {types['key']} NOT NULL,"
        f" approved_by {types['text']} NOT NULL, started_at {types['time']} NOT NULL, ended_at {types['time']},"
        f" detail {types['text']} NOT NULL, PRIMARY KEY (plan_id, step, attempt)"
    )
    backfill = (
        f"plan_id {types['key']} NOT NULL, step {types['int']} NOT NULL, upper_bound {types['text']} NOT NULL,"
        f" last_key {types['text']} NOT NULL, {name('rows')} {types['big']} NOT NULL, batch {types['int']} NOT NULL,"
        " PRIMARY KEY (plan_id, step)"
    )
    return (
        f"CREATE TABLE IF NOT EXISTS {JOURNAL} ({journal})",
        f"CREATE TABLE IF NOT EXISTS {BACKFILL} ({backfill})",
    )


def _present(dialect: Dialect) -> str:
    if dialect.engine == "sqlite":
        return f"SELECT count(*) = 2 FROM sqlite_schema WHERE name IN ('{JOURNAL}', '{BACKFILL}')"  # noqa: S608
    return (
        "SELECT count(*) = 2 FROM information_schema.tables"  # noqa: S608 - constants
        f" WHERE table_schema = {dialect.database} AND table_name IN ('{JOURNAL}', '{BACKFILL}')"
    )


class ServerJournal:
    """The two tables, through the session that runs the plan; writes need its admission."""

    where = "the server"

    def __init__(self, session: RunSession, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect

    @property
    def step(self) -> ChangeStep:
        """What makes the tables."""
        return journal_step(self._dialect)

    async def ready(self) -> bool:
        rows = await self._session.read(_present(self._dialect))
        return bool(rows) and rows[0][0] in ("1", "True", "true", "t")

    async def attempts(self) -> tuple[Attempt, ...]:
        columns = "plan_id, plan_sha256, step, attempt, state, sql_sha256, approved_by, started_at, ended_at, detail"
        rows = await self._session.read(f"SELECT {columns} FROM {JOURNAL} ORDER BY started_at, attempt")  # noqa: S608
        return tuple(_attempt(row) for row in rows)

    async def checkpoint(self, plan_id: str, step: int) -> Checkpoint | None:
        name = self._dialect.identifier
        rows = await self._session.read(
            f"SELECT upper_bound, last_key, {name('rows')}, batch FROM {BACKFILL} WHERE {self._at(plan_id, step)}"  # noqa: S608
        )
        if not rows:
            return None
        upper, last, done, batch = (cell or "" for cell in rows[0])
        return Checkpoint(tuple(json.loads(upper)), tuple(json.loads(last)), int(done), int(batch))

    async def begin(self, attempt: Attempt) -> None:
        await self._session.write(self.beginning(attempt))

    def beginning(self, attempt: Attempt) -> tuple[str, ...]:
        """`begin` as a statement, for the step that makes the tables."""
        values: tuple[str | float | None, ...] = (
            attempt.plan_id, attempt.plan_sha256, attempt.step, attempt.attempt, attempt.state.value,
            attempt.sql_sha256, attempt.approved_by, _moment(attempt.started), _moment(attempt.ended),
            attempt.detail[:MOST_DETAIL],
        )  # fmt: skip
        return (f"INSERT INTO {JOURNAL} VALUES ({', '.join(map(self._dialect.literal, values))})",)  # noqa: S608

    async def end(self, attempt: Attempt) -> None:
        await self._session.write(self.ending(attempt))

    def ending(self, attempt: Attempt) -> tuple[Statement, ...]:
        literal = self._dialect.literal
        return (
            f"UPDATE {JOURNAL} SET state = {literal(attempt.state.value)},"  # noqa: S608 - literals are quoted
            f" ended_at = {literal(_moment(attempt.ended))}, detail = {literal(attempt.detail[:MOST_DETAIL])}"
            f" WHERE {self._at(attempt.plan_id, attempt.step)} AND attempt = {attempt.attempt}",
        )

    async def freeze(self, plan_id: str, step: int, checkpoint: Checkpoint) -> None:
        upper, last = json.dumps(checkpoint.upper_bound), json.dumps(checkpoint.last_key)
        values: tuple[str | float | None, ...] = (
            plan_id,
            step,
            upper,
            last,
            checkpoint.rows,
            checkpoint.batch,
        )
        await self._session.write(
            [
                f"DELETE FROM {BACKFILL} WHERE {self._at(plan_id, step)}",  # noqa: S608
                f"INSERT INTO {BACKFILL} VALUES ({', '.join(map(self._dialect.literal, values))})",  # noqa: S608
            ]
        )

    async def forget(self, plan_id: str, step: int) -> None:
        await self._session.write([f"DELETE FROM {BACKFILL} WHERE {self._at(plan_id, step)}"])  # noqa: S608

    def moving(self, plan_id: str, step: int, to: Checkpoint) -> tuple[Statement, ...]:
        rows, literal = self._dialect.identifier("rows"), self._dialect.literal
        last = literal(json.dumps(to.last_key))

        def statement(counts: Sequence[int]) -> str:
            return (
                f"UPDATE {BACKFILL} SET last_key = {last}, {rows} = {rows} + {counts[-1]}, batch = {to.batch}"  # noqa: S608
                f" WHERE {self._at(plan_id, step)}"
            )

        return (statement,)

    async def moved(self, plan_id: str, step: int, to: Checkpoint) -> None:
        """Nothing: the batch's own transaction has moved it."""

    def _at(self, plan_id: str, step: int) -> str:
        return f"plan_id = {self._dialect.literal(plan_id)} AND step = {step}"


def _attempt(row: Sequence[str | None]) -> Attempt:
    plan_id, sha256, step, attempt, state, sql, by, started, ended, detail = row
    return Attempt(
        plan_id or "", sha256 or "", int(step or 0), int(attempt or 0), State(state or ""), sql or "", by or "",
        _epoch(started) or 0.0, _epoch(ended), detail or "",
    )  # fmt: skip


def _moment(seconds: float | None) -> str | None:
    """UTC, in the form that PostgreSQL, MySQL and SQLite read and print alike, without a zone."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _epoch(text: str | None) -> float | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def ended(attempt: Attempt, state: State, detail: str = "") -> Attempt:
    """The attempt with its end."""
    return replace(attempt, state=state, ended=time.time(), detail=detail or attempt.detail)
