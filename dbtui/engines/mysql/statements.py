"""Which statements the load is made of: performance_schema's digests, or the sampled activity without them.

What the console asks again and again is marked in its text and left out. The few statements of a new session (SET
NAMES and the like) and SHOW REPLICA STATUS have no place for a mark: they are counted with those of others.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.lex import fingerprint, literal, mask
from dbtui.engines.mysql.server import Probe
from dbtui.engines.mysql.wire import MARK
from dbtui.engines.sampled import SampledStatements
from dbtui.model.activity import Statement, Statements

TOP = 50  # statements whose text is wanted: those that grew most, and those with most time of all
MOST_TEXTS = 5_000
ALL_EVERY = 60.0  # seconds between two readings of all digests; in between, only those that ran
SOURCE = "events_statements_summary_by_digest"
_TABLE = f"performance_schema.{SOURCE}"
_PICOSECONDS = 1e9  # in a millisecond

Row = tuple[str, str, int, float, int, int]  # schema, digest, calls, milliseconds, rows, rows examined


def sampled() -> SampledStatements:
    """For servers without digests."""
    return SampledStatements(shape=fingerprint, masked=mask)


class Digests:
    """The counters of the digests, with the texts of the top ones. One for each connection.

    A table of 10,000 digests is a megabyte: so all of it is read once a minute, and in between what ran since.
    """

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        self._made: dict[str, Statement] = {}
        self._texts: dict[str, str] = {}  # by digest
        self._all_at: float | None = None
        self._newest = ""  # LAST_SEEN of the newest row, as the server prints it
        self._first = ""
        self._evicted = 0

    async def sample(self, connection: Connection, *, now: float, timeout: float) -> Statements:
        """All counters; `now` is of a steady clock. Raises QueryError, PermissionDenied, SessionLost."""
        whole = self._all_at is None or now - self._all_at >= ALL_EVERY
        read = await self._read(connection, self._newest if not whole else "", timeout)
        if not whole and any(self._went_back(key, row) for key, row in read.items()):
            whole, read = True, await self._read(connection, "", timeout)  # the table was emptied
        before = self._rows
        if whole:
            self._all_at = now
            self._rows = read
        else:
            self._rows = before | read
        await self._learn(connection, before, timeout)
        made = {key: self._statement(key, row) for key, row in self._rows.items() if not self._own(row)}
        self._made = made
        return Statements(
            tuple(made.values()), SOURCE, evicted=self._evicted or None, reset=self._first, note=""
        )

    def _own(self, row: Row) -> bool:
        return MARK in self._texts.get(row[1], "")

    def _went_back(self, key: str, row: Row) -> bool:
        before = self._rows.get(key)
        return before is not None and row[2] < before[2]

    async def _read(self, connection: Connection, since: str, timeout: float) -> dict[str, Row]:
        """One round trip and one cell: the driver needs long for many small ones."""
        where = f"WHERE LAST_SEEN >= {literal(since)}" if since else ""
        sql = (
            "SELECT GROUP_CONCAT(CONCAT_WS(' ', HEX(COALESCE(SCHEMA_NAME, '')), COALESCE(DIGEST, '-'), COUNT_STAR,"
            " SUM_TIMER_WAIT, SUM_ROWS_SENT + SUM_ROWS_AFFECTED, SUM_ROWS_EXAMINED) SEPARATOR '\\n')"
            f" AS {MARK}, MAX(LAST_SEEN), MIN(FIRST_SEEN) FROM {_TABLE} {where}"
        )
        text, newest, first = (await connection.fetch(sql, timeout=timeout))[0]
        self._newest = newest or self._newest
        if not since:
            self._first, self._evicted = first.partition(".")[0], 0
        rows: dict[str, Row] = {}
        for line in text.split("\n") if text else ():
            schema, digest, calls, waited, count, examined = line.split(" ")
            if digest == "-":  # what found no room in the table
                self._evicted = int(calls)
                continue
            name = bytes.fromhex(schema).decode("utf-8", "replace")
            spent = int(waited) / _PICOSECONDS
            rows[f"{schema}/{digest}"] = (name, digest, int(calls), spent, int(count), int(examined))
        return rows

    async def _learn(self, connection: Connection, before: Mapping[str, Row], timeout: float) -> None:
        """Fetch the texts of top digests that have none yet."""
        wanted = self._nameless(before)
        if not wanted:
            return
        if len(self._texts) > MOST_TEXTS:
            self._texts.clear()
        quoted = ", ".join(f"'{digest}'" for digest in wanted)
        sql = f"SELECT DISTINCT DIGEST AS {MARK}, DIGEST_TEXT FROM {_TABLE} WHERE DIGEST IN ({quoted})"
        for digest, text in await connection.fetch(sql, timeout=timeout):
            self._texts[digest] = text

    def _nameless(self, before: Mapping[str, Row]) -> Sequence[str]:
        rows = self._rows
        most = heapq.nlargest(TOP, rows.values(), key=lambda row: row[3])
        grown = heapq.nlargest(
            TOP,
            rows.items(),
            key=lambda item: item[1][3] - (before[item[0]][3] if item[0] in before else 0.0),
        )
        digests = dict.fromkeys(row[1] for row in (*most, *(row for _, row in grown)))
        return [digest for digest in digests if digest not in self._texts and digest.isalnum()]

    def _statement(self, key: str, row: Row) -> Statement:
        schema, digest, calls, milliseconds, count, examined = row
        text = self._texts.get(digest)
        before = self._made.get(key)
        if before is not None and (before.calls, before.total_ms, before.query) == (
            calls,
            milliseconds,
            text,
        ):
            return before  # most rest between two samples
        return Statement(key, digest, schema, "", text, calls, milliseconds, rows=count, rows_read=examined)


def switch_on(probe: Probe) -> str:
    """How to get real counters, said below the sampled ones."""
    if not probe.performance_schema:
        return (
            "performance_schema is off, so this is sampled from the sessions that were seen active. For real"
            " counters: performance_schema = ON below [mysqld] of my.cnf, and a restart"
        )
    if probe.see_performance_schema:
        why = "performance_schema is hidden, so this is sampled from the sessions that were seen active"
        return f"{why}. For real counters: {probe.see_performance_schema}"
    return (
        "the digests are off, so this is sampled. For real counters: UPDATE performance_schema.setup_consumers"
        " SET ENABLED = 'YES' WHERE NAME = 'statements_digest';"
    )
