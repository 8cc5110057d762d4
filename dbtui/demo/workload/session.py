"""Sessions of the made-up applications, and a loop that survives whatever is done to them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from dbtui.demo.shop import DATABASE

TROUBLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Shop:
    """The server that the actors work on, and how many rows its tables were seeded with."""

    folder: Path
    sizes: Mapping[str, int]
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @contextlib.asynccontextmanager
    async def session(self, role: str, application: str) -> AsyncIterator[Any]:
        """A connection of a role under an application's name, closed at the end. Raises one of TROUBLE."""
        connection = await asyncpg.connect(
            host=str(self.folder),
            user=role,
            password="",
            database=DATABASE,
            timeout=10,
            command_timeout=180,
            server_settings={"application_name": application},
        )
        try:
            yield connection
        finally:
            connection.terminate()

    def product(self, among: int = 40) -> int:
        """One of the products that sell best."""
        return self.chance.randint(1, min(among, self.sizes["products"]))

    def customer(self) -> int:
        """One of the best customers."""
        return self.chance.randint(1, min(50, self.sizes["customers"]))


async def again(act: Callable[[Shop], Awaitable[None]], shop: Shop, *, first: float, every: float) -> None:
    """Play an act after `first` seconds, then each `every` seconds, whatever the server or its DBA does."""
    await asyncio.sleep(first)
    while True:
        begun = time.monotonic()
        try:
            await act(shop)
        except TROUBLE as problem:
            report(act.__name__, problem)
            await asyncio.sleep(1)
        await asyncio.sleep(max(0.0, every - (time.monotonic() - begun)))


def report(who: str, problem: BaseException) -> None:
    """A line in the workload's log."""
    text = str(problem).splitlines()
    print(
        f"{time.strftime('%H:%M:%S')} {who}: {text[0] if text else type(problem).__name__}", file=sys.stderr
    )
