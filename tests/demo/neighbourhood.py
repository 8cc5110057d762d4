"""A demo with all its servers under load, for benchmarks and pictures: one folder, ended with the block."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dbtui.config import Target
from dbtui.demo import Demo

ENGINES: Mapping[str, str] = {
    "redis": "cache",
    "sqlite": "till",
    "mysql": "office",
    "mongodb": "documents",
    "elasticsearch": "search",
}  # engine → the demo's server of it
_LIMIT = 180.0  # seconds


@contextmanager
def running() -> Iterator[dict[str, Target]]:
    """By engine, the servers whose loads run. Raises TimeoutError when one of them does not come up."""
    demo = Demo(seed_scale=0.05, workload=False, neighbours=True)
    demo.start()
    try:
        targets = {target.name.removeprefix("demo-"): target for target in demo.neighbours}
        until = time.monotonic() + _LIMIT
        while not {f"{name}-load" for name in targets} <= demo.processes().keys():
            if time.monotonic() > until:
                raise TimeoutError("not all servers of the demo came up")
            time.sleep(0.5)
        yield {engine: targets[name] for engine, name in ENGINES.items() if name in targets}
    finally:
        demo.stop()
