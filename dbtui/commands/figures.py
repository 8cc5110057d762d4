"""The figures that rules of `alerts.toml` may name: of every engine, or of one server with their values now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from dbtui.config import resolve
from dbtui.engines import ENGINES, create, metrics
from dbtui.errors import ConnectError, UsageError
from dbtui.live.figures import Figure, figure, figures
from dbtui.live.health import HealthWatch
from dbtui.live.sampler import Sampler
from dbtui.live.thresholds import read_thresholds, thresholds_file
from dbtui.model.snapshot import Link, Snapshot
from dbtui.text import printable

SAMPLES = 2  # of counters: a rate is the difference of two


def print_figures(server: str | None, engine: str | None) -> None:
    """Print a table. Raises UsageError, ConfigError, ConnectError."""
    if server is not None:
        _print(asyncio.run(_of_server(server)))
        return
    if engine is not None and engine not in ENGINES:
        raise UsageError(f"there is no engine {engine}", f"it is one of {', '.join(sorted(ENGINES))}")
    for folder in (ENGINES[engine],) if engine is not None else dict.fromkeys(ENGINES.values()):
        print(f"# {folder}")
        _print([(one, None) for one in figures(folder, metrics(folder))])


async def _of_server(server: str) -> list[tuple[Figure, float | None]]:
    """Every figure that a server has, with its value."""
    engine = create(resolve(server))
    seen: list[Snapshot] = []
    done = asyncio.Event()

    def take(snapshot: Snapshot) -> None:
        if snapshot.server is None and snapshot.link in (Link.LOST, Link.CLOSED):
            done.set()
        if snapshot.counters.taken_at is not None:
            seen.append(snapshot)
        if len({one.counters.taken_at for one in seen}) >= SAMPLES:
            done.set()

    sampler = Sampler(engine.open, engine.monitor, interval=1.0, on_snapshot=take)
    task = asyncio.create_task(sampler.run())
    try:
        await done.wait()
    finally:
        task.cancel()
        await engine.close()
    if not seen:
        raise ConnectError(sampler.snapshot.trouble)
    findings = HealthWatch(engine.name, read_thresholds(thresholds_file())).take(seen[-1])
    told = figures(engine.name, engine.monitor.metrics, seen[-1].counters.value or ())
    return [(one, figure(one.name, seen[-1], findings)) for one in told]


def _print(rows: Sequence[tuple[Figure, float | None]]) -> None:
    for line in _table(rows):
        print(line)


def _table(rows: Sequence[tuple[Figure, float | None]]) -> Iterator[str]:
    width = max(len(one.name) for one, _ in rows)
    yield f"{'NAME':<{width}}  {'NOW':>12}  {'UNIT':<8}  WHAT"
    for one, value in rows:
        now = "" if value is None else f"{value:,.6g}" if abs(value) < 1000 else f"{value:,.0f}"
        yield printable(f"{one.name:<{width}}  {now:>12}  {one.unit:<8}  {one.what}")
