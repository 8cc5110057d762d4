"""Did it help? Who waited behind sessions before they were acted on, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dbtui.live.blocking import forest
from dbtui.model.activity import Session

Key = tuple[str, str]  # a session's id and its start


@dataclass(frozen=True, slots=True)
class Held:
    """What was acted on, and what it held up at that moment: everyone below it in the blocking trees."""

    targets: tuple[Session, ...]
    waiters: frozenset[Key]
    longest: float  # seconds


@dataclass(frozen=True, slots=True)
class Proof:
    """What a later sample shows. `behind` names whom those wait for who still do."""

    gone: int  # targets whose session is no more
    running: tuple[str, ...]  # ids of targets that are there and run the same statement still
    freed: int
    waiting: int
    behind: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        return not self.waiting and not self.running


def held_by(targets: Sequence[Session], sessions: Iterable[Session]) -> Held:
    """Everyone who waits behind the targets in a sample, the targets themselves left out."""
    lines = forest(sessions)
    own = {_key(target) for target in targets}
    waiters: set[Key] = set()
    longest = 0.0
    inside: int | None = None  # depth of the target that the lines stand below
    for line in lines:
        if inside is not None and line.depth <= inside:
            inside = None
        if _key(line.session) in own:
            longest = max(longest, line.longest)
            inside = line.depth if inside is None else inside
        elif inside is not None:
            waiters.add(_key(line.session))
    return Held(tuple(targets), frozenset(waiters), longest)


def proof(held: Held, sessions: Iterable[Session]) -> Proof:
    """What became of the targets and of those behind them. A waiter that is gone no longer waits."""
    now = {_key(session): session for session in sessions}
    there = [(before, now[_key(before)]) for before in held.targets if _key(before) in now]
    still = [s for key in held.waiters if (s := now.get(key)) is not None and s.blocked_by]
    return Proof(
        gone=len(held.targets) - len(there),
        running=tuple(before.id for before, after in there if _runs_on(before, after)),
        freed=len(held.waiters) - len(still),
        waiting=len(still),
        behind=tuple(sorted({blocker for session in still for blocker in session.blocked_by})),
    )


def _key(session: Session) -> Key:
    return session.id, session.started


def _runs_on(before: Session, after: Session) -> bool:
    """Whether it is still in the same statement."""
    same = before.state == after.state == "active" and before.query == after.query
    return same and (after.query_age or 0.0) >= (before.query_age or 0.0)


def told(held: Held, shown: Proof) -> str:
    """The proof in one sentence; may hold server text."""
    return f"{_targets(held, shown)}; {_waiters(held, shown)}"


def _targets(held: Held, shown: Proof) -> str:
    if len(held.targets) == 1:
        state = "is gone" if shown.gone else "still runs its statement" if shown.running else "is idle now"
        return f"session {held.targets[0].id} {state}"
    parts = [f"{shown.gone} of {len(held.targets)} sessions are gone"] if shown.gone else []
    rest = len(held.targets) - shown.gone - len(shown.running)
    parts += [f"{rest} are idle now"] if rest else []
    parts += [f"{', '.join(shown.running[:5])} still run"] if shown.running else []
    return ", ".join(parts)


def _waiters(held: Held, shown: Proof) -> str:
    total = len(held.waiters)
    if not total:
        return "nobody waited behind"
    if not shown.waiting:
        return "the one waiter was freed" if total == 1 else f"all {total} waiters were freed"
    own = {target.id for target in held.targets}
    others = [id_ for id_ in shown.behind if id_ not in own]
    behind = f", now behind {', '.join(others[:5])}" if others and own.isdisjoint(shown.behind) else ""
    return f"{shown.freed} of {total} waiters were freed, {shown.waiting} still wait{behind}"
