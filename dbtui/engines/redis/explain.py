"""Plans of commands. The servers plan nothing: what can be told is what a command costs by its kind, what it has
cost here so far, and how large the keys are that it names; and how the search module reads a query.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.engines.redis import values, words
from dbtui.engines.redis.info import number, pairs, sections, text_of
from dbtui.engines.redis.read_only import name_of
from dbtui.engines.redis.session import Connection
from dbtui.engines.work import Work
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval

COMMAND, SEARCH = "redis-command", "redis-search"
NOT_MEASURED = "these servers measure no plans: a command costs what its kind does, and what ctrl+r shows"
NO_INDEXES = (
    "there are no indexes to advise: a key is found by its name.\n"
    "ctrl+g in pane 4 tells what a command costs, pane 2 which commands the time goes to"
)
_UNDOCUMENTED = "the server says nothing of its complexity: COMMAND DOCS came with 7.0"
_SEARCHES = frozenset({"ft.search", "ft.aggregate"})
_MOST_KEYS = 50


class RedisExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, work: Work[Connection]) -> None:
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
        """What is known of one command, also of one that writes: it is not run. `analyze` is refused."""
        if analyze:
            raise QueryError(NOT_MEASURED)
        command = words.command(sql)
        async with self._work.use(database) as connection:
            version = connection.server.version
            if name_of(command) in _SEARCHES and len(command) > 2:
                said = await connection.ask("FT.EXPLAIN", *command[1:3], *_dialect(command), timeout=timeout)
                text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
                return RawPlan(f"FT.EXPLAIN {{\n{text}\n}}", SEARCH, sql, version)
            told = await _told(connection, command, timeout)
        notes = () if "complexity" in told else (_UNDOCUMENTED,)
        return RawPlan(json.dumps(told, ensure_ascii=False), COMMAND, sql, version, notes)


def _dialect(command: Sequence[bytes]) -> tuple[bytes, ...]:
    """The option of a search that decides how its text is read."""
    for at, word in enumerate(command[:-1]):
        if word.lower() == b"dialect":
            return (word, command[at + 1])
    return ()


async def _told(connection: Connection, command: Sequence[bytes], timeout: float) -> dict[str, Any]:
    """The command's name, what COMMAND DOCS says of it, its counters, and its keys. Raises QueryError."""
    name = name_of(command)
    docs, keys, info = await connection.ask_all(
        [("COMMAND", "DOCS", name), ("COMMAND", "GETKEYS", *command), ("INFO", "commandstats")],
        timeout=timeout,
    )
    if isinstance(docs, PermissionDenied):
        raise docs
    described = _documented(docs)
    if not described and not isinstance(docs, QueryError):
        raise QueryError(f"the server has no command {name.replace('|', ' ').upper()}")
    told: dict[str, Any] = {"command": name.replace("|", " ").upper()}
    for field in ("summary", "complexity", "group", "since"):
        if field in described:
            told[field] = described[field]
    counted = pairs(sections(info).get(f"cmdstat_{name}", "")) if isinstance(info, bytes) else {}
    calls, each = number(counted.get("calls")), number(counted.get("usec_per_call"))
    if calls and each is not None:
        told["counted"] = {"calls": int(calls), "usec_per_call": each}
    if isinstance(keys, list):
        told["keys"] = await _measured(connection, keys[:_MOST_KEYS], timeout)
    return told


def _documented(answer: Any) -> Mapping[str, str]:
    """The texts of COMMAND DOCS for one command; pairs in a list where the older protocol is spoken."""
    found = _mapping(answer)
    entry = _mapping(next(iter(found.values()), None))
    return {text_of(key): text_of(value) for key, value in entry.items() if isinstance(value, bytes)}


def _mapping(answer: Any) -> Mapping[Any, Any]:
    if isinstance(answer, Mapping):
        return answer
    return dict(zip(answer[::2], answer[1::2], strict=False)) if isinstance(answer, list) else {}


async def _measured(connection: Connection, keys: Sequence[bytes], timeout: float) -> list[dict[str, Any]]:
    """The type of each key, and of how many elements it is."""
    kinds = [
        "none" if isinstance(kind, QueryError) else text_of(kind)
        for kind in await connection.ask_all([("TYPE", key) for key in keys], timeout=timeout)
    ]
    readers = [values.READERS.get(kind) for kind in kinds]
    asked = [(reader.size, key) for key, reader in zip(keys, readers, strict=True) if reader and reader.size]
    sizes = iter(await connection.ask_all(asked, timeout=timeout) if asked else ())
    told = []
    for key, kind, reader in zip(keys, kinds, readers, strict=True):
        size = next(sizes) if reader is not None and reader.size else None
        one: dict[str, Any] = {"key": words.shown(key), "type": kind}
        told.append(one | {"size": size, "of": reader.noun} if reader and isinstance(size, int) else one)
    return told
