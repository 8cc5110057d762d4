"""A rehearsal on a copy of a SQLite file, rows included."""

from __future__ import annotations

import tempfile
from collections.abc import Set
from pathlib import Path
from urllib.parse import quote

from dbtui.config import Target
from dbtui.engines import create
from dbtui.engines.base import Engine, RunsPlans
from dbtui.engines.sqlite.engine import SqliteEngine
from dbtui.errors import UsageError
from dbtui.migrations.rehearse_steps import Timed, rehearse_both
from dbtui.model.change import ChangePlan
from dbtui.model.run import Rehearsal
from dbtui.safety import approve


async def on_copy(engine: Engine, plan: ChangePlan, done: Set[int]) -> Rehearsal:
    """Try a plan and its way back on a copy, which is removed afterwards. Raises UsageError without room for it."""
    if not isinstance(engine, SqliteEngine):
        raise UsageError("the plan is for SQLite, and the server is not", "give the file it is for")
    with tempfile.TemporaryDirectory(prefix="dbtui-") as folder:
        path = str(Path(folder, "copy.db"))
        await engine.copy_to(path)
        target = Target("copy", "sqlite", "sqlite:///" + quote(path))
        place = create(target)
        assert isinstance(place, RunsPlans)
        await place.open()
        try:
            session = await place.hold()
            scope = f"rehearsal:{plan.id}"
            try:
                with session.admitted(approve(target.name, scope, "rehearsal", seconds=3600), scope):
                    stage = Timed(session)
                    steps, back = await rehearse_both(place, stage, plan, "", done)
            finally:
                await session.close()
        finally:
            await place.close()
    return Rehearsal(plan, "a copy of the file, with its rows", steps, back)
