"""Runs a plan on one server: one runner at a time, step by step, each approved; it can stop, and go on anywhere.

How a plan stands is never remembered, but asked: the journal says what was attempted, and each step's conditions
say what is done, whatever happened in between. So going on after a crash is the same as beginning.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from dbtui.config import Target
from dbtui.engines.base import Engine, Follows, RunSession, RunsPlans
from dbtui.errors import ConnectError, QueryError, SessionLost, UsageError
from dbtui.live.backoff import Backoff
from dbtui.migrations.applied import header, refuse_edited
from dbtui.migrations.conditions import is_done, newest
from dbtui.migrations.dialect import DIALECTS, Dialect
from dbtui.migrations.execution import Controls, Ground, execute
from dbtui.migrations.journal import Journal, ServerJournal, ended
from dbtui.migrations.journal_file import FileJournal
from dbtui.migrations.limits import Limits
from dbtui.migrations.progress import BY_OTHERS, Progress, doing, later, standing
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Transaction
from dbtui.model.run import Attempt, Run, State, StepRun
from dbtui.safety import Approval, audit, step_scope

Approve = Callable[[Run, StepRun], Awaitable[Approval | None]]
"""Asks for leave to run a step; None is no, and the run stops before it. It may raise NotApproved."""

_GO_ON = "run the plan again to go on where it stands"
_LOSSES = 5  # of the session within one step that are made up for


class Runner:
    """One plan on one server. Use it as `async with Runner(…) as runner: await runner.run()`."""

    def __init__(
        self,
        engine: Engine,
        target: Target,
        plan: ChangePlan,
        *,
        approve: Approve,
        on_change: Callable[[Run], None] = lambda _run: None,
        limits: Limits | None = None,
        replicas: Sequence[Follows] = (),
        local_journal: bool = False,
    ) -> None:
        self.engine = engine
        self.target = target
        self.plan = plan
        self._approve = approve
        self._limits = limits or Limits()
        self._replicas = replicas
        self._local = local_journal
        self.controls = Controls(asyncio.Event(), asyncio.Event())
        self.controls.go.set()
        self._session: RunSession | None = None
        self._id = ""  # of the session, by which a lost one is known again
        self._losses = 0
        self._journal: Journal | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._progress = Progress(Run(plan, "", tuple(StepRun(step) for step in plan.steps)), on_change)

    # ---- its life

    async def __aenter__(self) -> Runner:
        """Open the session, become the one runner, and see how the plan stands.

        Raises UsageError for an engine that runs none, ConnectError for a pooler or a second runner, and InputError
        for a file that was edited after it was applied.
        """
        try:
            await self._open(claim=True)
            refuse_edited(self.plan, self._attempts)
        except BaseException:
            await self.close()
            raise
        return self

    async def standing(self) -> Run:
        """How the plan stands, also while another runner is at it; nothing is kept open. Raises as `__aenter__`."""
        try:
            await self._open(claim=False)
        finally:
            await self.close()
        return self.state

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the server go; never raises."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _open(self, *, claim: bool) -> None:
        if not isinstance(self.engine, RunsPlans):
            raise UsageError(
                f"plans are not run on {self.engine.name} from here",
                "run the steps by hand, as the plan shows them",
            )
        self._session = await self.engine.hold(self.plan.database)
        if claim and (other := await self._session.seize()):
            raise ConnectError(f"one runner at a time: {other}", "wait for its end, or end it")
        self._id = self._session.id
        self._progress.run = replace(self.state, server=self._session.identity)
        self._journal = self._kept_where()
        await self.look_where_it_stands()

    def _kept_where(self) -> Journal:
        assert self._session is not None
        if self._local or self._dialect is None:
            return FileJournal(self._session.identity)
        return ServerJournal(self._session, self._dialect)

    @property
    def _dialect(self) -> Dialect | None:
        return DIALECTS.get(self.plan.engine)

    @property
    def state(self) -> Run:
        """The run as it stands."""
        return self._progress.run

    @property
    def journal(self) -> Journal:
        """Where the attempts are kept."""
        assert self._journal is not None, "inside `async with` only"
        return self._journal

    # ---- how it stands

    async def look_where_it_stands(self) -> Run:
        """Read the journal, and ask the server about each step up to the first that is not done.

        What comes after it is judged when it is reached: that an old form is gone holds before it ever came.
        """
        ready = await self.journal.ready()
        self._attempts = await self.journal.attempts() if ready else ()
        rows = newest(self._attempts, self.plan.id)
        first = self.journal.step if isinstance(self.journal, ServerJournal) else None
        steps = list(self.plan.steps) if first is None else [first, *self.plan.steps]
        found: list[StepRun] = []
        for step in steps:
            row = rows.get(step.number)
            if any(one.state is not State.DONE for one in found):
                found.append(later(step, row))
                continue
            settled = ready if step.kind is Kind.JOURNAL else await self._settled(step, row)
            found.append(standing(step, row, settled=settled))
        self._progress.show(steps=tuple(found), current=None, doing="")
        return self.state

    async def _settled(self, step: ChangeStep, row: Attempt | None) -> bool:
        known = row.state if row else None
        try:
            return await is_done(self.engine, step, self.plan.database, known)
        except (SessionLost, ConnectError) as lost:
            self._progress.show(doing=f"the server is away ({lost.message}); trying to come back")
            await self._regain()
            return await is_done(self.engine, step, self.plan.database, known)

    # ---- running

    async def run(self, *, until: int | None = None) -> Run:
        """Run the steps that are not done, in order, up to number `until`; how it stands afterwards.

        Stops at a step that is not approved or fails, or when it is told to. Raises NotApproved, SessionLost when the
        server does not come back, ConnectError.
        """
        while not self.controls.stop.is_set():
            here = self.state.next
            if here is None or (until is not None and here.step.number > until):
                break
            if here.state is State.PENDING and await self._found_done(here.step):
                continue
            if not await self._step(here) and not self._sunk(here.step):
                break
        self._progress.show(doing="", current=None)
        return self.state

    def _sunk(self, step: ChangeStep) -> bool:
        """Whether a crash of the server took back what was done before a step: not all make a commit last."""
        here = self.state.next
        return step.number > 0 and here is not None and here.step.number < step.number

    async def each(self, steps: Sequence[ChangeStep]) -> bool:
        """Carry out these steps, which lead back; whether all were. A backfill above one forgets how far it was."""
        self._progress.run = replace(self.state, steps=tuple(StepRun(step) for step in steps))
        for step in steps:
            if self.controls.stop.is_set() or not await self._step(self.state.of(step.number)):
                return False
        return True

    async def _found_done(self, step: ChangeStep) -> bool:
        """Whether a step that does not count as done needs nothing any more."""
        row = newest(self._attempts, self.plan.id).get(step.number)
        if step.kind is Kind.JOURNAL or not await self._settled(step, row):
            return False
        self._progress.set(step.number, State.DONE, "found done on the server")
        return True

    async def _step(self, here: StepRun) -> bool:
        """Carry one step out; whether the next one may begin."""
        step = here.step
        self._progress.show(current=step.number, doing="waits for approval", fill=None)
        if step.kind is Kind.CHECK:
            return await self._checked(step)
        approval = await self._approve(self.state, here)
        if approval is None:
            self._progress.say(f"step {step.number} was not approved")
            return False
        assert self._session is not None
        scope = step_scope(self.plan.sha256, self.state.server, step.number)
        with self._session.admitted(approval, scope):
            over = await self._attempts_at(step, approval)
            if step.number < 0 and over.state is State.DONE:
                await self._forget_fills(above=-step.number)
        audit(self.target.name, f"step {step.number} of plan {self.plan.id}", "\n".join(step.statements)[:2000],
              approval.reason, f"{over.state}: {over.detail}")  # fmt: skip
        self._progress.set(step.number, over.state, over.detail, over)
        why = "" if step.kind is Kind.JOURNAL else over.detail  # which is the journal's own
        self._progress.say(f"step {step.number} {over.state}{f': {why}' if why else ''}")
        return over.state is State.DONE

    async def _forget_fills(self, *, above: int) -> None:
        """What a backfill had filled is gone: the next one begins at the first row."""
        for step in self.plan.steps:
            if step.kind is Kind.BACKFILL and step.number > above:
                await self.journal.forget(self.plan.id, step.number)

    async def _checked(self, step: ChangeStep) -> bool:
        """A check runs nothing, so nobody has to approve it, and nothing is journalled."""
        done = await self._settled(step, None)
        means = "; ".join(one.means for one in step.preconditions)
        self._progress.set(
            step.number, State.DONE if done else State.FAILED, "" if done else f"it is not so that {means}"
        )
        return done

    async def _attempts_at(self, step: ChangeStep, approval: Approval) -> Attempt:
        """Attempt after attempt, as many as the step allows."""
        backoff, turn, self._losses = Backoff(*self._limits.back_off), 1, 0
        while True:
            over = await self._attempt(step, approval)
            left = step.retries + min(self._losses, _LOSSES) - turn
            if (
                over.state is not State.WITHDRAWN
                or left < 0
                or self.controls.stop.is_set()
                or self._sunk(step)
            ):
                return over
            turn += 1
            delay = backoff.failed()
            self._progress.withdrawn()
            self._progress.show(doing=f"tries again in {delay:.1f} s ({left} more): {over.detail}")
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self.controls.stop.wait()
            if self.controls.stop.is_set():
                return over

    async def _attempt(self, step: ChangeStep, approval: Approval) -> Attempt:
        attempt = self._next_attempt(step, approval)
        self._progress.set(step.number, State.RUNNING, attempt.detail, attempt)
        self._progress.show(doing=doing(step))
        try:
            await self._begin(attempt, step)
            if step.kind is Kind.JOURNAL or step.kind in BY_OTHERS:
                return await self._without_execution(step, attempt)
            return await execute(self._ground(), step, attempt)
        except SessionLost as lost:
            return await self._after_loss(step, attempt, lost)
        except QueryError as error:
            if step.kind is not Kind.JOURNAL:  # then the journal itself could not be written
                raise
            return ended(attempt, State.FAILED, str(error))

    def _next_attempt(self, step: ChangeStep, approval: Approval) -> Attempt:
        earlier = [
            one.attempt for one in self._attempts if (one.plan_id, one.step) == (self.plan.id, step.number)
        ]
        attempt = Attempt(
            self.plan.id, self.plan.sha256, step.number, max(earlier, default=0) + 1, State.RUNNING, step.sha256,
            f"{approval.by} ({approval.reason})" if approval.reason else approval.by, time.time(),
        )  # fmt: skip
        self._attempts = (*self._attempts, attempt)
        return attempt

    async def _begin(self, attempt: Attempt, step: ChangeStep) -> None:
        """Write that it begins, below the row of step 0 that says what the plan is."""
        if step.kind is Kind.JOURNAL:
            return  # there is no table yet
        if not any((one.plan_id, one.step) == (self.plan.id, 0) for one in self._attempts):
            head = header(self.plan, attempt)
            await self.journal.begin(head)
            self._attempts = (*self._attempts, head)
        await self.journal.begin(attempt)

    async def _without_execution(self, step: ChangeStep, attempt: Attempt) -> Attempt:
        """The journal's own step, and those that people carry out: their word, and what the catalog shows."""
        if isinstance(self.journal, ServerJournal) and step.kind is Kind.JOURNAL:
            assert self._session is not None
            head = header(self.plan, attempt)
            await self._session.write(
                [*step.statements, *self.journal.beginning(head)], one=step.transaction is Transaction.ONE,
                lock_timeout=step.lock_timeout,
            )  # fmt: skip
            return head
        done = not step.postconditions or await self._settled(step, None)
        says = f"said to be done by {attempt.approved_by}" if done else "the server does not show it yet"
        over = ended(attempt, State.DONE if done else State.FAILED, says)
        await self.journal.end(over)
        return over

    def _ground(self) -> Ground:
        assert self._session is not None
        return Ground(
            self.engine, self._session, self.journal, self._dialect, self.plan, self._limits, self._replicas,
            self.controls, self._progress.looked, self._progress.filled,
        )  # fmt: skip

    # ---- when the session is lost

    async def _after_loss(self, step: ChangeStep, attempt: Attempt, lost: SessionLost) -> Attempt:
        """Come back, wait until the lost session is really gone, and ask the server what became of the steps."""
        self._losses += 1
        self._progress.show(doing=f"the session was lost ({lost.message}); trying to come back")
        await self._regain()
        rows = newest(await self.journal.attempts(), self.plan.id) if await self.journal.ready() else {}
        if await self._settled(step, rows.get(step.number)):
            over = ended(attempt, State.DONE, "done, though the session was lost meanwhile")
        else:
            over = ended(attempt, State.WITHDRAWN, f"the session was lost: {lost.message}")
        if step.number in rows:
            await self.journal.end(over)
        if step.number > 0:
            await self.look_where_it_stands()
            self._progress.show(current=step.number)
        return over

    async def _regain(self) -> None:
        """Open the session anew and become the one runner again; the lost one may still be at work on the server."""
        assert self._session is not None
        former = f"session {self._id} "
        until = time.monotonic() + self._limits.regain
        backoff = Backoff(0.2, 5.0)
        while True:
            try:
                await self._session.reopen()
                other = await self._session.seize()
                if not other:
                    self._id = self._session.id
                    return
                self._progress.show(doing=f"the lost session still works on the server: {other}")
                if not other.startswith(former):
                    raise ConnectError(f"another runner took over: {other}", "wait for its end")
            except (SessionLost, QueryError):
                pass
            except ConnectError as error:
                if time.monotonic() > until:
                    raise SessionLost(f"the server did not come back: {error.message}", _GO_ON) from None
            await asyncio.sleep(backoff.failed())

    # ---- what others do to it

    def stop(self) -> None:
        """Take back what waits, finish the batch, journal, and end; a paused backfill ends too."""
        if not self.controls.stop.is_set():
            self.controls.stop.set()
            self._progress.show(doing="stops")

    def pause(self, paused: bool) -> None:
        """Hold a backfill after its batch, or let it go on."""
        if paused:
            self.controls.go.clear()
        else:
            self.controls.go.set()

    def slower(self) -> None:
        """Give others more room, from the next batch on."""
        self.controls.gear = -1

    def faster(self) -> None:
        """Take more room, from the next batch on."""
        self.controls.gear = 1
