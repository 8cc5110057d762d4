"""Plans of statements, as EXPLAIN (FORMAT JSON) prints them.

Without ANALYZE nothing runs. With it a query that only reads runs in a read-only transaction, and everything else
only with an approval, on the act session, in a transaction that is rolled back.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

import asyncpg

from dbtui.engines.planning import OWN_OPTIONS, check_has_plan, check_may_run
from dbtui.engines.postgres.act import acting, begin
from dbtui.engines.postgres.connection import Connection, Connector, Work
from dbtui.engines.postgres.failures import describe
from dbtui.engines.postgres.rows import single
from dbtui.engines.postgres.side_effects import side_effects
from dbtui.errors import DbtuiError, QueryError
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval
from dbtui.sql.classify import QUERIES, Verdict, classify, explained
from dbtui.sql.lex import Lexeme, Token, meaningful, word

FORMAT = "postgres-json"
_WITH_PLANS = QUERIES | {"insert", "update", "delete", "merge", "create", "declare"}
_LEEWAY = 1.0  # seconds that an answer may take beyond the server's own limit
# Words before a literal that give it a type; pg_stat_statements makes `interval $1` of `interval '1 day'`.
_TYPE_WORDS = frozenset({"interval", "date", "time", "timestamp", "timestamptz", "timetz", "numeric", "uuid", "json",
                         "jsonb", "inet", "bytea"})  # fmt: skip
_UNTYPED = frozenset({"42P18", "42P08", "42725", "42883", "42804", "42601", "22P02"})


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is explained: `text` stands at `start` of what the user typed, -1 where it was rewritten."""

    text: str
    start: int
    verdict: Verdict
    notes: tuple[str, ...]


class PostgresExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work

    async def explain(
        self,
        sql: str,
        *,
        database: str = "",
        analyze: bool = False,
        timeout: float = 30.0,
        approval: Approval | None = None,
    ) -> RawPlan:
        """The plan of one statement; a generic one where it has placeholders.

        A leading EXPLAIN is dropped with its options: only `analyze` decides whether the statement runs. What is
        not surely a mere query needs an approval of scope_of(sql) to be run.
        """
        subject = _subject(sql)
        if analyze:
            return await self._analyzed(sql, subject, database, timeout, approval)
        async with self._work.use(database) as connection:
            return await self._planned(connection, subject, timeout)

    async def side_effects(self, sql: str, *, database: str = "") -> tuple[str, ...]:
        """See `engines.base.Foretells`."""
        subject = _subject(sql)
        async with self._work.use(database) as connection:
            plan = await self._planned(connection, subject, 30.0)
            return await side_effects(connection, subject.text, plan.text)

    async def explain_in(self, connection: Connection, sql: str, *, timeout: float = 30.0) -> RawPlan:
        """As `explain`, in a session that somebody holds; nothing is run."""
        return await self._planned(connection, _subject(sql), timeout)

    async def _planned(self, connection: Connection, subject: _Subject, timeout: float) -> RawPlan:
        if subject.verdict.placeholders:
            text = await self._generic(connection, subject, timeout)
            return self._plan(subject, text, *_generic_notes(text))
        async with connection.reading(timeout=timeout) as raw:
            text = await self._ask(raw, subject, timeout, ())
        return self._plan(subject, text, "estimates only")

    async def _analyzed(
        self, sql: str, subject: _Subject, database: str, timeout: float, approval: Approval | None
    ) -> RawPlan:
        if subject.verdict.placeholders:
            raise QueryError(
                "a statement with placeholders cannot be run",
                "write values in their place, or explain without ANALYZE",
            )
        if subject.verdict.only_reads:
            async with self._work.use(database) as connection, connection.reading(timeout=timeout) as raw:
                return self._plan(subject, await self._ask(raw, subject, timeout, ("ANALYZE",)))
        check_may_run(approval, self._connector.target.name, sql, subject.verdict.effect)
        async with acting(self._connector, database) as session:
            await session.raw.execute(begin(timeout), timeout=timeout)
            text = await self._ask(session.raw, subject, timeout, ("ANALYZE",))
            await session.raw.execute("ROLLBACK", timeout=_LEEWAY)
        return self._plan(subject, text, "run and rolled back")

    async def _ask(
        self, raw: asyncpg.Connection, subject: _Subject, timeout: float, more: tuple[str, ...]
    ) -> str:
        start = f"EXPLAIN ({self._options(more)}) "
        try:
            return str(await raw.fetchval(start + subject.text, timeout=timeout + _LEEWAY))
        except asyncpg.PostgresError as error:
            raise _failure(error, subject, len(start)) from None

    async def _generic(self, connection: Connection, subject: _Subject, timeout: float) -> str:
        """Prepare the statement and explain its generic plan.

        PREPARE, unlike the extended protocol, needs no values, which the planner would fold into the plan.
        GENERIC_PLAN (16 and later) keeps EXECUTE from removing the partitions that a NULL does not match.
        """
        name = f"dbtui_{secrets.token_hex(6)}"
        start = f"PREPARE {name} AS "
        nulls = ", ".join(["NULL"] * subject.verdict.placeholders)
        prepared = False
        try:
            async with connection.reading(timeout=timeout) as raw:
                await raw.execute("SET LOCAL plan_cache_mode TO force_generic_plan", timeout=timeout)
                try:
                    # Not through the guard of `raw`, which knows PREPARE as no query: it runs nothing.
                    await asyncpg.Connection.fetch(raw, start + subject.text, timeout=timeout + _LEEWAY)
                except asyncpg.PostgresError as error:
                    raise _failure(error, subject, len(start)) from None
                prepared = True
                generic = ("GENERIC_PLAN",) if self._connector.server.version_number >= 160000 else ()
                execute = f"EXPLAIN ({self._options(generic)}) EXECUTE {name}({nulls})"
                text = str(await raw.fetchval(execute, timeout=timeout + _LEEWAY))
                await raw.execute(f"DEALLOCATE {name}", timeout=_LEEWAY)
                prepared = False
        finally:
            if prepared and not connection.closed:
                await _forget(connection, name)
        return text

    def _options(self, more: tuple[str, ...]) -> str:
        version = self._connector.server.version_number
        options = [*more, "VERBOSE", "SETTINGS", "BUFFERS"]
        if "ANALYZE" in more:
            options.append("WAL")
        if version >= 170000:
            options += ["MEMORY", "SERIALIZE TEXT"] if "ANALYZE" in more else ["MEMORY"]
        return ", ".join([*options, "FORMAT JSON"])

    def _plan(self, subject: _Subject, text: str, *notes: str) -> RawPlan:
        version = self._connector.server.version
        return RawPlan(text, FORMAT, subject.text, version, (*subject.notes, *notes))


