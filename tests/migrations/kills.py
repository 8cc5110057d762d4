"""SIGKILL at every boundary of every step, and inside backfills: of the program, or of the server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from dbtui.model.change import ChangePlan
from dbtui.model.run import Run, State
from tests.migrations.killed import points, points_back
from tests.migrations.runs import Console

ROOT = Path(__file__).parents[2]


def kill_the_program(url: str, batch: int, batches: int, *, steps: int) -> None:
    """Run the plan of `killed` in processes that kill themselves, one at each point, until one comes to the end."""
    argv = [sys.executable, "-m", "tests.migrations.killed", url, str(batch), str(batches)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600)
    ends = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert ends.pop("never", "") == "ended 0", done.stdout + done.stderr
    missed = [point for point, end in ends.items() if end != "killed"]
    # Killed when its end was journalled already, a step is not begun again, so that its end is not seen twice.
    assert set(ends) == set(points(steps, batches))
    assert not missed or missed == [f"{steps}:done"], done.stdout


def kill_on_the_way_back(url: str, plan: ChangePlan, batch: int = 500) -> None:
    """Run the plan, then take it back in processes that kill themselves, one at each point."""
    argv = [sys.executable, "-m", "tests.migrations.killed", url, str(batch), "4", "back"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600)
    ends = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert ends.pop("never", "") == "ended 0", done.stdout + done.stderr
    assert ends == dict.fromkeys(points_back(plan), "killed"), done.stdout


def boundaries(steps: int) -> set[str]:
    """Where a server is killed: at the beginning and the end of each step but the end of the last one."""
    return {f"{number}:running" for number in range(steps + 1)} | {
        f"{number}:done" for number in range(steps)
    }


async def kill_the_server(url: str, plan: ChangePlan, crash: Callable[[], None], at: Collection[str]) -> None:
    """Run a plan while `crash` kills the server and starts it again, at each of the points, once."""
    last, left = len(plan.steps), set(at)
    seen = {"rows": -1, "batches": 0}

    def crash_there(run: Run) -> None:
        if run.fill is not None and run.fill.rows != seen["rows"]:
            seen["rows"], seen["batches"] = run.fill.rows, seen["batches"] + 1
        said = {f"{one.step.number}:{one.state}" for one in run.steps if one.step.number == run.current}
        now = (said | {f"fill:{seen['batches']}"}) & left
        if now:
            left.difference_update(now)
            crash()

    async with Console(url) as console, console.runner(plan, on_change=crash_there) as runner:
        run = await runner.run()
        assert [one.state for one in run.steps] == [State.DONE] * (last + 1), run.lines
    assert not left
