"""The way back of a plan: what each of its steps locks."""

from __future__ import annotations

import pytest

from dbtui.errors import InputError
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


def test_a_rollback_does_not_pass_over_what_has_no_way_back() -> None:
    """A key of another type is swapped in: what came before it cannot be taken back and leave it there."""
    before = BEFORE.replace("id int", "id serial") + "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES p;"
    sql = "ALTER TABLE p ALTER COLUMN id TYPE bigint"
    plan = make([migration_file("1.sql", sql)], Engine.POSTGRESQL, before=[migration_file("0.sql", before)])
    swap = next(step for step in plan.steps if step.title.startswith("swap"))
    assert swap.point_of_no_return and not swap.down
    assert any("AS bigint OWNED BY" in sql for sql in swap.statements)
    assert any("t.a refers to it and is int4 still" in note for note in swap.notes), swap.notes
    done = tuple(StepRun(step, State.DONE) for step in plan.steps[: swap.number])
    with pytest.raises(InputError, match=f"step {swap.number} .* cannot be undone") as refused:
        plan_back(Run(plan, "", done), 0)
    assert "a plan of its own" in refused.value.hint
