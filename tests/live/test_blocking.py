from __future__ import annotations

from dbtui.live.blocking import forest
from dbtui.model.activity import Session


def session(id_: str, *blockers: str, age: float = 1.0) -> Session:
    return Session(
        id=id_, started="", user="u", database="d", application="", client="", kind="client backend",
        state="active", wait_type="", wait="", query="", query_age=age, blocked_by=blockers,
    )  # fmt: skip


def drawn(*sessions: Session) -> list[tuple[str, int, int, float]]:
    return [(b.session.id, b.depth, b.waiting, b.longest) for b in forest(sessions)]


def test_no_waiters_no_tree() -> None:
    assert forest([session("1"), session("2")]) == ()


def test_a_chain_counts_everything_below() -> None:
    assert drawn(session("1"), session("2", "1", age=9), session("3", "2", age=4)) == [
        ("1", 0, 2, 9),
        ("2", 1, 1, 4),
        ("3", 2, 0, 0),
    ]


def test_the_root_with_most_waiters_comes_first_and_the_longest_wait_first_below_it() -> None:
    lines = drawn(
        session("1"), session("2", "1"),
        session("5"), session("6", "5", age=2), session("7", "5", age=3),
    )  # fmt: skip
    assert [id_ for id_, *_ in lines] == ["5", "7", "6", "1", "2"]


def test_several_blockers_draw_the_waiter_once() -> None:
    lines = drawn(session("1"), session("2", "1"), session("3", "2", "1"))
    assert [id_ for id_, *_ in lines] == ["1", "2", "3"]


def test_a_cycle_ends_and_begins_at_the_longest_waiter() -> None:
    lines = drawn(session("1", "2", age=5), session("2", "1", age=8), session("3", "1"))
    assert [(id_, depth) for id_, depth, *_ in lines] == [("2", 0), ("1", 1), ("3", 2)]


def test_a_prepared_transaction_is_a_root_of_its_own() -> None:
    lines = forest([session("7", "0")])
    assert (lines[0].session.id, lines[0].session.kind) == ("0", "prepared transaction")
    assert lines[0].waiting == 1


def test_a_blocker_outside_the_sample_makes_no_tree() -> None:
    assert forest([session("7", "99")]) == ()


def test_rails_tell_which_lines_go_on() -> None:
    lines = forest([session("1"), session("2", "1", age=9), session("3", "1", age=1), session("4", "2")])
    assert [(b.session.id, b.last, b.rails) for b in lines] == [
        ("1", True, ()),
        ("2", False, ()),
        ("4", True, (True,)),
        ("3", True, ()),
    ]


def test_two_thousand_waiters_in_one_chain() -> None:
    chain = [session("0x0")] + [session(f"0x{n}", f"0x{n - 1}") for n in range(1, 2000)]
    assert forest(chain)[0].waiting == 1999