async def _forget(connection: Connection, name: str) -> None:
    """DEALLOCATE after a failure; behind a pooler the name may be another server process's."""
    try:
        await connection.fetch(f"DEALLOCATE {name}", timeout=_LEEWAY)
    except QueryError:
        return


def _generic_notes(text: str) -> tuple[str, ...]:
    note = "generic plan: made without values for the placeholders"
    if '"Subplans Removed"' in text and '"Subplans Removed": 0' not in text:
        return note, "before PostgreSQL 16 it leaves out partitions that depend on a placeholder"
    return (note,)


def _subject(sql: str) -> _Subject:
    """The statement to explain. Raises QueryError for none, several, or one that has no plan."""
    statement = single(sql)
    inner, _ = explained(statement.text)
    notes = () if inner == statement.text else (OWN_OPTIONS,)
    start = statement.start + len(statement.text) - len(inner)
    verdict = classify(inner)
    check_has_plan(verdict.verb, _WITH_PLANS)
    if verdict.placeholders:
        typed = _typed(inner)
        if typed != inner:
            return _Subject(
                typed, -1, verdict, (*notes, "placeholders behind the name of a type were cast to it")
            )
    return _Subject(inner, start, verdict, notes)


def _typed(sql: str) -> str:
    """`interval $1`, which no grammar takes, as `CAST($1 AS interval)`."""
    pieces: list[str] = []
    done = 0
    before: Token | None = None
    for token in meaningful(sql):
        if token.kind is Lexeme.PLACEHOLDER and before is not None and word(sql, before) in _TYPE_WORDS:
            name = sql[before.start : before.end]
            pieces += [sql[done : before.start], f"CAST({sql[token.start : token.end]} AS {name})"]
            done = token.end
        before = token
    return "".join([*pieces, sql[done:]])


def _failure(error: asyncpg.PostgresError, subject: _Subject, before: int) -> DbtuiError:
    """The failure, with its position in what the user typed and a hint where a placeholder is the cause."""
    failure = describe(error)
    if not isinstance(failure, QueryError):
        return failure
    if failure.position is not None:
        placed = subject.start >= 0
        failure.position = failure.position - before + subject.start if placed else None
    if failure.code == "42601" and re.search("at end of input|unterminated", failure.message):
        failure.hint = "the text ends in the middle: track_activity_query_size may have cut it"
    elif failure.code == "42P01" and not failure.hint:
        failure.hint = "the session that runs it may have another search_path: name the schema"
    elif subject.verdict.placeholders and failure.code in _UNTYPED:
        failure.hint = "give the placeholder a type, for example $1::interval, or write a value in its place"
    return failure
