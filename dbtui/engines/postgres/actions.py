"""What changes something: cancel, terminate, and the one way to write. Each needs an approval of exactly that."""

from __future__ import annotations

import time
from typing import Literal

import asyncpg

from dbtui.engines.base import LONGEST
from dbtui.engines.postgres.act import acting, begin
from dbtui.engines.postgres.connection import LOCK_LIMIT, Connector
from dbtui.engines.postgres.ddl import identifier, qualified
from dbtui.engines.postgres.rows import UNNAMED, Row, result_columns, single, unknown_as_text
from dbtui.engines.postgres.stakes import stakes_of
from dbtui.engines.readahead import MAX_ROWS
from dbtui.engines.slots import Purpose
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Session, Stakes
from dbtui.model.catalog import Kind, Node
from dbtui.model.result import Page
from dbtui.safety import Approval, scope_of, signal_scope
from dbtui.sql.classify import first_word
from dbtui.sql.lex import meaningful, word

_OWN_TRANSACTION = frozenset({"begin", "start", "commit", "end", "rollback", "abort", "savepoint", "release"})
_LEEWAY = 1.0  # seconds that an answer may take beyond the server's own limit


class PostgresActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Stop the running statement of a session. False when it is no longer the session that was approved."""
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        return await self._signal("pg_cancel_backend", session)

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """End a session. False when it is no longer the session that was approved."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        return await self._signal("pg_terminate_backend", session)

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one statement in a transaction of its own; what refuses to be in one runs without.

        `timeout` is in seconds and holds at the server; a lock is waited for 3 s at most. Rows come back for
        RETURNING, at most MAX_ROWS of them. Raises NotApproved, QueryError, PermissionDenied, QueryTimeout,
        SessionLost (then it is unknown whether the statement was done), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, database, timeout, "act")

    async def maintain(self, sql: str, approval: Approval, *, database: str = "") -> Page:
        """See `engines.base.Maintains`."""
        approval.check(self._connector.target.name, scope_of(sql))
        return await self._write(sql, database, LONGEST, "run")

    async def _write(self, sql: str, database: str, timeout: float, purpose: Purpose) -> Page:
        text = single(sql).text
        _refuse_what_cannot_be(text)
        began = time.monotonic()
        async with acting(self._connector, database, purpose) as session:
            raw = session.raw
            try:
                await raw.execute(begin(timeout), timeout=timeout)
                page = await _run(raw, text, timeout, began)
                await raw.execute("COMMIT", timeout=timeout)
            except asyncpg.ActiveSQLTransactionError:  # VACUUM, CREATE INDEX CONCURRENTLY, …
                await raw.execute("ROLLBACK", timeout=_LEEWAY)
                if not session.pooled:
                    await _limit(raw, timeout)
                page = await _run(raw, text, timeout, began)
        return page

    async def stakes(self, session: Session) -> Stakes:
        """See `engines.base.Weighs`."""
        return await stakes_of(self._connector, session)

    def maintenance(self, node: Node, what: Literal["vacuum", "analyze"]) -> str:
        """See `engines.base.Maintains`."""
        if node.kind not in (Kind.TABLE, Kind.PARTITIONED, Kind.MATERIALIZED):
            return ""
        return f"{'VACUUM (ANALYZE)' if what == 'vacuum' else 'ANALYZE'} {qualified(*node.path[-2:])}"

    async def _signal(self, function: str, session: Session) -> bool:
        """Send it to the process only if it is still the one that started when the approved session did."""
        user = self._connector.server.user
        if not session.started:
            remedy = f"GRANT pg_read_all_stats TO {identifier(user)};"
            raise PermissionDenied("when the session started is hidden, so it cannot be told from a later one",
                                   remedy, remedy=remedy)  # fmt: skip
        connection = await self._connector.open("act")
        try:
            rows = await connection.fetch(_SIGNAL.format(function), session.id, session.started)
        except PermissionDenied as error:
            raise _with_remedy(error, session, user) from None
        finally:
            await connection.close()
        return bool(rows) and bool(rows[0][0])


_SIGNAL = """
select {}(a.pid) from pg_catalog.pg_stat_activity a
 where a.pid::text = $1::text and (extract(epoch from a.backend_start) * 1000000)::int8::text = $2::text
"""


def _with_remedy(error: PermissionDenied, session: Session, user: str) -> PermissionDenied:
    said = f"{error.message} {error.hint}".lower()
    if "superuser" in said and "pg_signal_backend" not in said:
        return PermissionDenied(
            error.message, "only a superuser may do this to a superuser's session", code=error.code
        )
    role = "pg_signal_autovacuum_worker" if "pg_signal_autovacuum_worker" in said else "pg_signal_backend"
    remedy = f"GRANT {role} TO {identifier(user)};"
    return PermissionDenied(f"session {session.id}: {error.message}", remedy, code=error.code, remedy=remedy)


def _refuse_what_cannot_be(sql: str) -> None:
    verb = first_word(sql)
    if verb in _OWN_TRANSACTION:
        raise QueryError(f"{verb.upper()} is not run here", "each statement has a transaction of its own")
    if verb == "copy" and any(word(sql, token) in ("stdin", "stdout") for token in meaningful(sql)):
        raise QueryError("COPY between the server and this terminal is not run here", "use psql's \\copy")


async def _limit(raw: asyncpg.Connection, timeout: float) -> None:
    """Limits for the session, which is closed after the statement."""
    await raw.execute(
        f"SET statement_timeout TO {int(timeout * 1000)}; SET lock_timeout TO {int(LOCK_LIMIT * 1000)}",
        timeout=_LEEWAY,
    )


async def _run(raw: asyncpg.Connection, sql: str, timeout: float, began: float) -> Page:
    """Run it by the extended protocol, which takes one statement, with every column as the server's own text."""
    unknown_as_text(raw)
    prepared = await raw.prepare(sql, name=UNNAMED, timeout=timeout + _LEEWAY)
    attributes = prepared.get_attributes()
    for kind in {attribute.type for attribute in attributes}:
        raw.get_settings().add_python_codec(kind.oid, kind.name, kind.schema, [], "scalar", str, str, "text")
    if attributes:
        prepared = await raw.prepare(sql, name=UNNAMED, timeout=timeout + _LEEWAY)
    records = await prepared.fetch(timeout=timeout + _LEEWAY)
    rows: tuple[Row, ...] = tuple(tuple(record) for record in records[:MAX_ROWS])
    return Page(
        result_columns(attributes),
        rows,
        len(records) > MAX_ROWS,
        prepared.get_statusmsg(),
        time.monotonic() - began,
    )
