"""Runs a plan again and again, each time in a process that kills itself with SIGKILL at another point.

`python -m tests.migrations.killed URL BATCH`: a line for each run, with the point and how the process ended. A point
is "STEP:STATE", just after the runner has said so, or "fill:N", after N batches of this run. With `back` behind it the
plan is run, and its way back is what is killed, at points such as "-STEP:STATE". BATCH 0 is the plan of rebuilds.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from dbtui.migrations.rollback import way_back
from dbtui.model.change import ChangePlan, Kind
from dbtui.model.run import Run
from tests.migrations.runs import Console, whole
from tests.migrations.runs_elsewhere import rebuilt, whole_of


def plan_of(url: str, batch: int) -> ChangePlan:
    """The plan of every kind of step for the server of this URL."""
    engine = url.partition(":")[0]
    if not batch:
        return rebuilt()
    return whole(batch) if engine == "postgresql" else whole_of(engine, batch)


def points(steps: int, batches: int) -> list[str]:
    """Every boundary of every step, and a few places within the backfill."""
    found = []
    for number in range(steps + 1):
        found.append(f"{number}:running")
        if number == 2 and batches:
            found += [f"fill:{count}" for count in (1, 2, batches)]
        found.append(f"{number}:done")
    return found


def points_back(plan: ChangePlan) -> list[str]:
    """Every boundary of every step of the way back; of what a later step used up there is nothing to take back."""
    numbers = [-step.number for step in reversed(plan.steps) if step.down and step.superseded is None]
    return [f"{number}:{state}" for number in numbers for state in ("running", "done")]


async def run_until(url: str, batch: int, point: str, *, back: bool = False) -> bool:
    """Run, and never return when the point is reached; whether the plan is done, or taken back."""
    seen = {"rows": -1, "batches": 0}

    def kill_there(run: Run) -> None:
        if run.fill is not None and run.fill.rows != seen["rows"]:
            seen["rows"], seen["batches"] = run.fill.rows, seen["batches"] + 1
        said = {f"{one.step.number}:{one.state}" for one in run.steps if one.step.number == run.current}
        filling = any(one.step.kind is Kind.BACKFILL and one.step.number == run.current for one in run.steps)
        if point in said or (filling and point == f"fill:{seen['batches']}"):
            os.kill(os.getpid(), signal.SIGKILL)

    async with Console(url) as console, console.runner(plan_of(url, batch), on_change=kill_there) as runner:
        if back:
            return await way_back(runner, 0)
        run = await runner.run()
    return run.next is None


def main(url: str, batch: int, batches: int, *, back: bool = False) -> None:
    plan = plan_of(url, batch)
    if back:
        assert asyncio.run(run_until(url, batch, "never"))
    for point in [*(points_back(plan) if back else points(len(plan.steps), batches)), "never"]:
        child = os.fork()
        if not child:
            done = asyncio.run(run_until(url, batch, point, back=back))
            os._exit(0 if done else 1)
        _, status = os.waitpid(child, 0)
        print(point, "killed" if os.WIFSIGNALED(status) else f"ended {os.WEXITSTATUS(status)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), back="back" in sys.argv)
