"""The sampler against real servers that restart, stall and refuse; and against scripted sources for what no server
does on demand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from dbtui import engines
from dbtui.config import resolve
from dbtui.errors import AuthenticationError, ConnectError, PermissionDenied, QueryTimeout, SessionLost
from dbtui.live import sampler as module
from dbtui.live.sampler import Sampler, with_blockers
from dbtui.live.session import ConsoleSession
from dbtui.model.activity import Activity, Session, Statements
from dbtui.model.server import Server
from dbtui.model.snapshot import Cost, Link, Metric, SectionName, Snapshot, Source
from tests.engines.postgres.monitoring import client
from tests.servers.postgres import PostgresServer


class Watch:
    """Collects snapshots, and waits for one that is wanted."""

    def __init__(self) -> None:
        self.all: list[Snapshot] = []
        self._news = asyncio.Event()

    def __call__(self, snapshot: Snapshot) -> None:
        self.all.append(snapshot)
        self._news.set()

    async def until(self, wanted: Any, seconds: float = 20.0, *, fresh: bool = True) -> Snapshot:
        start = len(self.all) if fresh else 0
        async with asyncio.timeout(seconds):
            while True:
                for snapshot in self.all[start:]:
                    if wanted(snapshot):
                        return snapshot
                start = len(self.all)
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def watching(url: str, interval: float = 0.2) -> AsyncIterator[tuple[ConsoleSession, Watch]]:
    target = replace(resolve(url), name="test")
    watch = Watch()
    session = ConsoleSession(engines.create(target), target, interval=interval, on_snapshot=watch)
    session.start()
    try:
        yield session, watch
    finally:
        await session.stop()


async def test_the_first_snapshots_of_a_server(postgres: PostgresServer) -> None:
    async with watching(postgres.url()) as (session, watch):
        first = await watch.until(lambda s: s.activity.value is not None, fresh=False)
        assert first.link is Link.LIVE and first.server is not None and first.trouble == ""
        full = await watch.until(lambda s: s.health.value is not None and s.metrics["tps"] is not None)
        assert full.statements.value is not None and full.statements.error == ""
        assert full.counters.value is not None and "checkpoints_timed" in full.counters.value
        assert full.cost.statements >= 4 and full.cost.server_seconds > 0
        assert full.activity.age(full.at) is not None
        assert session.history.series("tps")[-1] is not None


async def test_blockers_are_written_into_the_sessions(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("CREATE TABLE t (n int)", database)
    async with client(postgres, "root", database) as root, client(postgres, "waiter", database) as waiter:
        await root.execute("BEGIN; LOCK t")
        task = asyncio.ensure_future(waiter.execute("SELECT * FROM t"))
        async with watching(postgres.url()) as (_, watch):
            blocked = await watch.until(lambda s: bool(s.locks.value), fresh=False)
            assert blocked.activity.value is not None
            waits = next(s for s in blocked.activity.value.sessions if s.application == "waiter")
            assert waits.blocked_by == (str(root.get_server_pid()),)
            await root.execute("ROLLBACK")
            await task
            free = await watch.until(lambda s: s.locks.value is None)
            assert free.activity.value is not None and not any(
                s.blocked_by for s in free.activity.value.sessions
            )
    postgres.drop_database(database)


async def test_pause_refresh_and_interval(postgres: PostgresServer) -> None:
    async with watching(postgres.url(), interval=0.1) as (session, watch):
        await watch.until(lambda s: s.health.value is not None, fresh=False)
        session.pause(True)
        assert session.snapshot.paused
        await asyncio.sleep(0.3)  # what was under way has ended
        taken = session.snapshot.activity.taken_at
        await asyncio.sleep(0.4)
        assert session.snapshot.activity.taken_at == taken
        session.refresh()
        again = await watch.until(lambda s: s.activity.taken_at != taken)
        assert again.paused
        session.set_interval(30.0)
        session.pause(False)
        assert (session.snapshot.interval, session.snapshot.paused) == (30.0, False)
        session.refresh()
        await watch.until(lambda s: s.interval == 30.0 and s.activity.taken_at != again.activity.taken_at)


async def test_a_restarted_server_is_found_again() -> None:
    with PostgresServer(18) as server:
        former = server.socket / f".s.PGSQL.{server.port}"
        async with watching(server.url()) as (session, watch):
            before = await watch.until(lambda s: s.health.value is not None, fresh=False)
            await asyncio.to_thread(server.restart)
            former.unlink(missing_ok=True)
            lost = await watch.until(lambda s: s.link is Link.LOST and s.next_try is not None, fresh=False)
            assert lost.trouble and lost.activity.value is not None and lost.server == before.server
            former.symlink_to(f".s.PGSQL.{server.port}")  # the fixture takes another port
            back = await watch.until(lambda s: s.link is Link.LIVE and s.activity.taken_at > lost.at)
            assert back.trouble == "" and back.metrics["tps"] is None  # nothing is compared across the gap
            assert back.server is not None and before.server is not None
            assert back.server.started != before.server.started
            assert None in session.history.series("connections")


async def test_a_stalled_server_never_stops_the_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.3)
    with PostgresServer(18) as server:
        async with watching(server.url()) as (session, watch):
            before = await watch.until(lambda s: s.health.value is not None, fresh=False)
            with server.stalled():
                silent = await watch.until(lambda s: "has not answered" in s.trouble)
                assert silent.activity.value is not None
                assert (silent.activity.age(silent.at) or 0.0) > 0.2
                count = len(watch.all)
                await asyncio.sleep(1.0)
                assert len(watch.all) > count
                started = time.monotonic()
                async with asyncio.timeout(5.0):
                    await session.stop()
                assert before.cost.statements > 0
                assert time.monotonic() - started < 2.0  # it waits for no server; generous for a busy machine


async def test_a_stalled_server_is_left_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with PostgresServer(15) as server:
        async with watching(server.url()) as (_, watch):
            await watch.until(lambda s: s.health.value is not None, fresh=False)
            with server.stalled():
                failing = await watch.until(lambda s: bool(s.activity.error))
                assert failing.activity.next_try is not None and failing.activity.value is not None
                lost = await watch.until(lambda s: s.link is Link.LOST)
                assert lost.trouble
            back = await watch.until(lambda s: s.link is Link.LIVE and not s.activity.error)
            assert back.activity.taken_at is not None and back.activity.taken_at > lost.at


async def test_a_refused_password_is_not_tried_again(postgres15: PostgresServer) -> None:
    async with watching(postgres15.url(password="wrong", tcp=True)) as (session, watch):
        closed = await watch.until(lambda s: s.link is Link.CLOSED, fresh=False)
        assert "wrong" not in closed.trouble and "password" in closed.trouble and closed.next_try is None
        count = len(watch.all)
        session.refresh()
        await watch.until(lambda s: s.link is Link.CONNECTING)
        await watch.until(lambda s: s.link is Link.CLOSED, fresh=False)
        assert len(watch.all) > count


# ---- scripted sources


class Script:
    """A monitor whose sources do what the test says."""

    metrics = (Metric("m", "M", "rate", ("n",)), Metric("g", "G", "gauge", ("slow",)))

    def __init__(self, *sources: Source) -> None:
        self.sources = sources
        self.opened = 0
        self.cost = Cost()

    async def reconnect(self) -> Server:
        self.opened += 1
        return Server("Script", "1", 1, "", "", "", "")


EMPTY = Activity((), 0, None)


def tick(fetch: Any = None, **more: Any) -> Source:
    async def answer(_: Snapshot) -> Mapping[SectionName, Any]:
        return {"activity": EMPTY, "counters": {"n": 1}}

    return Source(("activity", "counters"), fetch or answer, **more)


@asynccontextmanager
async def running(
    script: Script, interval: float = 0.02, **more: Any
) -> AsyncIterator[tuple[Sampler, Watch]]:
    watch = Watch()
    sampler = Sampler(script.reconnect, script, interval=interval, on_snapshot=watch, **more)
    task = asyncio.ensure_future(sampler.run())
    try:
        yield sampler, watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_failed_section_keeps_its_value_and_says_when_it_is_tried_again() -> None:
    answers = iter([{"statements": Statements((), "x")}])

    async def statements(_: Snapshot) -> Mapping[SectionName, Any]:
        for answer in answers:
            return answer  # type: ignore[return-value]
        raise PermissionDenied("permission denied for view v", remedy="GRANT SELECT ON v TO me;")

    async with running(Script(tick(), Source(("statements",), statements, every=0.05))) as (_, watch):
        failed = await watch.until(lambda s: bool(s.statements.error), fresh=False)
        assert failed.statements.value == Statements((), "x")
        assert failed.statements.remedy == "GRANT SELECT ON v TO me;"
        assert failed.statements.next_try is not None and failed.statements.next_try > failed.at
        assert failed.link is Link.LIVE and failed.trouble == "" and failed.activity.error == ""


async def test_counters_of_two_sources_are_one_section_and_one_failure_is_not_the_others() -> None:
    calls = 0

    async def slow(_: Snapshot) -> Mapping[SectionName, Any]:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise QueryTimeout("too slow")
        return {"health": None, "counters": {"slow": 7.0}}

    async with running(Script(tick(), Source(("health", "counters"), slow, every=0.05))) as (_, watch):
        failed = await watch.until(lambda s: bool(s.health.error), fresh=False)
        assert failed.counters.value == {"n": 1, "slow": 7.0} and failed.counters.error == ""
        assert failed.metrics["g"] == 7.0


async def test_the_gate_of_a_dear_question() -> None:
    asked = 0

    async def dear(_: Snapshot) -> Mapping[SectionName, Any]:
        nonlocal asked
        asked += 1
        return {"locks": {}}

    script = Script(tick(), Source(("locks",), dear, wanted=lambda s: s.activity.value is not EMPTY))
    async with running(script) as (_, watch):
        await watch.until(lambda s: len(watch.all) > 5, fresh=False)
    assert asked == 0


async def test_a_lost_session_is_opened_again_with_growing_pauses() -> None:
    tries: list[float] = []
    script = Script(tick())

    async def first() -> Server:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) < 4:
            raise ConnectError("nothing listens")
        return await script.reconnect()

    watch = Watch()
    sampler = Sampler(first, script, interval=0.02, on_snapshot=watch)
    task = asyncio.ensure_future(sampler.run())
    lost = await watch.until(lambda s: s.link is Link.LOST, fresh=False)
    assert lost.trouble == "nothing listens" and lost.next_try is not None and lost.next_try > lost.at
    for _ in range(3):
        sampler.refresh()  # does not wait for the pause to end
        await asyncio.sleep(0.02)
    await watch.until(lambda s: s.link is Link.LIVE, fresh=False)
    assert len(tries) == 4 and tries[-1] - tries[0] < 1.5
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_two_unanswered_samples_open_a_new_session() -> None:
    async def silent(_: Snapshot) -> Mapping[SectionName, Any]:
        raise QueryTimeout("no answer in time")

    script = Script(tick(silent))
    async with running(script) as (sampler, watch):
        failed = await watch.until(lambda s: bool(s.activity.error), fresh=False)
        assert failed.trouble == "no answer in time"
        while script.opened < 2:
            sampler.refresh()
            await asyncio.sleep(0.01)
        assert any(s.link is Link.LOST for s in watch.all)


async def test_a_question_past_its_limit_loses_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(module, "GRACE", 0.05)

    async def hangs(_: Snapshot) -> Mapping[SectionName, Any]:
        await asyncio.sleep(3600)
        raise AssertionError

    async with running(Script(tick(hangs, timeout=0.1))) as (_, watch):
        await watch.until(lambda s: "has not answered" in s.trouble and s.link is Link.LIVE, fresh=False)
        lost = await watch.until(lambda s: s.link is Link.LOST, fresh=False)
        assert "has not answered" in lost.activity.error


async def test_a_slow_server_is_asked_less_often() -> None:
    async def slow(_: Snapshot) -> Mapping[SectionName, Any]:
        await asyncio.sleep(0.1)
        return {"activity": EMPTY, "counters": {}}

    async with running(Script(tick(slow)), interval=0.1) as (_, watch):
        slower = await watch.until(lambda s: s.pace > 0.4, fresh=False)
        assert slower.interval == 0.1


async def test_a_clock_that_is_set_makes_a_gap_and_no_false_rate() -> None:
    offset = [0.0]
    count = 0

    async def counts(_: Snapshot) -> Mapping[SectionName, Any]:
        nonlocal count
        count += 1
        return {"activity": EMPTY, "counters": {"n": count}}

    async with running(Script(tick(counts)), clock=lambda: time.time() + offset[0]) as (_, watch):
        await watch.until(lambda s: s.metrics.get("m") is not None, fresh=False)
        for shift in (3600.0, -3600.0):
            offset[0] = shift
            seen = len(watch.all)
            await watch.until(lambda s: s.metrics["m"] is None)
            later = await watch.until(lambda s: s.metrics["m"] is not None)
            assert later.metrics["m"] is not None and later.metrics["m"] > 0.5 and len(watch.all) > seen


async def test_a_token_that_ran_out_is_asked_for_again() -> None:
    script = Script(tick())

    async def lost(_: Snapshot) -> Mapping[SectionName, Any]:
        raise SessionLost("gone")

    script.sources = (tick(lost),)

    async def refuses() -> Server:
        raise AuthenticationError("the token has expired")

    watch = Watch()
    monitor = script
    sampler = Sampler(script.reconnect, monitor, interval=0.02, on_snapshot=watch)
    script.reconnect = refuses  # type: ignore[method-assign]
    task = asyncio.ensure_future(sampler.run())
    seen = await watch.until(lambda s: s.link is Link.LOST and s.next_try is not None, fresh=False)
    assert seen.trouble == "the token has expired"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_session_that_is_lost_before_any_sample_is_not_opened_in_a_rush() -> None:
    async def lost(_: Snapshot) -> Mapping[SectionName, Any]:
        raise SessionLost("gone again")

    script = Script(tick(lost))
    async with running(script) as (_, watch):
        waiting = await watch.until(lambda s: s.next_try is not None, fresh=False)
        assert waiting.link is Link.LOST and waiting.trouble == "gone again"
        assert waiting.next_try is not None and waiting.next_try > waiting.at
        assert script.opened == 2  # the first try comes at once


def test_blockers_go_to_waiters_and_to_leaders_of_waiting_workers() -> None:
    def session(id_: str, wait_type: str = "", leader: str = "") -> Session:
        return Session(
            id=id_, started="", user="", database="", application="", client="", kind="client backend",
            state="active", wait_type=wait_type, wait="", query="", leader=leader,
        )  # fmt: skip

    activity = Activity((session("1"), session("2", "IPC"), session("3", "Lock", "2"), session("4")), 4, None)
    marked = with_blockers(activity, {"3": ("1",), "2": ("1",), "4": ("1",)})
    assert [s.blocked_by for s in marked.sessions] == [(), ("1",), ("1",), ()]
