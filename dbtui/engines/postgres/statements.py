"""Which statements the load is made of: pg_stat_statements, or the sampled activity where that is missing."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dbtui.engines import sampled
from dbtui.engines.postgres import queries
from dbtui.engines.postgres.failures import quoted
from dbtui.engines.postgres.refusal import Question
from dbtui.model.activity import Session, Statement, Statements
from dbtui.sql.mask import fingerprint, mask

if TYPE_CHECKING:
    from dbtui.engines.postgres.connection import Connection

TOP = 50  # statements whose text is wanted: those that grew most, and those with most time of all
TEXTS_EVERY = (5.0, 60.0)  # seconds between two readings of the file of texts, at least and at most
TEXTS_SHARE = 0.002  # of the time that such readings may take: the server reads the whole file each time
MOST_TEXTS = 5_000
NOTICED_AT_ONCE = 20  # texts taken from one sample: masking costs time
HIDDEN = "<insufficient privilege>"  # what the server itself says in place of a text
_TEXTS = frozenset({"texts"})
_INSTALL = "pg_stat_statements is missing, so this is sampled from the sessions that were seen active"


class CountedStatements:
    """The counters of pg_stat_statements, with the texts of the top ones. One for each connection."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[Any, ...]] = {}
        self._made: dict[str, Statement] = {}
        self._texts: dict[
            str, str
        ] = {}  # by statement and database: one shape may be written in several ways
        self._noticed: dict[str, str] = {}
        self._texts_of = Question("statement_texts", *_TEXTS)
        self._databases: dict[str, str] = {}
        self._roles: dict[str, str] = {}
        self._wanted: set[str] = set()  # ids of statements whose text is fetched at the next reading
        self._texts_due = 0.0

    async def sample(
        self, connection: Connection, present: frozenset[str], *, now: float, timeout: float
    ) -> Statements:
        """All counters. `now` is of a steady clock. Raises QueryError, PermissionDenied, QueryTimeout,
        SessionLost.
        """
        probe = connection.probe
        sql = queries.query("statements", present, schema=probe.statements_schema)
        record = (await connection.fetch(sql, timeout=timeout, hold=True))[0]
        rows, hidden = _rows(record)
        self._wanted |= self._nameless(rows)
        if now >= self._texts_due:
            await self._learn(connection, rows, now=now, timeout=timeout)
        made = {id_: self._statement(id_, row) for id_, row in rows.items()}
        self._rows, self._made = rows, made
        role = quoted(probe.user)
        return Statements(
            statements=tuple(made.values()),
            source=f"pg_stat_statements {probe.statements_version}",
            evicted=record.get("evicted"),
            reset=record.get("reset") or "",
            note=f"{hidden} statements of other users are hidden: GRANT pg_read_all_stats TO {role};"
            if hidden
            else "",
        )

    def notice(self, sessions: Iterable[Session]) -> None:
        """Take the texts of statements that run now.

        They fill the time until the file of texts is read, and stand in where the server cannot read it: one
        statement of a SQL_ASCII database with other bytes than UTF-8 fails every reading of it.
        """
        room = NOTICED_AT_ONCE
        for session in sessions:
            key = f"{session.query_id}/{session.database}"
            if room and session.query_id and session.query and key not in self._noticed:
                self._noticed[key] = mask(session.query, numbered=True)
                room -= 1
        if len(self._noticed) > MOST_TEXTS:
            self._noticed.clear()

    async def _learn(
        self, connection: Connection, rows: Mapping[str, tuple[Any, ...]], *, now: float, timeout: float
    ) -> None:
        """Fetch texts of top statements that have none yet, and names of users and databases."""
        roles = {row[1] for row in rows.values()}
        databases = {row[2] for row in rows.values()}
        if not self._wanted and roles <= self._roles.keys() and databases <= self._databases.keys():
            return
        least, most = TEXTS_EVERY
        self._texts_due = now + most  # should it fail
        self._texts_of.parts = _TEXTS if self._wanted else frozenset()
        ids, oids = [int(id_) for id_ in self._wanted], [int(oid) for oid in roles]
        started = time.monotonic()
        answer = await self._texts_of.ask(
            connection, oids, ids, timeout=timeout, schema=connection.probe.statements_schema
        )
        self._texts_due = now + min(max(least, (time.monotonic() - started) / TEXTS_SHARE), most)
        self._wanted.clear()
        self._databases = dict.fromkeys(databases, "") | (answer["databases"] or {})  # some were dropped
        self._roles = dict.fromkeys(roles, "") | (answer["roles"] or {})
        if len(self._texts) > MOST_TEXTS:
            self._texts.clear()
        for key, text, cut in answer.get("texts") or ():
            self._texts[key] = queries.uncut(cut) if cut else text

    def _nameless(self, rows: Mapping[str, tuple[Any, ...]]) -> set[str]:
        """Ids of the top statements of this sample that have no text yet."""
        most = heapq.nlargest(TOP, rows.values(), key=lambda row: row[_TOTAL])
        none: tuple[Any, ...] = (0,) * len(_FIELDS)
        growth = heapq.nlargest(
            TOP, rows.items(), key=lambda item: item[1][_TOTAL] - self._rows.get(item[0], none)[_TOTAL]
        )
        top = [*most, *(row for _, row in growth)]
        return {row[0] for row in top if row[0] and f"{row[0]}/{row[2]}" not in self._texts}

    def _statement(self, id_: str, row: tuple[Any, ...]) -> Statement:
        query_id, user, database, *numbers = row
        text = self._texts.get(f"{query_id}/{database}") if query_id else HIDDEN
        database, user = self._databases.get(database, ""), self._roles.get(user, "")
        text = text or self._noticed.get(f"{query_id}/{database}")
        before = self._made.get(id_)
        if before is not None and self._rows.get(id_) == row:  # most rest between two samples
            if (before.query, before.database, before.user) == (text, database, user):
                return before
            return replace(before, query=text, database=database, user=user)
        calls, total, rows, hit, read, temp, wal, planning, reading, plans = numbers
        return Statement(
            id=id_,
            query_id=query_id,
            database=database,
            user=user,
            query=text,
            calls=calls,
            total_ms=total / 1000,
            rows=rows,
            blocks_hit=hit,
            blocks_read=read,
            temp_blocks=temp,
            wal_bytes=wal,
            plan_ms=None if planning is None else planning / 1000,
            read_ms=None if reading is None else reading / 1000,
            plans=plans,
        )


