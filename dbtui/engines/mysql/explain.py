"""Plans of statements, as EXPLAIN prints them: JSON, or the tree where only that is measured.

Without ANALYZE nothing runs. With it a query that only reads runs in a read-only transaction, and everything else
only with an approval, on the act session, in a transaction that is rolled back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from dbtui.engines.mysql.act import acting
from dbtui.engines.mysql.connection import Connection, Connector, limit
from dbtui.engines.mysql.lex import (
    Dialect,
    Lexeme,
    first_word,
    literal,
    meaningful,
    placeholders,
    single,
    word,
)
from dbtui.engines.mysql.read_only import QUERIES, effect, only_reads
from dbtui.engines.mysql.rollback import check_rolls_back
from dbtui.engines.mysql.server import names_in
from dbtui.engines.mysql.side_effects import side_effects
from dbtui.engines.planning import OWN_OPTIONS, check_has_plan, check_may_run
from dbtui.engines.work import Work
from dbtui.errors import QueryError, ValuesMissing
from dbtui.model.activity import Session
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval

_CHANGES = frozenset({"insert", "replace", "update", "delete", "with"})
_WITH_PLANS = QUERIES | _CHANGES
_EXPLAINS = frozenset({"explain", "describe", "desc", "analyze"})
_NO_JSON = frozenset({"1064", "1235", "3953", "6035"})
_NOT_RUN = "<not executable by iterator executor>"
_INVISIBLE = "SET SESSION optimizer_switch = 'use_invisible_indexes={}'"
_NO_SAMPLE = "write values in place of the question marks: this server keeps none of them"


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is explained, and how it came about."""

    text: str
    database: str
    notes: tuple[str, ...]


class MysqlExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
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
        """The plan of one statement.

        A leading EXPLAIN is dropped with its options. The text of a digest, whose values are question marks, is
        explained by the sample that MySQL keeps of it; MariaDB keeps none.
        """
        dialect = self._connector.probe.identity.dialect
        subject = await self._subject(sql, database, dialect, timeout)
        if not analyze:
            async with self._work.use(subject.database) as connection:
                return await self._estimated(connection, subject, timeout)
        if only_reads(subject.text, dialect):
            async with self._work.use(subject.database) as connection, connection.reading(timeout=timeout):
                return await self._measured(connection, subject, timeout)
        check_may_run(approval, self._connector.target.name, sql, effect(subject.text, dialect))
        async with acting(self._connector, subject.database) as connection:
            await check_rolls_back(connection, subject.text)
            await limit(connection.raw, connection.identity, timeout)
            await connection.raw.ask("START TRANSACTION")
            plan = await self._measured(connection, subject, timeout, "run and rolled back")
            await connection.raw.ask("ROLLBACK")
        return plan

    async def with_invisible(self, sql: str, *, database: str = "", timeout: float = 30.0) -> RawPlan:
        """See `engines.base.PlansInvisible`. From MySQL 8.0 on; MariaDB plans with an ignored index for nobody."""
        if self._connector.probe.mariadb:
            raise QueryError("MariaDB has no invisible indexes", "NOT IGNORED shows one to everybody")
        subject = await self._subject(sql, database, self._connector.probe.identity.dialect, timeout)
        async with self._work.use(subject.database) as connection:
            return await self._estimated(connection, subject, timeout, invisible=True)

    async def side_effects(self, sql: str, *, database: str = "") -> tuple[str, ...]:
        """See `engines.base.Foretells`."""
        subject = await self._subject(sql, database, self._connector.probe.identity.dialect, 10.0)
        async with self._work.use(subject.database) as connection:
            return await side_effects(connection, subject.text)

    async def running(self, session: Session, *, timeout: float = 10.0) -> RawPlan:
        """The plan of what a session runs now, without running it again: with measured rows so far on MariaDB.

        Raises QueryError when it runs nothing that has a plan, PermissionDenied when it is another user's.
        """
        if not session.id.isdigit():
            raise QueryError("this session has no number", "choose another one")
        if self._connector.probe.mariadb:
            questions = [
                f"SHOW ANALYZE FORMAT=JSON FOR {session.id}",
                f"SHOW EXPLAIN FORMAT=JSON FOR {session.id}",
            ]
        else:
            questions = [f"EXPLAIN FORMAT=JSON FOR CONNECTION {session.id}"]
        async with self._work.use() as connection:
            for last, question in enumerate(questions, 1):
                try:
                    rows = await connection.fetch(question, timeout=timeout)
                except QueryError as error:
                    if error.code == "1064" and last < len(questions):  # MariaDB before 10.9
                        continue
                    raise
                if rows:
                    return self._plan(rows[0][0], session.query, f"of what session {session.id} was running")
        raise QueryError(f"session {session.id} runs nothing that has a plan at this moment", "try again")

    async def _estimated(
        self, connection: Connection, subject: _Subject, timeout: float, *, invisible: bool = False
    ) -> RawPlan:
        dialect = connection.identity.dialect
        writes = first_word(subject.text, dialect) in _CHANGES and not only_reads(subject.text, dialect)
        if writes:
            await _refuse_what_planning_runs(connection, subject.text, dialect)
        async with connection.reading(timeout=timeout, planning=writes):
            if invisible:
                await connection.counted(_INVISIBLE.format("on"), 5.0)
            try:
                answer = await connection.counted(f"EXPLAIN FORMAT=JSON {subject.text}", timeout)
            finally:
                if invisible:
                    await connection.counted(_INVISIBLE.format("off"), 5.0)
        return self._plan(answer.texts()[0][0], subject.text, *subject.notes, "estimates only")

    async def _measured(
        self, connection: Connection, subject: _Subject, timeout: float, *notes: str
    ) -> RawPlan:
        """ANALYZE FORMAT=JSON on MariaDB; EXPLAIN ANALYZE on MySQL, as JSON where the server has that."""
        if self._connector.probe.mariadb:
            answer = await connection.counted(f"ANALYZE FORMAT=JSON {subject.text}", timeout)
            return self._plan(answer.texts()[0][0], subject.text, *subject.notes, *notes)
        text = await self._analyzed(connection, subject.text, timeout)
        return self._plan(text, subject.text, *subject.notes, *notes)

    async def _analyzed(self, connection: Connection, sql: str, timeout: float) -> str:
        text = ""
        if self._connector.probe.number >= (8, 3):
            await connection.counted("SET SESSION explain_json_format_version = 2", 5.0)
            try:
                text = (await connection.counted(f"EXPLAIN ANALYZE FORMAT=JSON {sql}", timeout)).texts()[0][0]
            except QueryError as error:
                if error.code not in _NO_JSON:
                    raise
        text = text or (await connection.counted(f"EXPLAIN ANALYZE {sql}", timeout)).texts()[0][0]
        if _NOT_RUN in text[:400]:
            raise QueryError("MySQL measures no change of a single table", "explain it without ANALYZE")
        return text

    async def _subject(self, sql: str, database: str, dialect: Dialect, timeout: float) -> _Subject:
        """The statement to explain. Raises QueryError for none, several, or one that has no plan."""
        text = single(sql, dialect)
        inner = _explained(text, dialect)
        notes = () if inner == text else (OWN_OPTIONS,)
        check_has_plan(first_word(inner, dialect), _WITH_PLANS)
        if not placeholders(inner, dialect) and "..." not in inner:
            return _Subject(inner, database, notes)
        sample = await self._sample(inner, timeout)
        if sample is None:
            raise ValuesMissing("the statement has placeholders (?), and no values for them", _NO_SAMPLE)
        found, schema = sample
        note = "explained with values that were seen: the text itself has none"
        return _Subject(found, schema or database, (*notes, note))

    async def _sample(self, text: str, timeout: float) -> tuple[str, str] | None:
        """The statement that MySQL keeps as a sample of a digest, and its database."""
        probe = self._connector.probe
        if not probe.has("events_statements_summary_by_digest", "query_sample_text"):
            return None
        sql = (
            "SELECT QUERY_SAMPLE_TEXT, SCHEMA_NAME FROM performance_schema.events_statements_summary_by_digest"
            f" WHERE DIGEST_TEXT = {literal(text)} AND QUERY_SAMPLE_TEXT <> '' ORDER BY LAST_SEEN DESC LIMIT 1"
        )
        async with self._work.use() as connection:
            rows = await connection.fetch(sql, timeout=timeout)
        return (rows[0][0], rows[0][1]) if rows else None

    def _plan(self, text: str, query: str, *notes: str) -> RawPlan:
        return RawPlan(text, _format(text, mariadb=self._connector.probe.mariadb), query,
                       self._connector.server.version, notes)  # fmt: skip


