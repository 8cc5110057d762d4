"""The sessions of our own, in one process: `python -m dbtui.demo.workload FOLDER products=N customers=N`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import NoReturn

from dbtui.demo.workload.jobs import consume, produce, sweep
from dbtui.demo.workload.locks import blocking, deadlock
from dbtui.demo.workload.maintenance import maintain
from dbtui.demo.workload.reports import look_around, pooled, report
from dbtui.demo.workload.session import Shop, again

_CAST = (  # who, seconds until the first time, seconds from one time to the next
    (blocking, 3.0, 0.0),
    (report, 1.0, 0.0),
    (produce, 0.5, 0.0),
    (consume, 0.6, 0.0),
    (consume, 0.9, 0.0),
    (look_around, 2.0, 0.0),
    (pooled, 1.5, 0.0),
    (pooled, 1.6, 0.0),
    (maintain, 12.0, 0.0),
    (deadlock, 28.0, 70.0),
    (sweep, 40.0, 60.0),
)


async def _perform(shop: Shop) -> None:
    async with asyncio.TaskGroup() as stage:
        for act, first, every in _CAST:
            stage.create_task(again(act, shop, first=first, every=every))
        stage.create_task(_leave_with(os.getppid()))


async def _leave_with(parent: int) -> NoReturn:
    """End this process after its parent, where the kernel does not."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells us
        await asyncio.sleep(1)
    raise SystemExit(0)


def main() -> None:
    folder, *sizes = sys.argv[1:]
    counts = {name: int(value) for name, value in (size.split("=") for size in sizes)}
    asyncio.run(_perform(Shop(Path(folder), counts)))


if __name__ == "__main__":
    main()
