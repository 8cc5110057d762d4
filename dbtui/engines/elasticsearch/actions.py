"""What changes something: cancelling a task, and the one way to write. Each needs an approval of exactly that."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from dbtui.documents import mapping
from dbtui.engines.elasticsearch import words
from dbtui.engines.elasticsearch.connection import Connection, Connector
from dbtui.engines.elasticsearch.query import asked, shown
from dbtui.engines.elasticsearch.reply import decoded
from dbtui.engines.elasticsearch.sessions import Incarnation
from dbtui.engines.elasticsearch.words import own
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.activity import Session
from dbtui.model.result import Page
from dbtui.safety import Approval, scope_of, signal_scope

_MOST_ROWS = 1_000
_GONE = (
    "404",
    "resource_not_found_exception",
    "index_not_found_exception",
)  # the index is that of stored results


class ElasticActions:
    """See `engines.base.Actions`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Cancel a task, with the tasks it has started. False when it is no longer the one that was approved.

        A task hears of it when it next looks, so it may go on for a moment. Raises QueryError for one that cannot
        be cancelled.
        """
        approval.check(self._connector.target.name, signal_scope("cancel", session))
        wanted = Incarnation.of(session.started)
        async with self._acting() as connection:
            task = await _task(connection, wanted)
            if task is None:
                return False
            if task.get("cancellable") is not True:
                raise QueryError(
                    f"task {session.id} cannot be cancelled", "it does not look for a wish to end"
                )
            answer = decoded(
                (await connection.send(own("POST", "_tasks", wanted.id, "_cancel"), timeout=10.0)).body
            )
        return bool(mapping(answer).get("nodes") or mapping(answer).get("tasks"))

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """There is nothing to end but the task: QueryError."""
        approval.check(self._connector.target.name, signal_scope("terminate", session))
        raise QueryError("a task is no session that could be ended", "x cancels it")

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one request of any kind. There are no transactions: what was done stays done.

        Raises NotApproved, QueryError, PermissionDenied, QueryTimeout, SessionLost (after the last two it is unknown
        whether it was done), ConnectError.
        """
        approval.check(self._connector.target.name, scope_of(sql))
        request = words.parse(sql)
        began = time.monotonic()
        async with self._acting() as connection:
            answer = await connection.send(asked(request), timeout=timeout)
        if answer.json:
            raise_failures(decoded(answer.body))
        columns, rows = shown(request, answer)
        cut = len(rows) > _MOST_ROWS
        return Page(columns, tuple(rows[:_MOST_ROWS]), cut, f"HTTP {answer.status}", time.monotonic() - began)

    @asynccontextmanager
    async def _acting(self) -> AsyncIterator[Connection]:
        connection = await self._connector.open("act")
        try:
            yield connection
        finally:
            connection.abort()


async def _task(connection: Connection, wanted: Incarnation) -> Mapping[str, Any] | None:
    """The task as it is now, None when it is another one or gone."""
    try:
        answer = await connection.get("_tasks", wanted.id)
    except PermissionDenied:
        raise
    except QueryError as error:
        if error.code in _GONE:
            return None
        raise
    task = mapping(mapping(answer).get("task"))
    same = mapping(answer).get("completed") is False and Incarnation.of_task(task) == wanted
    return task if same else None


def raise_failures(answer: Any) -> None:
    """Errors of single documents, which the server reports inside an answer of success."""
    said = mapping(answer)
    if said.get("errors") is True and isinstance(said.get("items"), list):
        results = [mapping(next(iter(mapping(item).values()), None)) for item in said["items"]]
        failed = [mapping(result.get("error")) for result in results if result.get("error")]
        first = failed[0] if failed else {}
        raise QueryError(
            f"{len(failed)} of {len(results)} documents were refused: {first.get('reason', '')}"[:300],
            "the others were written",
            code=str(first.get("type", "")),
        )
    if isinstance(said.get("failures"), list) and said["failures"]:
        first = mapping(mapping(said["failures"][0]).get("cause"))
        raise QueryError(
            f"it failed in {len(said['failures'])} places: {first.get('reason', '')}"[:300],
            "what was done before stays done",
            code=str(first.get("type", "")),
        )
