"""Runs what the user typed: one request that only reads, its answer as rows."""

from __future__ import annotations

import asyncio

from dbtui import beside
from dbtui.engines.elasticsearch import read_only, reply, words
from dbtui.engines.elasticsearch.connection import Connection
from dbtui.engines.elasticsearch.wire import Answer
from dbtui.engines.elasticsearch.words import Request
from dbtui.engines.readahead import OneCursor, ReadAhead
from dbtui.engines.work import Work
from dbtui.errors import DbtuiError, NotApproved, QueryError
from dbtui.model.result import ResultColumn

READ_ONLY = "READ_ONLY"  # our own code: the server was not asked
_CHUNK = 500  # rows that are handed on at once


class ElasticQuerier:
    """See `engines.base.Querier`."""

    def __init__(self, work: Work[Connection]) -> None:
        self._work = work
        self._cursor: OneCursor[ElasticCursor] = OneCursor()

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> ElasticCursor:
        """Start one request; an earlier one that still runs is dropped. A cluster is one database.

        Raises QueryError (with code READ_ONLY for what does not only read), QueryTimeout, SessionLost, ConnectError.
        """
        request = words.parse(sql)
        return await self._cursor.start(lambda: ElasticCursor(self._work, request, timeout))

    def statement_at(self, text: str, offset: int) -> str:
        """The request around a position."""
        return words.statement_at(text, offset)

    def only_reads(self, statement: str) -> bool:
        """Whether verb and path are known to only read."""
        try:
            return not read_only.why_not(words.parse(statement))
        except QueryError:
            return True  # nothing that could be sent

    async def cancel(self) -> None:
        """Hang up on what runs: the server ends a search whose client is gone."""
        await self._cursor.cancel()


class ElasticCursor(ReadAhead):
    """The rows of one answer."""

    def __init__(self, work: Work[Connection], request: Request, timeout: float) -> None:
        self._work = work
        self._request = request
        super().__init__(timeout)

    async def read(self) -> None:
        async with self._work.use() as connection:
            answer = await connection.send(asked(self._request), timeout=self.timeout)
        if answer.json and len(answer.body) > beside.SMALL:
            columns, rows = await beside.call(reply.read, self._request, answer.body)
        else:
            columns, rows = shown(self._request, answer)
        self.announce(columns)
        for start in range(0, min(len(rows), self.max_rows), _CHUNK):
            self.take(rows[start : start + _CHUNK])
            if self.full:
                break
            await asyncio.sleep(0)
        if self.count < len(rows):
            self.cut()

    def describe(self, error: DbtuiError) -> DbtuiError:
        if isinstance(error, NotApproved):
            return QueryError(error.message, error.hint, code=READ_ONLY)
        return error


def asked(request: Request) -> Request:
    """The request as it is sent: tables of _cat come as JSON, and with plain numbers, unless it says otherwise."""
    if request.segments[:1] != ("_cat",) or len(request.segments) < 2:
        return request
    given = {name for name, _ in request.parameters}
    if {"help", "format"} & given:
        return request
    more = tuple((name, value) for name, value in (("format", "json"), ("bytes", "b")) if name not in given)
    return Request(
        request.method, request.segments, (*request.parameters, *more), request.body, request.body_at
    )


def shown(request: Request, answer: Answer) -> reply.Table:
    """The rows of an answer. Text that is no JSON has a row for each line; HEAD the status alone."""
    if request.method == "HEAD":
        return (ResultColumn("status", "long", True),), [(str(answer.status),)]
    if answer.json:
        return reply.read(request, answer.body)
    lines = answer.body.decode("utf-8", "replace").splitlines()
    return (ResultColumn("text", "text"),), [(line,) for line in lines]
