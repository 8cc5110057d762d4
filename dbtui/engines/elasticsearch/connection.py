"""The way to a cluster, and the at most three sessions that it has: monitor, work and act."""

from __future__ import annotations

import asyncio
import ssl
from functools import partial
from typing import Any

import httpx

from dbtui.config import Secret, Target
from dbtui.engines.connector import BaseConnector
from dbtui.engines.elasticsearch import tls
from dbtui.engines.elasticsearch.address import Parameters, read
from dbtui.engines.elasticsearch.failures import described_connect, rejected
from dbtui.engines.elasticsearch.reply import decoded
from dbtui.engines.elasticsearch.server import Probe, probe_of, server
from dbtui.engines.elasticsearch.session import Connection
from dbtui.engines.elasticsearch.wire import FAILURES, Answer, Wire, authorization
from dbtui.engines.elasticsearch.words import Request, own
from dbtui.engines.network import look_up
from dbtui.engines.slots import Purpose
from dbtui.engines.work import Work
from dbtui.errors import AuthenticationError, ConnectError, NoSlotsLeft, QueryError

__all__ = ["Connection", "Connector"]

_INTRODUCTION = 2**20  # bytes that one of its answers may have
_NODE = "cluster_name,nodes.*.name,nodes.*.version,nodes.*.roles,nodes.*.jvm.start_time_in_millis"


class Connector(BaseConnector[Connection]):
    """The way to one cluster (URL, login, TLS, tunnel). At most one session of each purpose is open."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self._places: tuple[Parameters, ...] = ()  # the one that answered last comes first

    def work(self) -> Work[Connection]:
        """The session that catalog, queries and plans share."""

        async def opening(_database: str) -> Connection:
            return await self.open("work")

        async def turned(_connection: Connection, _database: str) -> bool:
            return True  # a cluster is one database

        return Work(opening, turned)

    # ---- inside

    async def _open(self, purpose: Purpose) -> Connection:
        places = self._places or read(self.target.url)
        if self.target.ssh:  # a tunnel leads to one host
            places = places[:1]
        refusals: list[str] = []
        for at, parameters in enumerate(places):
            try:
                connection = await self._login.through(partial(self._reach, parameters, purpose))
            except (AuthenticationError, NoSlotsLeft):
                raise
            except ConnectError as error:
                if len(places) == 1:
                    raise
                refusals.append(error.message)
                continue
            self._places = (*places[at:], *places[:at])
            if purpose == "monitor":
                self._server = connection.server
            return connection
        raise ConnectError("; ".join(refusals), "none of the URL's hosts answers: every one was tried")

    async def _reach(self, parameters: Parameters, purpose: Purpose, secret: Secret | None) -> Connection:
        context = tls.context(parameters.tls) if parameters.tls is not None else None
        header = authorization(parameters, secret)
        try:
            async with asyncio.timeout(parameters.connect_timeout * (3 if self.target.ssh else 1)):
                wire, first = await _dial(parameters, await self._ways(parameters), context, header)
                try:
                    probe = await _introduce(wire, first, parameters)
                except BaseException:
                    await wire.close()
                    raise
        except (*FAILURES, TimeoutError) as error:
            raise described_connect(error, parameters) from None
        return Connection(wire, probe, server(probe, parameters, self.target.notes), purpose)

    async def _ways(self, parameters: Parameters) -> list[tuple[str, int]]:
        """Where to dial: the near end of a tunnel, or every address of the host."""
        if self.target.ssh:
            place = (parameters.host, parameters.port)
            return await self._tunnelled.ends([place], timeout=parameters.connect_timeout * 2)
        return [(ip, parameters.port) for ip in await look_up(parameters.host, parameters.port)]


async def _dial(
    parameters: Parameters, ways: list[tuple[str, int]], context: ssl.SSLContext | None, header: Secret | None
) -> tuple[Wire, Answer]:
    """An open connection and the answer of GET /. The addresses are tried in the order of the name servers."""
    failure: httpx.ConnectError | OSError = OSError("the name has no address")
    for way in ways:
        wire = Wire(parameters, way, context, header)
        try:
            return wire, await wire.send(own("GET"), largest=_INTRODUCTION)
        except httpx.ConnectError as error:
            failure = error
            await wire.close()
        except BaseException:
            await wire.close()
            raise
    raise failure


async def _introduce(wire: Wire, first: Answer, parameters: Parameters) -> Probe:
    """Who answers, and whom it takes us for. Raises ConnectError where it is no such server or lets nobody in.

    A locked-down cluster refuses GET / or has none; then its node tells the version.
    """
    if first.status == 401 or first.status in (301, 302, 307, 308) or first.status >= 429:
        raise rejected(first, parameters)
    root = _value(first)
    nodes = await _ask(wire, own("GET", "_nodes", "_local", "jvm", filter_path=_NODE))
    who = await _ask(wire, own("GET", "_security", "_authenticate"))
    if not who and "x-elastic-product" not in first.headers:
        who = await _ask(wire, own("GET", "_plugins", "_security", "authinfo"))
    probe = probe_of(first, root, nodes, who)
    if not probe.product:
        if first.status >= 400:
            raise rejected(first, parameters)
        raise ConnectError(
            f"{parameters.where} speaks HTTP, but is no Elasticsearch or OpenSearch",
            "check host, port and path",
        )
    return probe


async def _ask(wire: Wire, request: Request) -> Any:
    """The answer, {} for a refusal."""
    answer = await wire.send(request, largest=_INTRODUCTION)
    return _value(answer) if answer.status == 200 else {}


def _value(answer: Answer) -> Any:
    try:
        return decoded(answer.body)
    except QueryError:
        return {}