_FIELDS = (
    "ids", "users", "databases", "calls", "total", "rows", "hit", "read", "temp", "wal",
    "planning", "reading", "plans",
)  # fmt: skip
_TOTAL = _FIELDS.index("total")


def _rows(record: Mapping[str, Any]) -> tuple[dict[str, tuple[Any, ...]], int]:
    """Statement id → its columns in the order of _FIELDS, and how many entries are hidden.

    Hidden entries have no id of their own: they are added up for each user and database.
    """
    ids = (record["ids"] or "").split()
    columns: list[list[Any]] = []
    for name in _FIELDS:
        text = record.get(name)
        if name in ("ids", "users", "databases"):
            columns.append((text or "").split())
        else:
            columns.append([None] * len(ids) if text is None else list(map(int, text.split())))
    nested = (record.get("toplevel") or " ".join("1" * len(ids))).split()
    rows: dict[str, tuple[Any, ...]] = {}
    hidden = 0
    for level, *values in zip(nested, *columns, strict=True):
        query_id, user, database = values[:3]
        if query_id == "-":
            hidden += 1
            key = f"-/{user}/{database}"
            former = rows.get(key)
            numbers = values[3:] if former is None else _added(former[3:], values[3:])
            rows[key] = ("", user, database, *numbers)
        else:
            rows[f"{query_id}/{user}/{database}/{level}"] = tuple(values)
    return rows, hidden


def _added(some: Iterable[int | None], more: Iterable[int | None]) -> list[int | None]:
    return [None if a is None or b is None else a + b for a, b in zip(some, more, strict=True)]


class SampledStatements(sampled.SampledStatements):
    """What active sessions were seen to run, where pg_stat_statements is missing."""

    def __init__(self) -> None:
        super().__init__(shape=fingerprint, masked=lambda sql: mask(sql, numbered=True))

    def sample(self, *, loaded: bool, database: str, reason: str = "") -> Statements:
        """What was seen so far, and how to get real counters."""
        create = f"CREATE EXTENSION pg_stat_statements; in database {quoted(database)}"
        steps = (
            create
            if loaded
            else f"add pg_stat_statements to shared_preload_libraries, restart the server, then {create}"
        )
        return self.seen(note=reason or f"{_INSTALL}. For real counters: {steps}")
