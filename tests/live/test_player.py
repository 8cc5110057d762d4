"""A recording is played as it happened."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from dbtui.live.player import Player
from dbtui.live.recorder import Recorder
from dbtui.live.tape import Tape
from dbtui.model.snapshot import Snapshot
from tests.live.snapshots import HEADER, NOW, session, snapshot


def recorded(count: int, step: float) -> Tape:
    own = Recorder(HEADER)
    for n in range(count):
        own.take(snapshot(n * step, session("1", query_age=float(n))))
    return own.tape


async def played(tape: Tape, start: int, *wishes: str, enough: int) -> list[Snapshot]:
    shown: list[Snapshot] = []
    seen = asyncio.Event()

    def show(one: Snapshot) -> None:
        shown.append(one)
        if len({s.at for s in shown}) >= enough:
            seen.set()

    player = Player(tape, show, start=start)
    task = asyncio.create_task(player.run())
    await asyncio.sleep(0)
    for wish in wishes:
        if wish == "pause":
            player.pause(True)
        elif wish == "fast":
            player.set_interval(0.02)
        else:
            player.skip(int(wish))
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await seen.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert player.history.times() and player.history.times()[-1] == player.snapshot.at
    return shown


async def test_it_plays_in_order_and_stays_at_the_end() -> None:
    shown = await played(recorded(6, 0.05), 0, enough=6)
    assert list(dict.fromkeys(s.at for s in shown)) == [round(NOW + n * 0.05, 3) for n in range(6)]


async def test_it_can_be_hurried_and_skipped() -> None:
    tape = recorded(8, 60.0)
    hurried = await played(tape, 0, "fast", enough=4)
    assert hurried[-1].interval == 0.02
    skipped = await played(tape, 2, "pause", "4", "99", enough=2)
    assert skipped[-1].at == NOW + 7 * 60.0 and skipped[-1].paused


async def test_it_begins_with_the_figures_before() -> None:
    tape = recorded(8, 60.0)
    player = Player(tape, lambda _shown: None, start=5)
    task = asyncio.create_task(player.run())
    await asyncio.sleep(0.01)
    task.cancel()
    assert player.history.series("tps") == tuple(n * 60.0 for n in range(6)) and not player.over
