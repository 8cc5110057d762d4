"""`dbtui migrate run`, `rollback` and `status`: a runner at a terminal, or without one with approvals given before."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from dbtui.commands.following import following
from dbtui.commands.going_on import nobody, taken_up
from dbtui.commands.migrate_plan import as_json, opened, planned
from dbtui.config import Target
from dbtui.engines.base import Engine
from dbtui.errors import NotApproved, UsageError
from dbtui.migrations import plan_file
from dbtui.migrations.approvals import Approvals, leave, numbers, read_approvals, record_run, staging_run
from dbtui.migrations.limits import limits_of
from dbtui.migrations.losses import losses
from dbtui.migrations.rollback import way_back
from dbtui.migrations.runner import Runner
from dbtui.migrations.usage import index_use
from dbtui.migrations.window import window_of
from dbtui.model.change import ChangePlan, Kind
from dbtui.model.run import Run, State, StepRun
from dbtui.model.server import Environment
from dbtui.output.change_text import run_text, status_line, step_lines
from dbtui.safety import Approval
from dbtui.text import count, duration, printable

_PROGRESS = 5.0  # seconds between two lines about a backfill


async def run(args: argparse.Namespace) -> int:
    """0 when every step is done, 1 when some are not."""
    async with opened(args) as (engine, target):
        plan = await taken_up(engine, target, await planned(args, engine))
        leaves = Leaves(args, plan, target, engine)
        if target.environment is Environment.PRODUCTION:
            await _want_staging(args, plan, leaves)
            found = window_of(target.name, [Path(one) for one in args.history])
            print(printable(f"{target.name} is {found or 'of a load that was never recorded by the hour'}"))
        async with _stoppable(args, engine, target, plan, leaves) as runner:
            plan_file.keep(plan)
            state = await runner.run(until=args.until)
        if all(one.state is State.DONE for one in state.steps):
            record_run(plan, state.server, target.environment)
            print("every step is done")
            return 0
        print(printable(_where_it_stopped(state, until=args.until)))
        return 1


def _where_it_stopped(state: Run, *, until: int | None = None) -> str:
    """Why a run, or a way back, ended before the last step, and how it goes on."""
    following = state.next
    assert following is not None, "a run whose steps are all done did not stop"
    number = following.step.number
    if following.state in (State.FAILED, State.WITHDRAWN, State.STOPPED):
        return f"stopped: step {number} {following.state}: {following.detail}; do it again to continue there"
    if until is not None and number > until:
        return f"done up to step {until}; the next one is step {number}: {following.step.title}"
    told = " once it is done" if following.step.kind in (Kind.APPLICATION, Kind.COMMAND) else ""
    return f"stopped before step {number}, which was not approved: do it again with --approve {abs(number)}{told}"


async def rollback(args: argparse.Namespace) -> int:
    """Run the way back of the steps that are done, the newest first."""
    async with opened(args) as (engine, target):
        plan = await taken_up(engine, target, await planned(args, engine))
        leaves = Leaves(args, plan, target, engine)
        async with _stoppable(args, engine, target, plan, leaves) as runner:
            complete = await way_back(runner, args.to)
        said = f"steps above {args.to} are taken back"
        print(said if complete else printable(_where_it_stopped(runner.state)))
        return 0 if complete else 1


async def status(args: argparse.Namespace) -> int:
    """0 when every step is done."""
    async with opened(args) as (engine, target):
        plan = await taken_up(engine, target, await planned(args, engine))
        runner = Runner(engine, target, plan, approve=nobody)
        state = await runner.standing()
        used = await index_use(engine, plan, state)
        if args.format == "json":
            steps = [asdict(one) | {"step": one.step.number, "title": one.step.title} for one in state.steps]
            print(
                as_json(
                    {"plan_id": plan.id, "plan_sha256": plan.sha256, "server": state.server, "steps": steps}
                )
            )
        else:
            print(run_text(state, used=used))
        return 0 if all(one.state is State.DONE for one in state.steps) else 1


@asynccontextmanager
async def _stoppable(
    args: argparse.Namespace, engine: Engine, target: Target, plan: ChangePlan, leaves: Leaves
) -> AsyncIterator[Runner]:
    """A runner that tells what it does, and that signals stop in order."""
    telling = _Telling()
    local = args.journal == "file"
    limits = limits_of(" ".join(args.limit))
    loop, stops = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    async with following(limits.replicas) as replicas:
        runner = Runner(
            engine, target, plan, approve=leaves.ask, on_change=telling.show, limits=limits, replicas=replicas,
            local_journal=local,
        )  # fmt: skip
        for number in stops:
            loop.add_signal_handler(number, runner.stop)
        leaves.stop = runner.controls.stop
        try:
            async with runner:
                yield runner
        finally:
            for number in stops:
                loop.remove_signal_handler(number)


async def _want_staging(args: argparse.Namespace, plan: ChangePlan, leaves: Leaves) -> None:
    """Raise NotApproved unless this plan was run elsewhere before, or somebody waives that in words."""
    receipt = staging_run(plan, Path(args.receipts) if args.receipts else None)
    if receipt is not None:
        print(printable(f"this plan was run on {receipt.environment} {receipt.server} by {receipt.by}"))
        return
    reason = args.waive_staging
    if not reason and leaves.terminal:
        print(f"plan {plan.id} was never run on a server that is not production")
        reason = await leaves.line("a reason to run it on production all the same (empty stops): ")
    if not reason.strip():
        raise NotApproved(
            f"plan {plan.id} was never run on a server that is not production",
            "run it on staging first, or give --waive-staging REASON",
        )
    leaves.reason = f"{leaves.reason} (staging waived: {reason.strip()})".strip()


class Leaves:
    """Who approves: an approvals file, --approve, or the person at the terminal."""

    def __init__(self, args: argparse.Namespace, plan: ChangePlan, target: Target, engine: Engine) -> None:
        self._plan = plan
        self._target = target
        self._engine = engine
        self._file: Approvals | None = read_approvals(args.approvals) if args.approvals else None
        self._steps, self._all = numbers(args.approve)
        self.terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self.reason = args.reason
        self.stop = asyncio.Event()
        production = target.environment is Environment.PRODUCTION
        if not self.terminal and not (self._file or self._steps or self._all):
            raise UsageError(
                "there is no terminal to approve steps at", "give --approve STEP… or --approvals FILE"
            )
        if not self.terminal and production and not (self._file and (self._steps or self._all)):
            raise UsageError(
                f"{target.name} is production, and there is no terminal",
                "give both --approve STEP… and --approvals FILE; or is it none? Then save it with its environment,"
                " or set DBTUI_ENVIRONMENT",
            )
        self._both = production and not self.terminal

    async def ask(self, run: Run, one: StepRun) -> Approval | None:
        """Leave for the step, or None. Raises NotApproved."""
        number = one.step.number
        print("\n" + "\n".join(printable(line) for line in step_lines(one.step)))
        if one.step.destructive:
            print(printable(f"     LOSES: {await losses(self._engine, self._plan, one.step)}"))
        given = self._file.of(run.plan, self._target.name, run.server, number) if self._file else None
        named = abs(number) in self._steps or (self._all and not _wants_its_number(one))
        if self._both:
            return given if named else None
        if given is not None:
            return given
        if named:
            return leave(run.plan, self._target.name, run.server, number, self.reason or "--approve")
        return await self._typed(run, one) if self.terminal else None

    async def _typed(self, run: Run, one: StepRun) -> Approval | None:
        production = self._target.environment is Environment.PRODUCTION
        wanted = self._target.name if production else "y"
        done = "say that it is done" if one.step.kind in (Kind.APPLICATION, Kind.COMMAND) else "run it"
        answer = await self.line(
            f"     type {wanted} to {done} on {self._target.name}; anything else stops: "
        )
        if answer.strip() != wanted:
            return None
        return leave(
            run.plan, self._target.name, run.server, one.step.number, self.reason or "at the terminal"
        )

    async def line(self, prompt: str) -> str:
        """A line of the terminal; "" when the run is told to stop meanwhile."""
        print(printable(prompt), end="", flush=True)
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), readable.set)
        waits = [asyncio.ensure_future(event.wait()) for event in (readable, self.stop)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return "" if self.stop.is_set() else sys.stdin.readline().strip()
        finally:
            loop.remove_reader(sys.stdin.fileno())
            for one in waits:
                one.cancel()


def _wants_its_number(one: StepRun) -> bool:
    """Whether "all" is not enough: rows are lost, or it is for people to say that something is done."""
    return one.step.destructive or one.step.kind in (Kind.APPLICATION, Kind.COMMAND)


class _Telling:
    """Prints what changes: a line when a step begins or ends, and every few seconds how far a backfill is."""

    def __init__(self) -> None:
        self._told: dict[int, str] = {}
        self._doing = ""
        self._next = 0.0

    def show(self, run: Run) -> None:
        for one in run.steps:
            line = status_line(one)
            if one.state is not State.PENDING and self._told.get(one.step.number) != line:
                self._told[one.step.number] = line
                print(printable(line), flush=True)
        if run.doing != self._doing and run.current is not None:
            self._doing = run.doing
            if run.doing not in ("", "runs", "fills", "waits for approval"):
                print(printable(f"      {run.doing}"), flush=True)
        now = asyncio.get_running_loop().time()
        if run.fill is not None and now >= self._next:
            self._next = now + _PROGRESS
            print(printable(f"      {fill_text(run)}"), flush=True)


def fill_text(run: Run) -> str:
    """How far the backfill is, in one line."""
    fill = run.fill
    assert fill is not None
    rate = f"{count(fill.rate)}/s" if fill.rate else ""
    parts = list(filter(None, (f"{fill.rows:,} rows", rate, f"batches of {fill.batch:,}")))
    if fill.remaining is not None:
        parts.append(f"about {count(fill.remaining)} left")
    if fill.eta is not None:
        parts.append(f"{duration(fill.eta)} to go")
    if fill.held or fill.paused:
        parts.append(f"holds: {fill.held or 'paused'}")
    return " · ".join(parts)
