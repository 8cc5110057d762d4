"""Who waits for whom, as trees with the root first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dbtui.model.activity import Session

PREPARED = "0"  # what PostgreSQL says when a prepared transaction is in the way


@dataclass(frozen=True, slots=True)
class Blocked:
    """One line of a blocking tree. `waiting` and `longest` (seconds) count everything below it."""

    session: Session
    depth: int
    last: bool  # the last child of its parent
    rails: tuple[bool, ...]  # for each ancestor below the root: whether its line goes on
    waiting: int = 0
    longest: float = 0.0


def forest(sessions: Iterable[Session]) -> tuple[Blocked, ...]:
    """The blocking trees of a sample: the root with most waiters first, then everything below it, longest wait first.

    A session that waits for several others stands below the first of them that is in the sample, so each stands
    once. A cycle (a deadlock that the server has not broken yet) is entered at its longest waiter.
    """
    known = {session.id: session for session in sessions}
    below: dict[str, list[str]] = defaultdict(list)
    blocked: set[str] = set()
    for session in [s for s in known.values() if s.blocked_by]:
        blocker = next((b for b in session.blocked_by if b in known and b != session.id), None)
        if blocker is None and PREPARED in session.blocked_by:
            known.setdefault(PREPARED, _PREPARED_TRANSACTION)
            blocker = PREPARED
        if blocker is not None:
            below[blocker].append(session.id)
            blocked.add(session.id)
    for children in below.values():
        children.sort(key=lambda id_: -_waited(known[id_]))
    seen: set[str] = set()
    trees = [_tree(root, known, below, seen) for root in below if root not in blocked]
    cycles = sorted(blocked, key=lambda id_: -_waited(known[id_]))
    trees.extend(_tree(id_, known, below, seen) for id_ in cycles if id_ not in seen)
    trees.sort(key=lambda lines: -lines[0].waiting)
    return tuple(line for lines in trees for line in lines)


_PREPARED_TRANSACTION = Session(
    id=PREPARED, started="", user="", database="", application="", client="", kind="prepared transaction",
    state="prepared", wait_type="", wait="", query="a prepared transaction: see pg_prepared_xacts",
)  # fmt: skip


def _waited(session: Session) -> float:
    return session.query_age or 0.0


def _tree(
    root: str, known: Mapping[str, Session], below: Mapping[str, list[str]], seen: set[str]
) -> list[Blocked]:
    """The lines of one tree in drawing order; each session enters `seen`."""
    found: list[tuple[Session, int, bool, tuple[bool, ...]]] = []
    parents: list[int | None] = []
    stack: list[tuple[str, int, bool, tuple[bool, ...], int | None]] = [(root, 0, True, (), None)]
    while stack:
        id_, depth, last, rails, parent = stack.pop()
        if id_ in seen:
            continue
        seen.add(id_)
        parents.append(parent)
        found.append((known[id_], depth, last, rails))
        children = [child for child in below.get(id_, ()) if child not in seen]
        inner = (*rails, not last) if depth else ()
        here = len(found) - 1
        stack.extend((child, depth + 1, n == 0, inner, here) for n, child in enumerate(reversed(children)))
    counted = _counted([one[0] for one in found], parents)
    return [Blocked(*one, *below_it) for one, below_it in zip(found, counted, strict=True)]


def _counted(sessions: Sequence[Session], parents: Sequence[int | None]) -> Iterable[tuple[int, float]]:
    """How many wait below each line, and the longest wait there, added up from the leaves in one pass."""
    waiting = [0] * len(sessions)
    longest = [0.0] * len(sessions)
    for index in range(len(sessions) - 1, 0, -1):
        parent = parents[index]
        assert parent is not None
        waiting[parent] += waiting[index] + 1
        longest[parent] = max(longest[parent], longest[index], _waited(sessions[index]))
    return zip(waiting, longest, strict=True)
