"""One attempt of one step: its statements in the transaction that it asks for, and what proves that it is done."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dbtui.engines.base import Engine, FillsBatches, Follows, RunSession
from dbtui.errors import QueryError, QueryTimeout, SessionLost
from dbtui.migrations.backfill import Filler
from dbtui.migrations.batches import BatchFiller
from dbtui.migrations.conditions import first_open, holds
from dbtui.migrations.dialect import Dialect
from dbtui.migrations.journal import Journal, ended
from dbtui.migrations.limits import Limits
from dbtui.migrations.watch import Watch, behind
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Transaction
from dbtui.model.run import Attempt, Fill, Look, State
from dbtui.text import duration

# Taken back by the server or by us, with nothing done, so that another attempt may succeed: lock timeout, cancelled,
# deadlock, serialization failure; ER_QUERY_INTERRUPTED, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK; SQLITE_BUSY, _LOCKED.
_AGAIN = frozenset(
    {"55P03", "57014", "40P01", "40001", "1317", "1205", "1213", "SQLITE_BUSY", "SQLITE_LOCKED"}
)
_PASSES = 3  # over the whole table, while rows that are still to do turn up behind the backfill
_TRIES = 8  # of one batch
_HOLD = 1.0  # seconds between two looks whether a backfill may go on


@dataclass(slots=True)
class Controls:
    """What a person may do to a run while it goes on."""

    stop: asyncio.Event
    go: asyncio.Event  # cleared while paused
    gear: int = 0  # -1 slower, 1 faster: taken once by the backfill


@dataclass(frozen=True, slots=True)
class Ground:
    """What all attempts of a run stand on."""

    engine: Engine
    session: RunSession
    journal: Journal
    dialect: Dialect | None  # None without SQL
    plan: ChangePlan
    limits: Limits
    replicas: Sequence[Follows]
    controls: Controls
    on_look: Callable[[Look], None]
    on_fill: Callable[[Fill], None]

    @property
    def database(self) -> str:
        return self.plan.database


async def execute(ground: Ground, step: ChangeStep, attempt: Attempt) -> Attempt:
    """Do one attempt inside the session's admission, and journal its end; the attempt as it ended.

    SessionLost is raised, with the journal's row left as it stood: what became of the step, only the server knows.
    """
    missing = await first_open(ground.engine, step.preconditions, ground.database)
    if missing is not None:
        return await _end(
            ground, attempt, State.FAILED, f"it may not start: it is not so that {missing.means}"
        )
    relation = str(step.relation) if step.relation is not None else ""
    watch = Watch(ground.session, relation, ground.limits, ground.on_look, ground.replicas)
    try:
        await _clear(ground, step)
        if step.kind is Kind.BACKFILL:
            return await _fill(ground, step, attempt, watch)
        done = await _statements(ground, step, attempt, watch)
    except SessionLost:
        raise
    except QueryError as error:
        with suppress(QueryError):  # the next attempt tries again
            await _clear(ground, step)
        return await _end(ground, attempt, *_refused(error, watch, ground))
    return await _proved(ground, step, done)


async def _clear(ground: Ground, step: ChangeStep) -> None:
    """Remove what a failed attempt left: an invalid index costs every write and answers no question."""
    if step.leftover is not None and await holds(ground.engine, step.leftover, ground.database):
        await ground.session.write(step.cleanup, one=False, lock_timeout=5.0)


async def _statements(ground: Ground, step: ChangeStep, attempt: Attempt, watch: Watch) -> Attempt:
    """Run a step's statements; in one transaction the journal's row ends with them."""
    session, done = ground.session, ended(attempt, State.DONE)
    one = step.transaction is Transaction.ONE
    if step.before:
        await session.write(step.before, one=False)
    try:
        async with watch.while_running(ground.controls.stop, withdraw=True):
            ending = ground.journal.ending(done) if one else ()
            await session.write(
                [*step.statements, *ending], one=one, lock_timeout=step.lock_timeout, timeout=_patience(step)
            )
    finally:
        if step.after:
            await session.write(step.after, one=False)
    if not ending:
        await ground.journal.end(done)
    return done


def _patience(step: ChangeStep) -> float:
    """Seconds for one statement: only what makes writers wait is limited, far above its estimate."""
    if step.kind in (Kind.INDEX, Kind.VALIDATE, Kind.DATA) or step.seconds is None:
        return 0.0
    return max(60.0, 10 * step.seconds.high)


async def _proved(ground: Ground, step: ChangeStep, done: Attempt) -> Attempt:
    """The attempt, failed after all where the catalog does not show what the step was for."""
    missing = await first_open(ground.engine, step.postconditions, ground.database)
    if missing is None:
        return done
    return await _end(ground, done, State.FAILED, f"it ran, and yet it is not so that {missing.means}")


def _refused(error: QueryError, watch: Watch, ground: Ground) -> tuple[State, str]:
    """What a server's refusal makes of the attempt, and why."""
    if ground.controls.stop.is_set():
        return State.STOPPED, "it was told to stop; what it had begun is taken back"
    if watch.withdrawn:
        return State.WITHDRAWN, watch.withdrawn
    again = isinstance(error, QueryTimeout) or error.code in _AGAIN
    blockers = f" (in its way: {watch.look.blockers[0]})" if watch.look.blockers else ""
    return (State.WITHDRAWN if again else State.FAILED), f"{error}{blockers}"


