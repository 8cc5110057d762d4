"""`dbtui migrate rehearse`: try a plan where it can hurt nobody."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from dbtui.commands.going_on import steps_done, taken_up
from dbtui.commands.migrate_plan import as_json, opened, planned
from dbtui.migrations.rehearse import rehearse as rehearsed
from dbtui.output.rehearsal_text import rehearsal_text
from dbtui.safety import Approval, approve


async def rehearse(args: argparse.Namespace) -> int:
    """0 when every step did what was expected, 1 when one failed, or did something else."""
    async with opened(args) as (engine, target):
        plan = await taken_up(engine, target, await planned(args, engine))
        allowed = "rehearsal" in args.approve

        async def permit(scope: str) -> Approval | None:
            return approve(target.name, scope, "--approve rehearsal", seconds=3600) if allowed else None

        done = await rehearsed(engine, plan, permit, done=await steps_done(engine, target, plan))
    if args.format == "json":
        steps = [
            {
                "step": one.step.number,
                "title": one.step.title,
                "error": one.error,
                "doubts": one.doubts,
                "skipped": one.skipped,
                "observed": asdict(one.observed) if one.observed is not None else None,
            }
            for one in done.steps
        ]
        print(as_json({"plan_id": plan.id, "where": done.where, "missing": done.missing, "steps": steps}))
    else:
        print(rehearsal_text(done))
    return 1 if done.wrong else 0
