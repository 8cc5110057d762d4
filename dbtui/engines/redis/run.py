"""The session that runs a plan on Redis or Valkey: see `engines.base.RunSession` and `FillsBatches`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbtui.engines.base import Statement
from dbtui.engines.claim import claim_of
from dbtui.engines.held import HeldByFile
from dbtui.engines.redis import health, words
from dbtui.engines.redis.actions import runnable
from dbtui.engines.redis.connection import Connection, Connector
from dbtui.engines.redis.info import sections
from dbtui.engines.redis.wire import Command
from dbtui.engines.work import Work
from dbtui.errors import ConnectError, DbtuiError, QueryError
from dbtui.model.change import Backfill
from dbtui.model.run import Look

_LONG = 3600.0  # seconds for a command that nobody gave a limit
_BATCH = 10.0  # seconds for the commands of one batch
_START, _END = "0", "end"  # cursors of SCAN, and the key that stands for the end of the keys
_NO_KEY = "no such key"


class RedisRunSession(HeldByFile[Connection]):
    """See `engines.base.RunSession`. Each command is done by itself, and stays done."""

    resumes = False  # a cursor of SCAN is of no use to a server that was started anew

    def __init__(self, connector: Connector, work: Work[Connection], database: str) -> None:
        super().__init__(connector.target.name)
        self._connector = connector
        self._work = work
        self._database = database or connector.server.database
        self._claim = claim_of(self.identity)

    @property
    def id(self) -> str:
        """The client's id."""
        return str(self._open.probe.id)

    @property
    def identity(self) -> str:
        """The address and the database's number: what a server calls itself changes with each start."""
        return f"{self._connector.server.address}/{self._database}"

    async def reopen(self) -> None:
        """A new session. Raises ConnectError."""
        await self._leave()
        self._connection = await self._connector.open("run")
        if self._connection.server.role == "replica":
            raise ConnectError("this server is a replica, which takes no writes", "connect to its primary")
        await self._connection.select(self._database)

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """Run commands one after the other; what was done before a refused one stays done."""
        self._gate.check()
        counts: list[int] = []
        for statement in statements:
            text = statement if isinstance(statement, str) else statement(counts)
            answer = await self._open.execute(runnable(text), timeout=timeout or _LONG)
            counts.append(answer if isinstance(answer, int) else 0)
        return tuple(counts)

    async def cancel(self) -> None:
        """Nothing: a command that runs cannot be stopped, and none of a batch takes long."""

    async def look(self, relation: str) -> Look:
        """How far replicas are behind, and the clients that wait."""
        async with self._work.use(self._database) as connection:
            info = sections(await connection.ask("INFO"))
        replicas = health.of_info(info).replicas
        return Look(
            lag=max((one.lag_seconds for one in replicas if one.lag_seconds is not None), default=None),
            lag_bytes=max((one.lag_bytes for one in replicas if one.lag_bytes is not None), default=None),
        )

    # ---- batches

    async def last(self, fill: Backfill) -> str:
        return _END

    async def estimate(self, fill: Backfill) -> float:
        """Nothing: how many keys a pattern has, only the walk tells."""
        return 0.0

    async def fill(self, fill: Backfill, after: str, last: str, size: int) -> tuple[str, int]:
        """One pass of SCAN, and a command for each key that it found, all in one round trip."""
        self._gate.check()
        pattern = str(fill.table)
        scanned = await self._open.ask("SCAN", after or _START, "MATCH", words.raw_of(pattern), "COUNT", size)
        cursor, keys = scanned[0].decode(), list(scanned[1])
        commands = [_command(fill, pattern, key) for key in keys]
        answers = await self._open.ask_all(commands, timeout=_BATCH) if commands else []
        changed = 0
        for key, answer in zip(keys, answers, strict=True):
            if isinstance(answer, DbtuiError):
                if _NO_KEY not in str(answer):  # it went meanwhile, or was renamed at its first meeting
                    raise answer
            elif fill.verb == "rename" and answer == 0:
                raise QueryError(
                    f"{words.shown(key)} keeps its name: its new one is taken",
                    "remove one of them, and go on",
                )
            else:
                changed += answer if isinstance(answer, int) else 0
        return (last if cursor == _START else cursor), changed


def _command(fill: Backfill, pattern: str, key: bytes) -> Command:
    if fill.verb == "expire":
        return ("EXPIRE", key, *fill.assignments.split())
    if fill.verb == "rename":
        return ("RENAMENX", key, renamed(pattern, fill.assignments, key))
    return (fill.verb.upper(), key)


def renamed(pattern: str, form: str, key: bytes) -> bytes:
    """The new name of a key: `{1}` stands for what the pattern's first star matched.

    Raises QueryError for a pattern whose star cannot be told, and for a name that the pattern would match again.
    """
    before, star, behind = words.raw_of(pattern).partition(b"*")
    if not star or re.search(rb"[*?\[\\]", before + behind):
        raise QueryError(f"{pattern} has not just one star", "rename keys by a pattern such as user:*")
    middle = key[len(before) : len(key) - len(behind)]
    name = words.raw_of(form).replace(b"{1}", middle)
    if len(name) >= len(before + behind) and name.startswith(before) and name.endswith(behind):
        raise QueryError(
            f"{words.shown(name)} is of the pattern {pattern} too", "it would be renamed again and again"
        )
    return name
