"""What the migration pane does: plans, rehearses, runs and takes back, each change after a question.

One plan at a time a console. A run goes on while other panes are looked at; leaving the console stops it as a signal
would, and the next run goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from dbtui import policy, text
from dbtui.commands.following import following
from dbtui.commands.going_on import begun, nobody, steps_done
from dbtui.commands.migrate_plan import make_plan
from dbtui.errors import DbtuiError, NotApproved
from dbtui.migrations import plan_file
from dbtui.migrations.approvals import leave, record_run, staging_run
from dbtui.migrations.files import MigrationFile, migration_file, read_files
from dbtui.migrations.limits import limits_help, limits_of, limits_text
from dbtui.migrations.losses import losses
from dbtui.migrations.rehearse import rehearse as rehearsed
from dbtui.migrations.rollback import plan_back, way_back
from dbtui.migrations.runner import Runner
from dbtui.migrations.window import window_of
from dbtui.model.change import ChangePlan, Kind
from dbtui.model.run import Run, State, StepRun
from dbtui.model.server import Environment
from dbtui.output.change_text import step_lines
from dbtui.output.rehearsal_text import verdict
from dbtui.safety import Approval, approve
from dbtui.tui.messages import MigrateWish, PlanChange
from dbtui.tui.screens.confirm import Question
from dbtui.tui.views.base import trouble
from dbtui.tui.views.migrate import MigrateView
from dbtui.tui.widgets.roles import Role

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen

_AT_ONCE = frozenset({"stop", "pause", "slower", "faster"})
LEAVING = 2.0  # seconds for a run to journal its end when the console is left
_WORD = "yes"
_OUTLIVING = frozenset(
    {"run", "rollback"}
)  # no workers of the screen: those end when it is left, these stop in order
_running: set[asyncio.Task[None]] = set()
Task = Callable[["MainScreen", MigrateView], Coroutine[None, None, None]]


async def begin(console: MainScreen, wish: MigrateWish) -> None:
    """Do what the pane wishes; what changes the plan waits for the end of a run."""
    runner, what = console.runner, wish.wish
    if what in _AT_ONCE:
        if runner is not None:
            _control(runner, what)
        return
    if runner is not None:
        console.say("a plan is being run: x stops it", "warning")
        return
    view = cast("MigrateView", console.view("migrate"))
    if what in _OUTLIVING:
        _running.add(task := asyncio.create_task(_guarded(console, view, _TASKS[what])))
        task.add_done_callback(_running.discard)
    else:
        console.run_worker(_guarded(console, view, _TASKS[what]), group="migrate", exclusive=True)


async def plan_change(console: MainScreen, wish: PlanChange) -> None:
    """Take SQL to the pane, and plan it there: what is meant for another database runs on no connection to this one."""
    server = console.snapshot.server if console.snapshot is not None else None
    if wish.database and server is not None and wish.database != server.database:
        here = f"this connection is to {server.database}" if server.database else "this connection is to none"
        console.say(f"that is for the database {wish.database}, and {here}: connect to it first", "error")
        return
    view = cast("MigrateView", await console.open_pane("migrate"))
    view.load(wish.sql)
    await begin(console, MigrateWish("plan"))


def _control(runner: Runner, wish: str) -> None:
    if wish == "stop":
        runner.stop()
    elif wish == "pause":
        runner.pause(runner.controls.go.is_set())
    elif wish == "slower":
        runner.slower()
    else:
        runner.faster()


async def _guarded(console: MainScreen, view: MigrateView, task: Task) -> None:
    try:
        await task(console, view)
    except DbtuiError as error:
        if console.leaving:
            return
        view.say(str(error), Role.BAD)
        console.say(trouble(error), "error")


async def finish(console: MainScreen) -> None:
    """Stop a run that is still going, and wait a moment until it has journalled that."""
    runner = console.runner
    if runner is None:
        return
    runner.stop()
    for _ in range(int(LEAVING / 0.05)):
        if console.runner is None:
            return
        await asyncio.sleep(0.05)


# ---- the tasks


async def plan(console: MainScreen, view: MigrateView) -> None:
    """Plan what stands in the editor."""
    if view.editor.text.strip():
        await _plan(console, view, [migration_file("editor", view.editor.text)], "")


async def open_file(console: MainScreen, view: MigrateView) -> None:
    """Plan a file or folder of SQL, or take up a plan that was made before."""
    from dbtui.tui.screens.line import LineQuestion

    path: str | None = await console.app.push_screen_wait(
        LineQuestion("Open", "a file or folder of SQL, or a plan", "migrations/012_totals.sql")
    )
    if not path:
        return
    path = _expanded(path)
    if plan_file.is_plan_file(path):
        _show(console, view, await asyncio.to_thread(plan_file.read, path))
        return
    files = await asyncio.to_thread(read_files, [path])
    view.load("\n".join(file.text for file in files))
    await _plan(console, view, files, path)


def _expanded(path: str) -> str:
    return str(Path(path).expanduser())


async def _plan(
    console: MainScreen, view: MigrateView, files: list[MigrationFile] | tuple[MigrationFile, ...], title: str
) -> None:
    view.say("looks at the server and plans…")
    made = await make_plan(files, engine=console.engine)
    view.planned_text = view.editor.text
    state = await begun(console.engine, console.target, made)
    if state is None:
        _show(console, view, made)
        return
    view.show_plan(state.plan)
    view.show_run(state)
    view.say(f"goes on with plan {state.plan.id}, which was begun for the same SQL · n runs", Role.WARN)


def _show(console: MainScreen, view: MigrateView, made: ChangePlan) -> None:
    view.show_plan(made)
    safe = (
        "every statement was understood"
        if all(one.understood for one in made.source)
        else "not all was understood"
    )
    view.say(f"{made.title or 'plan'} · {safe} · t rehearses · n runs", Role.MUTED)


async def rehearse(console: MainScreen, view: MigrateView) -> None:
    """Try the plan on the shadow, or on a copy."""
    if view.plan is None:
        return
    view.say("makes a place to rehearse in…")
    before = await steps_done(console.engine, console.target, view.plan)
    done = await rehearsed(console.engine, view.plan, lambda scope: _permit(console, scope), done=before)
    view.show_rehearsal(done)
    if done.missing:
        console.say(f"not there for the rehearsal: {', '.join(done.missing)}", "warning")
    view.say(f"{verdict(done)} · rehearsed on {done.where}", Role.WARN if done.wrong else Role.OK)


async def _permit(console: MainScreen, scope: str) -> Approval | None:
    """Leave to rehearse on the server itself."""
    body = (
        f"The rehearsal makes a database with empty twins of the plan's tables on {console.target.name}, runs the"
        " steps there, and drops it. The twins have no foreign keys and no triggers."
    )
    reason = await _answer(console, Question("Rehearse on the server?", body, _WORD))
    return None if reason is None else approve(console.target.name, scope, reason, seconds=3600)


async def save(console: MainScreen, view: MigrateView) -> None:
    """Write the plan to a file, for review and for `dbtui migrate run`."""
    from dbtui.tui.screens.line import LineQuestion

    if view.plan is None:
        return
    name = f"{view.plan.title or view.plan.id}.plan.json"
    path: str | None = await console.app.push_screen_wait(LineQuestion("Write", "the plan's file", name))
    if path:
        await asyncio.to_thread(plan_file.write, view.plan, _expanded(path))
        console.say(f"the plan is in {path}", "information")


async def limits(console: MainScreen, view: MigrateView) -> None:
    """Ask where runs are to hold, take back or stop themselves."""
    from dbtui.tui.screens.line import LineQuestion

    said: str | None = await console.app.push_screen_wait(
        LineQuestion("Limits of a run", limits_help(view.limits), "such as: lag=5 sessions=40")
    )
    if said is not None:
        view.limits = limits_of(said)
        view.say(f"the next run: {limits_text(view.limits)}")


async def status(console: MainScreen, view: MigrateView) -> None:
    """Ask the server how the plan stands."""
    if view.plan is not None:
        view.show_run(await Runner(console.engine, console.target, view.plan, approve=nobody).standing())
        view.say("as the server says", Role.MUTED)


async def run(console: MainScreen, view: MigrateView) -> None:
    """Run what is not done, step by step."""
    if view.plan is None or not await _ready(console, view, view.plan):
        return
    async with _held(console, view, view.plan) as runner:
        plan_file.keep(view.plan)
        state = await runner.run()
    done = all(one.state is State.DONE for one in state.steps)
    if done:
        record_run(view.plan, state.server, console.target.environment)
    if console.leaving:
        return
    view.show_run(state)
    if done:
        view.say("every step is done", Role.OK)
    else:
        view.say(state.lines[-1] if state.lines else "nothing was run", Role.WARN)


async def rollback(console: MainScreen, view: MigrateView) -> None:
    """Take back every step that is done, the newest first."""
    if view.plan is None:
        return
    async with _held(console, view, view.plan) as runner:
        steps = plan_back(runner.state, 0)
        complete = bool(steps) and await way_back(runner, 0)
    if console.leaving:
        return
    view.show_run(await Runner(console.engine, console.target, view.plan, approve=nobody).standing())
    view.say(
        "every step is undone" if complete else "not everything was undone",
        Role.OK if complete else Role.WARN,
    )


@asynccontextmanager
async def _held(console: MainScreen, view: MigrateView, plan: ChangePlan) -> AsyncIterator[Runner]:
    """A runner that the console knows of while it is open, so that keys and leaving reach it."""
    async with following(view.limits.replicas) as replicas:
        runner = Runner(
            console.engine,
            console.target,
            plan,
            approve=lambda run, one: _ask(console, view, run, one),
            on_change=lambda run: None if console.leaving else _told(view, run),
            limits=view.limits,
            replicas=replicas,
        )
        console.runner = runner
        try:
            async with runner:
                yield runner
        finally:
            console.runner = None


def _told(view: MigrateView, run: Run) -> None:
    view.show_run(run)
    view.say(run.lines[-1] if run.lines else "x stops it; it goes on where it stopped")


# ---- what is asked


async def _ready(console: MainScreen, view: MigrateView, plan: ChangePlan) -> bool:
    """Whether the plan may run on this server at all: policy, changed SQL, and what production wants."""
    policy.current().refuse(policy.Feature.MIGRATE_RUN)
    if view.planned_text and view.editor.text != view.planned_text:
        raise NotApproved("the SQL was changed since it was planned", "ctrl+r in the editor plans it again")
    if console.target.environment is not Environment.PRODUCTION:
        return True
    if (quiet := await asyncio.to_thread(window_of, console.target.name)) is not None:
        console.say(f"{console.target.name} is {quiet}", "information")
    receipt = staging_run(plan)
    if receipt is not None:
        console.say(f"run on {receipt.environment} {receipt.server} by {receipt.by}", "information")
        return True
    body = (
        f"Plan {plan.id} was never run on a server that is not production, as far as is known here.\n\n"
        f"To run it on {console.target.name} all the same, say why and type waive."
    )
    reason = await _answer(console, Question("No run on staging", body, "waive"))
    if reason is not None and not reason:
        raise NotApproved("the waiver needs a reason", "run the plan on staging first, or say why not")
    return reason is not None


async def _ask(console: MainScreen, view: MigrateView, run: Run, one: StepRun) -> Approval | None:
    """Leave for one step: typed on production, with what it loses."""
    step, target = one.step, console.target
    lines = list(step_lines(step))
    if step.destructive:
        lines += ["", f"LOSES {await losses(console.engine, run.plan, step)}"]
    tried = (
        next((each for each in view.rehearsal.steps if each.step == step), None) if view.rehearsal else None
    )
    if tried is not None and (tried.error or tried.doubts):
        lines += ["", f"THE REHEARSAL: {tried.error or '; '.join(tried.doubts)}"]
    people = step.kind in (Kind.APPLICATION, Kind.COMMAND)
    title = f"Step {step.number}: is it done?" if people else f"Run step {step.number} on {target.name}?"
    word = target.name if target.environment is Environment.PRODUCTION else _WORD
    reason = await _answer(
        console, Question(title, text.printable("\n".join(lines), keep_newlines=True), word)
    )
    if reason is None:
        return None
    return leave(run.plan, target.name, run.server, step.number, reason)


async def _answer(console: MainScreen, question: Question) -> str | None:
    """What was answered; None also when the run was told to stop meanwhile."""
    answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    await console.app.push_screen(
        question, lambda reason: None if answered.done() else answered.set_result(reason)
    )
    stop = asyncio.ensure_future(console.runner.controls.stop.wait()) if console.runner is not None else None
    await asyncio.wait(
        [one for one in (answered, stop) if one is not None], return_when=asyncio.FIRST_COMPLETED
    )
    if stop is not None:
        stop.cancel()
    if not answered.done():
        answered.cancel()
        return None
    return answered.result()


_TASKS: dict[str, Task] = {
    "plan": plan, "open_file": open_file, "rehearse": rehearse, "save": save, "status": status, "run": run,
    "rollback": rollback, "limits": limits,
}  # fmt: skip
