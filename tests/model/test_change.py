"""A plan's checksum covers what is done, and not what was measured."""

from __future__ import annotations

from dataclasses import replace

from dbtui.model.change import Blocks, ChangePlan, ChangeStep, Condition, Kind, Range, Source

STEP = ChangeStep(1, Kind.DDL, "add a column", statements=("ALTER TABLE t ADD a int",), lock_timeout=2.0)
PLAN = ChangePlan("postgresql", "one", "shop", (Source("ALTER TABLE t ADD a int"),), (STEP,))


def test_the_same_plan_on_another_server_has_the_same_checksum() -> None:
    slower = replace(STEP, seconds=Range(1, 9), notes=("a large table",), waiting=Range(0, 10))
    assert replace(PLAN, server="two", steps=(slower,)).sha256 == PLAN.sha256
    assert PLAN.id == PLAN.sha256[:12]


def test_whatever_changes_what_is_done_changes_the_checksum() -> None:
    others = [
        replace(STEP, statements=("ALTER TABLE t ADD b int",)),
        replace(STEP, lock_timeout=None),
        replace(STEP, down=("ALTER TABLE t DROP a",)),
        replace(STEP, postconditions=(Condition("SELECT true", "it is there"),)),
        replace(STEP, number=2),
    ]
    sums = {replace(PLAN, steps=(step,)).sha256 for step in (STEP, *others)}
    assert len(sums) == 1 + len(others)


def test_a_plan_is_safe_while_nothing_is_known_to_block_for_long() -> None:
    blocking = replace(STEP, blocks=Blocks.WRITES, seconds=Range(0.5, 3))
    assert PLAN.safe
    assert not replace(PLAN, steps=(blocking,)).safe
    assert not replace(PLAN, source=(Source("ALTER SOMETHING", understood=False),)).safe
