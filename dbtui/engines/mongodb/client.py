"""The driver's client: the one module that knows motor.

Motor runs pymongo's blocking calls in threads. A call that waits for a dead server cannot be interrupted, so the
threads are daemons that nobody waits for, and every call has a deadline of its own (`pymongo.timeout`, which the
server gets as maxTimeMS too). Moving to pymongo's native async client changes this module alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from motor import motor_asyncio
from motor.frameworks import asyncio as motor_threads
from pymongo import monitoring

from dbtui.config import Secret
from dbtui.engines.mongodb.location import Location
from dbtui.engines.mongodb.threads import DaemonThreads

APPLICATION = "dbtui"  # appName of the console's own connections
CONNECT_LIMIT = 6.0  # seconds
_THREADS = 32  # those that wait for a dead server are of no use until their time is up
T = TypeVar("T")

_EXECUTOR = DaemonThreads(_THREADS)
motor_threads._EXECUTOR = _EXECUTOR  # type: ignore[assignment]


class Seeds(monitoring.ServerHeartbeatListener):
    """Notices when every server of the URL has failed, so that nobody waits for the driver to give up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seeds: frozenset[tuple[str, int | None]]) -> None:
        self._loop = loop
        self._failures: dict[tuple[str, int | None], BaseException] = {}
        self._seeds = seeds
        self.hopeless: asyncio.Future[BaseException] = loop.create_future()

    def started(self, event: monitoring.ServerHeartbeatStartedEvent) -> None:
        """Nothing is known yet."""

    def succeeded(self, event: monitoring.ServerHeartbeatSucceededEvent) -> None:
        """One that answers is enough to go on waiting."""
        self._seeds = frozenset()

    def failed(self, event: monitoring.ServerHeartbeatFailedEvent) -> None:
        self._failures[event.connection_id] = event.reply
        if self._seeds and self._seeds <= self._failures.keys() and not self._loop.is_closed():
            error = next(iter(self._failures.values()))
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._settle, error)

    def _settle(self, error: BaseException) -> None:
        if not self.hopeless.done():
            self.hopeless.set_result(error)


async def opened(arguments: Mapping[str, Any], seeds: Seeds) -> tuple[Any, tuple[str, ...]]:
    """A client, and what the driver does not like about the URL, which it would print over the console."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_EXECUTOR, lambda: _opened(arguments, seeds, loop))


def _opened(
    arguments: Mapping[str, Any], seeds: Seeds, loop: asyncio.AbstractEventLoop
) -> tuple[Any, tuple[str, ...]]:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        client = motor_asyncio.AsyncIOMotorClient(**arguments, event_listeners=[seeds], io_loop=loop)
    return client, tuple(str(one.message) for one in said if issubclass(one.category, UserWarning))


def options(
    url: str, location: Location, near: tuple[str, int] | None, password: Secret | None
) -> dict[str, Any]:
    """Arguments of the client."""
    options: dict[str, Any] = {
        "host": url,
        "appname": APPLICATION,
        "retryReads": False,
        "retryWrites": False,
        "serverMonitoringMode": "poll",  # one connection less for each server
        "connectTimeoutMS": int(CONNECT_LIMIT * 500),
        "serverSelectionTimeoutMS": int(CONNECT_LIMIT * 1000),
    }
    if "readpreference" not in location.options:
        options["readPreference"] = "primaryPreferred"
    if password is not None:
        options["password"] = password.reveal()
    if near is not None:
        options |= {"host": location.through(*near), "directConnection": True}
    return options


class _NamedContext(ssl.SSLContext):
    """A context that names the server it wants, whatever is dialled."""

    wanted = ""

    def wrap_socket(self, *args: Any, **more: Any) -> ssl.SSLSocket:
        return super().wrap_socket(*args, **{**more, "server_hostname": self.wanted})


def expect_certificate_of(client: Any, host: str) -> None:
    """Behind a tunnel the driver would look for the certificate of 127.0.0.1."""
    context = client.delegate.options.pool_options._ssl_context
    if isinstance(context, ssl.SSLContext):
        context.__class__ = _NamedContext
        context.wanted = host  # type: ignore[attr-defined]


async def first(introduction: Awaitable[T], seeds: Seeds) -> T:
    """What the server says, or the failure of all servers of the URL, whichever comes first."""
    task = asyncio.ensure_future(introduction)
    try:
        ends: set[asyncio.Future[Any]] = {task, seeds.hopeless}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise seeds.hopeless.result()
        return task.result()
    finally:
        if not task.done():
            task.cancel()
        task.add_done_callback(heard)
        seeds.hopeless.cancel()


def close(client: Any) -> None:
    """Close a client in a thread: the driver says goodbye to the server, which may not listen."""
    if client is not None:
        _EXECUTOR.submit(client.delegate.close)


def heard(task: asyncio.Future[Any]) -> None:
    """Take what a task raises that nobody waits for."""
    if not task.cancelled():
        task.exception()
