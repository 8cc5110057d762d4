"""The way back of a plan: what each of its steps locks."""

from __future__ import annotations

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.migrations.rollback import plan_back
from dbtui.model.change import Blocks
from dbtui.model.migration import Engine
from dbtui.model.run import Run, State, StepRun

BEFORE = "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, a int);"


def test_the_way_back_has_the_locks_of_its_own_statements() -> None:
    sql = "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p (id)"
    plan = make([migration_file("1.sql", sql)], Engine.POSTGRESQL, before=[migration_file("0.sql", BEFORE)])
    assert plan.steps[0].blocks is Blocks.WRITES
    (back,) = plan_back(Run(plan, "", tuple(StepRun(step, State.DONE) for step in plan.steps)), 0)
    assert back.number == -1 and back.blocks is Blocks.EVERYTHING, back
    assert ("t", "AccessExclusiveLock") in [(lock.relation, lock.mode) for lock in back.locks]