async def _refuse_what_planning_runs(connection: Connection, sql: str, dialect: Dialect) -> None:
    """Raise QueryError where the planning of a change could itself change something.

    EXPLAIN of a change is refused in a read-only transaction, so it is asked in one that may write and is rolled
    back. While they plan, servers run stored functions whose arguments are known, as seen on MariaDB 11.8, and
    what those write to tables without transactions stays.
    """
    parts = meaningful(sql, dialect)
    if any(part.kind is Lexeme.COMMAND for part in parts):
        raise QueryError("what stands in /*! … */ is run by some servers and not by others", "take it out")
    names = {word(sql, part) for part in parts} - {""}
    called = {
        word(sql, part)
        for part, following in pairwise(parts)
        if sql[following.start] == "(" and word(sql, part)
    }
    question = (
        "SELECT CONCAT('the function ', ROUTINE_NAME) FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_TYPE <> 'PROCEDURE' AND ROUTINE_NAME IN ({names_in(called)})"
        " UNION ALL SELECT CONCAT('the view ', TABLE_NAME) FROM information_schema.VIEWS"
        f" WHERE TABLE_NAME IN ({names_in(names)}) AND TABLE_SCHEMA NOT IN ('sys', 'information_schema') LIMIT 1"
    )
    found = await connection.fetch(question)
    if found:
        what = f"{found[0][0]} may be run while this is planned, and may write"
        raise QueryError(what, "explain its parts as SELECT, or approve it with ANALYZE")


def _format(text: str, *, mariadb: bool) -> str:
    if not text.lstrip().startswith("{"):
        return "mysql-tree"
    return "mariadb-json" if mariadb else "mysql-json"


def _explained(sql: str, dialect: Dialect) -> str:
    """What an EXPLAIN is about, without the word and its options; other statements as they are."""
    parts = meaningful(sql, dialect)
    if word(sql, parts[0]) not in _EXPLAINS:
        return sql
    at = 1
    while at < len(parts):
        name = word(sql, parts[at])
        if name == "format" and sql[parts[at].end :].lstrip().startswith("="):
            at += 3
        elif name in ("analyze", "extended", "partitions"):
            at += 1
        else:
            break
    return sql[parts[at].start :] if at < len(parts) else ""