async def _end(ground: Ground, attempt: Attempt, state: State, detail: str) -> Attempt:
    over = ended(attempt, state, detail)
    try:
        await ground.journal.end(over)
    except QueryError:  # a cancel that came too late for its statement
        await ground.journal.end(over)
    return over


# ---- backfills


async def _fill(ground: Ground, step: ChangeStep, attempt: Attempt, watch: Watch) -> Attempt:
    """All batches, as often as rows that are still to do turn up, but three times at most."""
    filler = _filler(ground, step)
    await filler.begin()
    async with watch.while_running(ground.controls.stop, withdraw=False):
        for turn in range(1, _PASSES + 1):
            stopped = await _pass(ground, filler, watch)
            if stopped is not None:
                return await _end(
                    ground, attempt, State.STOPPED, f"{filler.checkpoint.rows:,} rows are done{stopped}"
                )
            missing = await first_open(ground.engine, step.postconditions, ground.database)
            if missing is None:
                return await _end(ground, attempt, State.DONE, f"{filler.checkpoint.rows:,} rows")
            if turn == _PASSES or not filler.repeatable:
                return await _end(
                    ground,
                    attempt,
                    State.FAILED,
                    f"all rows were gone through, and yet it is not so that {missing.means}",
                )
            await filler.again()
    raise AssertionError("the last turn has returned")


def _filler(ground: Ground, step: ChangeStep) -> Filler | BatchFiller:
    assert step.backfill is not None
    if ground.dialect is not None:
        return Filler(
            ground.session, ground.journal, ground.dialect, step.backfill, ground.plan.id, step.number
        )
    assert isinstance(ground.session, FillsBatches), "engines without SQL fill in words of their own"
    return BatchFiller(ground.session, ground.journal, step.backfill, ground.plan.id, step.number)


async def _pass(ground: Ground, filler: Filler | BatchFiller, watch: Watch) -> str | None:
    """Batch after batch up to the bound; None there, else why it stopped before: "" when it was told to."""
    rates: deque[tuple[float, int]] = deque(maxlen=40)
    failures, patience, holding = 0, ground.limits.cleaning, 0.0
    while not ground.controls.stop.is_set():
        if critical := watch.critical():
            return f"; {critical}"
        held = _held(ground, watch.look, patience)
        holding = holding + _HOLD if held else 0.0
        if holding > ground.limits.holding:
            return f"; it held for {duration(ground.limits.holding)}: {held}"
        if held or not ground.controls.go.is_set():
            ground.on_fill(_progress(filler, rates, held=held, paused=not ground.controls.go.is_set()))
            patience -= _HOLD if watch.look.autovacuum else 0.0
            await _wait(ground.controls, _HOLD)
            continue
        try:
            batch = await filler.batch()
        except QueryError as error:
            failures += 1
            if failures > _TRIES or not (isinstance(error, QueryTimeout) or error.code in _AGAIN):
                raise
            filler.pace.failed()
            await _wait(ground.controls, 0.1 * 2.0**failures)
            continue
        failures = 0
        rates.append((time.monotonic(), batch.rows))
        _shift(ground.controls, filler)
        rest = filler.pace.took(batch.seconds, crowded=watch.look.behind > 0)
        ground.on_fill(_progress(filler, rates))
        if batch.done:
            return None
        await _wait(ground.controls, rest)
    return ""


def _held(ground: Ground, look: Look, patience: float) -> str:
    """Why the next batch has to wait; "" when it need not."""
    limits = ground.limits
    if look.lag is not None and look.lag > limits.lag:
        return behind(look.lag)
    if look.lag_bytes is not None and look.lag_bytes > limits.lag_bytes:
        return f"a replica is {look.lag_bytes / 2**20:.0f} MB behind"
    if look.active > limits.active:
        return f"{look.active} sessions are at work"
    if look.autovacuum and patience > 0:
        return "the server cleans the table (autovacuum)"
    return ""


def _shift(controls: Controls, filler: Filler | BatchFiller) -> None:
    if controls.gear < 0:
        filler.pace.slower()
    elif controls.gear > 0:
        filler.pace.faster()
    controls.gear = 0


async def _wait(controls: Controls, seconds: float) -> None:
    """Sleep, but no longer than until the run is told to stop."""
    try:
        async with asyncio.timeout(seconds):
            await controls.stop.wait()
    except TimeoutError:
        pass


def _progress(
    filler: Filler | BatchFiller, rates: deque[tuple[float, int]], *, held: str = "", paused: bool = False
) -> Fill:
    rate = 0.0
    if len(rates) > 1 and rates[-1][0] > rates[0][0]:
        rate = sum(rows for _, rows in list(rates)[1:]) / (rates[-1][0] - rates[0][0])
    remaining = filler.remaining
    eta = remaining / rate if remaining is not None and rate > 0 else None
    return Fill(filler.checkpoint.rows, filler.pace.batch, rate, remaining, eta, paused, held)
