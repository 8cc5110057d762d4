"""Small loads, one a server. What goes wrong ends the process, which is started again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from typing import NoReturn


async def attached(play: Awaitable[None]) -> None:
    """Play until something fails, or the process that started this one is gone."""
    async with asyncio.TaskGroup() as stage:
        stage.create_task(_leave_with(os.getppid()))
        await play


async def _leave_with(parent: int) -> NoReturn:
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(1)
    os._exit(0)
