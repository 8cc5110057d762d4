"""One session with a server: serial, with a timeout on everything, and held to reading unless opened to write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from dbtui.engines.redis import read_only
from dbtui.engines.redis.failures import FAILURES, described
from dbtui.engines.redis.server import Probe
from dbtui.engines.redis.wire import Command, RedisError, Wire
from dbtui.engines.slots import WRITING, Purpose
from dbtui.errors import DbtuiError, QueryError, QueryTimeout, SessionLost
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost


class Connection:
    """One session. Open it through `Connector.open`. Everything raises the console's own errors only."""

    def __init__(self, wire: Wire, probe: Probe, server: Server, purpose: Purpose) -> None:
        self.purpose = purpose
        self.probe = probe
        self.server = server
        self._wire = wire
        self._ended = asyncio.Event()
        self._turn = asyncio.Lock()
        self._database = "0"
        self._guard = read_only.Guard()
        self._commands = 5  # the greeting
        self._seconds = 0.0

    @property
    def closed(self) -> bool:
        """Whether the session has ended, by whichever side."""
        return self._wire.closed

    @property
    def counters(self) -> Cost:
        """The commands this session has run and the time from question to answer, network included."""
        return Cost(self._commands, self._seconds)

    async def select(self, database: str) -> None:
        """Turn to a database by its number. Raises QueryError when there is none."""
        if database == self._database:
            return
        if not database.isdecimal():
            raise QueryError(f"{database} is no database", "they are numbers")
        await self.ask("SELECT", database)
        self._database = database

    async def ask(self, *words: bytes | str | int, timeout: float = 5.0) -> Any:
        """The answer of one command of the console's own.

        Texts are bytes. Raises QueryError, PermissionDenied, QueryTimeout (the session is dropped), SessionLost.
        """
        (answer,) = await self.ask_all([words], timeout=timeout)
        if isinstance(answer, DbtuiError):
            raise answer
        return answer

    async def ask_all(self, commands: Sequence[Command], *, timeout: float = 5.0) -> list[Any]:
        """The answers of several commands in one round trip; a refused one is its QueryError, not raised.

        Raises QueryTimeout, SessionLost, and NotApproved for a command that could write here.
        """
        if self.purpose not in WRITING:
            for command in commands:
                read_only.check_own(command)
        return await self._send(commands, timeout)

    async def read(self, words: Sequence[bytes], *, timeout: float) -> Any:
        """The answer of what a user typed, if it only reads. Raises NotApproved as well."""
        await self._guard.check(words, self._describe_command)
        (answer,) = await self._send([words], timeout)
        if isinstance(answer, DbtuiError):
            raise answer
        return answer

    async def execute(self, words: Sequence[bytes], *, timeout: float) -> Any:
        """Run what was approved, on a session opened to act."""
        assert self.purpose in WRITING, "only a session opened to act executes"
        (answer,) = await self._send([words], timeout)
        if isinstance(answer, DbtuiError):
            raise answer
        return answer

    def abort(self) -> None:
        """Drop the session at once; waits for nothing."""
        self._wire.abort()
        self._ended.set()

    async def close(self) -> None:
        """Drop the session: the server needs no farewell."""
        self.abort()

    async def ended(self) -> None:
        """Return when the session has ended, by whichever side."""
        await self._ended.wait()

    # ---- inside

    async def _describe_command(self, names: Sequence[str]) -> list[Any]:
        (answer,) = await self._send([("COMMAND", "INFO", *names)], 5.0)
        if isinstance(answer, DbtuiError):
            raise answer
        return answer if isinstance(answer, list) else []

    async def _send(self, commands: Sequence[Command], timeout: float) -> list[Any]:
        started = time.monotonic()
        try:
            async with asyncio.timeout(timeout), self._turn:
                if self.closed:
                    raise SessionLost("the connection to the server is lost", "it is opened again by itself")
                started = time.monotonic()
                self._commands += len(commands)
                answers = await self._wire.ask(commands)
        except TimeoutError:
            self.abort()
            raise QueryTimeout(
                f"the server has not answered within {timeout:g} s",
                "a command or script may block it for all",
            ) from None
        except FAILURES as error:
            self.abort()
            raise described(error, self.probe.user) from None
        finally:
            self._seconds += time.monotonic() - started
            if self.closed:
                self._ended.set()
        return [
            described(answer, self.probe.user, read_only.keys_of(command))
            if isinstance(answer, RedisError)
            else answer
            for command, answer in zip(commands, answers, strict=True)
        ]
