"""One connection of the console: its snapshots, its read-only lift, and the gate that every action passes."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dbtui import policy
from dbtui.config import Target
from dbtui.engines.base import Engine, Maintains
from dbtui.errors import DbtuiError, NotApproved
from dbtui.live.handover import Deed
from dbtui.live.history import History
from dbtui.live.player import Player
from dbtui.live.proof import Held, Proof, proof, told
from dbtui.live.recorder import KEEP, Recorder
from dbtui.live.sampler import Sampler
from dbtui.live.tape import Header, Tape
from dbtui.model.activity import Activity, Session, Statement
from dbtui.model.result import Page
from dbtui.model.snapshot import Link, Snapshot
from dbtui.safety import Approval, approve, audit, os_user, scope_of, signal_scope

Verb = Literal["cancel", "terminate"]
LIFT_SECONDS = 600.0
PROOF_SECONDS = 10.0  # that what was acted on is watched
_FAREWELL = 0.12  # seconds for the engine to close


@dataclass(frozen=True, slots=True)
class Lift:
    """Read-only is lifted: until `until` (epoch seconds), with `once` for one statement at most."""

    by: str
    reason: str
    until: float
    once: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action. `message` is one line, and may hold server text."""

    done: bool
    message: str


class ConsoleSession:
    """Watches one server and acts on it. Everything runs in the event loop that `start()` was called in."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        *,
        interval: float,
        on_snapshot: Callable[[Snapshot], None],
        clock: Callable[[], float] = time.time,
        recording: tuple[Tape, int] | None = None,
    ) -> None:
        """A `recording`, with the line to begin at, is played in place of asking a server."""
        self.engine = engine
        self.target = target
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._sampler: Sampler | Player
        self._kept = Recorder(_header(engine, target, clock()))
        if recording is not None:
            self._sampler = Player(recording[0], on_snapshot, start=recording[1])
        else:
            self._sampler = Sampler(
                engine.open, engine.monitor, interval=interval, on_snapshot=self._keep, clock=clock
            )
        self.deeds: deque[Deed] = deque(maxlen=200)  # what was done from here
        self._task: asyncio.Task[None] | None = None
        self._lift: Lift | None = None
        self._fall_back: asyncio.TimerHandle | None = None

    @property
    def snapshot(self) -> Snapshot:
        """The newest one."""
        return self._sampler.snapshot

    @property
    def history(self) -> History:
        """The metrics of the last half hour."""
        return self._sampler.history

    def example(self, statement: Statement) -> str:
        """A statement as a session was seen to run it, with its own values; "" where none was seen."""
        sampler = self._sampler
        return sampler.insight.example(statement.query_id) if isinstance(sampler, Sampler) else ""

    @property
    def tape(self) -> Tape:
        """The snapshots of the last half hour, or those of the recording that is played."""
        return self._sampler.tape if isinstance(self._sampler, Player) else self._kept.tape

    @property
    def player(self) -> Player | None:
        """What plays, where this is a recording."""
        return self._sampler if isinstance(self._sampler, Player) else None

    def _keep(self, snapshot: Snapshot) -> None:
        self._kept.take(snapshot)
        self._on_snapshot(snapshot)

    def start(self) -> None:
        """Begin to connect and to sample."""
        assert self._task is None, "a session is started once"
        self._task = asyncio.create_task(self._sampler.run(), name=f"sampler of {self.target.name}")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End everything; waits for no server, so at most about 0.15 s."""
        if self._lift is not None:
            self.drop_lift()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=_FAREWELL / 5)
        try:
            async with asyncio.timeout(_FAREWELL):
                await self.engine.close()
        except TimeoutError:
            pass

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A sampler that ends by itself is our fault: say so instead of showing old figures."""
        if task.cancelled():
            return
        error = task.exception()
        self._sampler.snapshot = replace(
            self.snapshot,
            link=Link.CLOSED,
            trouble=f"sampling stopped: {type(error).__name__}: {error}",
            next_try=None,
        )
        self._on_snapshot(self.snapshot)

    def pause(self, paused: bool) -> None:
        """Stop sampling, or go on."""
        self._sampler.pause(paused)

    def set_interval(self, seconds: float) -> None:
        """Sample every `seconds`."""
        self._sampler.set_interval(seconds)

    def heed_link(self, slow: bool) -> None:
        """The way to the terminal is slow, or is not any more."""
        if isinstance(self._sampler, Sampler):
            self._sampler.heed_link(slow)

    def refresh(self) -> None:
        """Sample now."""
        self._sampler.refresh()

    # ---- read-only, and its lift

    @property
    def lift(self) -> Lift | None:
        """The lift that holds now."""
        if self._lift is not None and self._clock() >= self._lift.until:
            self._end_lift("expired")
        return self._lift

    def lift_read_only(self, reason: str, seconds: float = LIFT_SECONDS, *, once: bool = False) -> Lift:
        """Let statements write, for `seconds` or for one of them. Falls back by itself; audited.

        Raises Forbidden by policy.
        """
        policy.current().refuse_writes()
        if self._lift is not None:
            self._end_lift("replaced")
        lift = Lift(os_user(), reason, self._clock() + seconds, once)
        self._lift = lift
        self._audit("lift read-only", "one statement" if once else f"{seconds:.0f} s", reason, "lifted")
        self._fall_back = asyncio.get_running_loop().call_later(seconds, self._expire, lift)
        return lift

    def drop_lift(self) -> None:
        """Be read-only again at once."""
        if self._lift is not None:
            self._end_lift("dropped")

    def _expire(self, lift: Lift) -> None:
        if self._lift is lift:
            self._end_lift("expired")
            self._on_snapshot(self.snapshot)

    def _end_lift(self, why: str) -> None:
        lift, self._lift = self._lift, None
        if self._fall_back is not None:
            self._fall_back.cancel()
            self._fall_back = None
        if lift is not None:
            self._audit("read-only again", "", lift.reason, why)

    # ---- actions

    async def cancel(self, session: Session, reason: str) -> Outcome:
        """Stop the running statement of a session. The caller has asked; the session is re-checked at the
        server.
        """
        actions = self.engine.actions
        if actions is None:
            return Outcome(False, self.engine.lacks.get("actions", "this engine cannot cancel statements"))
        return await self._end(actions.cancel, "cancel", session, reason, "its statement was cancelled")

    async def terminate(self, session: Session, reason: str) -> Outcome:
        """End a session. The caller has asked; the session is re-checked at the server."""
        actions = self.engine.actions
        if actions is None:
            return Outcome(False, self.engine.lacks.get("actions", "this engine cannot end sessions"))
        return await self._end(actions.terminate, "terminate", session, reason, "it was ended")

    async def end_many(self, verb: Verb, sessions: Sequence[Session], reason: str) -> tuple[Outcome, ...]:
        """Cancel or terminate each of a list that the caller has shown; each is re-checked at the server."""
        end = self.cancel if verb == "cancel" else self.terminate
        return tuple([await end(session, reason) for session in sessions])

    async def prove(self, held: Held, reason: str, *, seconds: float = PROOF_SECONDS) -> Proof | None:
        """Watch what becomes of the targets and of those behind them, until all is settled or `seconds` are over.

        The last thing seen is what the audit line says. None where no sample came.
        """
        acted = self._clock()
        now = asyncio.get_running_loop().time
        end, again = now() + seconds, 0.0
        seen: Proof | None = None
        while now() < end and (seen is None or not seen.settled):
            if now() > again:
                self.refresh()
                again = now() + 1.0
            await asyncio.sleep(0.1)
            if (activity := _since(self.snapshot, acted)) is not None:
                seen = proof(held, activity.sessions)
        targets = " ".join(target.id for target in held.targets)
        self._audit("proof", targets, reason, told(held, seen) if seen else "no sample came")
        return seen

    async def _end(
        self,
        act: Callable[[Session, Approval], Awaitable[bool]],
        verb: str,
        session: Session,
        reason: str,
        effect: str,
    ) -> Outcome:
        target = (
            f"{session.id} {session.user}@{session.database} {session.application} {session.client}".rstrip()
        )
        approval = approve(self.target.name, signal_scope(verb, session), reason)
        try:
            done = await act(session, approval)
        except DbtuiError as error:
            self._audit(verb, target, reason, f"failed: {error}")
            return Outcome(False, f"{verb} {session.id}: {error}")
        written = self._audit(verb, target, reason, "done" if done else "target gone")
        self.refresh()
        if done:
            note = "" if written else " (the audit line could not be written)"
            return Outcome(True, f"session {session.id}: {effect}{note}")
        return Outcome(False, f"session {session.id} is no longer what you saw: nothing was done")

    def approve(self, sql: str, reason: str = "") -> Approval:
        """Leave for one statement under the lift; a lift for one statement is used up by it. Raises
        NotApproved.
        """
        lift = self.lift
        if lift is None and self.target.read_only:
            raise NotApproved(f"{self.target.name} is read-only", "lift it first")
        reason = reason or (lift.reason if lift else "")
        if lift is not None and lift.once:
            self._end_lift("used")
        return approve(self.target.name, scope_of(sql), reason)

    async def write(self, sql: str, reason: str = "", database: str = "") -> Page:
        """Run one statement that may write, under the lift.

        Raises NotApproved, QueryError, QueryTimeout, SessionLost.
        """
        actions = self.engine.actions
        if actions is None:
            raise NotApproved(self.engine.lacks.get("actions", "this engine writes nothing"))
        approval = self.approve(sql, reason)
        return await self._written(actions.write(sql, approval, database=database), sql, approval)

    async def maintain(self, actions: Maintains, sql: str, reason: str, database: str) -> Page:
        """Run upkeep that the caller has asked about. Raises what `write` does; a caller that is cancelled stops it."""
        approval = approve(self.target.name, scope_of(sql), reason)
        return await self._written(actions.maintain(sql, approval, database=database), sql, approval)

    async def _written(self, running: Awaitable[Page], sql: str, approval: Approval) -> Page:
        """What a statement gives, and the audit line of whatever becomes of it."""
        result = "stopped"
        try:
            page = await running
            result = page.status or "done"
        except DbtuiError as error:
            result = f"failed: {error}"
            raise
        finally:
            self._audit("write", _shortened(sql), approval.reason, result)
        self.refresh()
        return page

    def record(self, action: str, sql: str, reason: str, result: str) -> None:
        """Write the audit line of an approved statement that was run elsewhere: EXPLAIN ANALYZE of a write."""
        self._audit(action, _shortened(sql), reason, result)

    def _audit(self, action: str, target: str, reason: str, result: str) -> bool:
        server = self.snapshot.server
        self.deeds.append(Deed(self._clock(), action, target, reason, result))
        return audit(self.target.name, action, target, reason, result, role=server.user if server else "")


def _header(engine: Engine, target: Target, now: float) -> Header:
    """How this session's history begins."""
    return Header(
        engine.name, target.name, now, environment=str(target.environment), expires=now + KEEP,
        metrics=tuple(engine.monitor.metrics),
    )  # fmt: skip


def _since(snapshot: Snapshot, moment: float) -> Activity | None:
    """The sessions of a sample taken after `moment` (epoch seconds), once its locks are known too."""
    taken, locks = snapshot.activity.taken_at, snapshot.locks.taken_at
    if taken is None or taken < moment or (locks is not None and locks < taken):
        return None
    return snapshot.activity.value


def _shortened(sql: str) -> str:
    """A statement for the audit line, with its hash so that the whole can be recognised."""
    return sql if len(sql) <= 2000 else f"{sql[:2000]}… {scope_of(sql)}"
