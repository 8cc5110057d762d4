"""The session that runs a plan on Elasticsearch or OpenSearch: see `engines.base.RunSession`.

What the server does as a task of its own is waited for, and found again after a lost connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.documents import mapping
from dbtui.engines.base import Statement
from dbtui.engines.claim import claim_of
from dbtui.engines.elasticsearch import sessions, words
from dbtui.engines.elasticsearch.actions import raise_failures
from dbtui.engines.elasticsearch.connection import Connection, Connector
from dbtui.engines.elasticsearch.query import asked
from dbtui.engines.elasticsearch.reply import decoded
from dbtui.engines.elasticsearch.words import Request, own
from dbtui.engines.held import HeldByFile
from dbtui.engines.work import Work
from dbtui.errors import DbtuiError, QueryError
from dbtui.model.run import Look

_LONG = 3600.0  # seconds for a request that nobody gave a limit
_POLL = 0.5  # seconds between two looks at a task
# What a task calls itself: "reindex from [a] to [b]", "update-by-query [a]", "delete-by-query [a]".
_TASKS = {
    "_reindex": "*reindex",
    "_update_by_query": "*/update/byquery",
    "_delete_by_query": "*/delete/byquery",
}


class ElasticRunSession(HeldByFile[Connection]):
    """See `engines.base.RunSession`. Each request is done by itself, and stays done."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._work = work
        self._task = ""  # the one that is waited for
        self.identity = ""

    @property
    def id(self) -> str:
        """Of the cluster; a session of HTTP has none."""
        return self.identity

    async def reopen(self) -> None:
        """A new session. Raises ConnectError."""
        await self._leave()
        self._connection = await self._connector.open("run")
        root = self._connection.probe.root
        self.identity = str(root.get("cluster_uuid") or self._connector.server.address)
        self._claim = self._claim or claim_of(self.identity)

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """Send requests one after the other, and wait for the tasks that they begin; the documents of each."""
        self._gate.check()
        counts: list[int] = []
        for statement in statements:
            request = words.parse(statement if isinstance(statement, str) else statement(counts))
            counts.append(await self._done(request, timeout or _LONG))
        return tuple(counts)

    async def _done(self, request: Request, timeout: float) -> int:
        self._task = await self._running(request)
        if not self._task:
            answer = await self._open.send(asked(request), timeout=timeout)
            said = mapping(decoded(answer.body)) if answer.json else {}
            raise_failures(said)
            self._task = str(said.get("task") or "")
        try:
            return await self._end_of_task() if self._task else 0
        finally:
            self._task = ""

    async def _running(self, request: Request) -> str:
        """The task of an earlier try of the same request, which goes on whoever asked for it; "" without one."""
        action = _TASKS.get(request.segments[-1] if request.segments else "")
        if action is None:
            return ""
        answer = await self._open.get("_tasks", actions=action, detailed=True, group_by="none")
        for task in map(mapping, mapping(answer).get("tasks") or ()):
            if not task.get("parent_task_id") and _is_of(request, str(task.get("description"))):
                return sessions.full_id(task)
        return ""

    async def _end_of_task(self) -> int:
        while True:
            answer = mapping(await self._open.get("_tasks", self._task, timeout=30.0))
            if answer.get("completed") is True:
                return _outcome(answer)
            await asyncio.sleep(_POLL)

    async def cancel(self) -> None:
        """Have the server end the task; what it has done stays done."""
        if self._task:
            with contextlib.suppress(DbtuiError):
                await self._open.send(own("POST", "_tasks", self._task, "_cancel"), timeout=5.0)

    async def look(self, relation: str) -> Look:
        """How far the task is."""
        if not self._task:
            return Look()
        async with self._work.use() as connection:
            task = mapping(mapping(await connection.get("_tasks", self._task)).get("task"))
        return Look(progress=next(iter(sessions.progress_of([task], {})), None))


def _is_of(request: Request, description: str) -> bool:
    """Whether a task says that it goes from and to where the request does."""
    body = mapping(decoded(request.body.encode())) if request.body else {}
    if request.segments[-1] == "_reindex":
        ends = [str(mapping(body.get(end)).get("index", "")) for end in ("source", "dest")]
        return f"from [{ends[0]}]" in description and f"to [{ends[1]}]" in description
    return f"[{request.index}]" in description


def _outcome(answer: Mapping[str, Any]) -> int:
    """The documents that a task has written. Raises QueryError for one that failed, or was ended."""
    if problem := mapping(answer.get("error")):
        raise QueryError(
            str(problem.get("reason") or "the task failed"), "what it had done before stays done",
            code=str(problem.get("type", "")),
        )  # fmt: skip
    response = mapping(answer.get("response"))
    raise_failures(response)
    if response.get("canceled"):
        raise QueryError(f"the task was ended: {response['canceled']}", "what it had done before stays done")
    return sum(int(response.get(name) or 0) for name in ("created", "updated", "deleted"))
