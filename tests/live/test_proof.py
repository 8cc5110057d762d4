from __future__ import annotations

from dataclasses import replace

import pytest

from dbtui.live.proof import Proof, held_by, proof, told
from tests.live.test_blocking import session

ROOT = session("1")
MIDDLE = session("2", "1", age=9)
LEAF = session("3", "2", age=4)
OTHER = session("5", "4")
TREE = [ROOT, MIDDLE, LEAF, session("4"), OTHER]


def free(one: object) -> object:
    return replace(one, blocked_by=())  # type: ignore[type-var]


def test_everyone_below_a_target_waits_behind_it() -> None:
    assert {id_ for id_, _ in held_by([ROOT], TREE).waiters} == {"2", "3"}
    assert held_by([ROOT], TREE).longest == 9
    assert {id_ for id_, _ in held_by([MIDDLE], TREE).waiters} == {"3"}
    assert {id_ for id_, _ in held_by([ROOT, MIDDLE], TREE).waiters} == {"3"}, "targets are no waiters"
    assert held_by([LEAF], TREE).waiters == frozenset()


@pytest.mark.parametrize(
    ("later", "expected", "sentence"),
    [
        ([free(MIDDLE), free(LEAF)], Proof(1, (), 2, 0), "session 1 is gone; all 2 waiters were freed"),
        ([ROOT, MIDDLE, LEAF], Proof(0, ("1",), 0, 2, ("1", "2")),
         "session 1 still runs its statement; 0 of 2 waiters were freed, 2 still wait"),
        ([replace(ROOT, state="idle"), free(MIDDLE), replace(LEAF, blocked_by=("9",))], Proof(0, (), 1, 1, ("9",)),
         "session 1 is idle now; 1 of 2 waiters were freed, 1 still wait, now behind 9"),
        ([replace(ROOT, query="another")], Proof(0, (), 2, 0), "session 1 is idle now; all 2 waiters were freed"),
        ([replace(ROOT, started="later")], Proof(1, (), 2, 0), "session 1 is gone; all 2 waiters were freed"),
    ],
)  # fmt: skip
def test_a_later_sample_proves_what_became_of_them(
    later: list[object], expected: Proof, sentence: str
) -> None:
    held = held_by([ROOT], TREE)
    shown = proof(held, later)  # type: ignore[arg-type]
    assert shown == expected and told(held, shown) == sentence
    assert shown.settled is (not shown.waiting and not shown.running)


def test_many_targets_are_told_by_their_number() -> None:
    held = held_by([ROOT, session("4")], TREE)
    shown = proof(held, [replace(ROOT, query_age=60.0), free(MIDDLE), free(LEAF), free(OTHER)])  # type: ignore[list-item]
    assert told(held, shown) == "1 of 2 sessions are gone, 1 still run; all 3 waiters were freed"
    nobody = held_by([LEAF], TREE)
    assert told(nobody, proof(nobody, [])) == "session 3 is gone; nobody waited behind"
