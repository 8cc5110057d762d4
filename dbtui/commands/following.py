"""The replicas whose lag a run watches, each an open connection of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.base import Engine, Follows
from dbtui.errors import UsageError


@asynccontextmanager
async def following(names: Sequence[str]) -> AsyncIterator[tuple[Follows, ...]]:
    """Open the connections of these URLs or names for the block. Raises UsageError, ConnectError."""
    found: list[Follows] = []
    async with AsyncExitStack() as stack:
        for name in names:
            engine: Engine = create(resolve(name))
            if not isinstance(engine, Follows):
                raise UsageError(
                    f"{engine.name} needs no replica named: it tells itself how far they are behind",
                    "leave it out",
                )
            stack.push_async_callback(engine.close)
            await engine.open()
            found.append(engine)
        yield tuple(found)
