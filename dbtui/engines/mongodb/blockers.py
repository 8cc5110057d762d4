"""Who holds the lock that another waits for.

DocumentDB says who is in whose way. MongoDB says of each operation which locks it has or waits for, in which mode,
so who is in the way follows where only one is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dbtui.documents import listing, mapping
from dbtui.engines.mongodb.sessions import Operation, id_of, waits, wanted_lock

# Which mode bars which: r and w are intents, R and W are whole.
_BARS: Mapping[str, frozenset[str]] = {
    "r": frozenset("W"),
    "w": frozenset("RW"),
    "R": frozenset("wW"),
    "W": frozenset("rwRW"),
}


def blockers(operations: Iterable[Operation]) -> dict[str, tuple[str, ...]]:
    """Session id → the ids in its way, where they are known.

    In the way is whom the server names; else what holds a lock on the same collection (or database, or the whole)
    in a mode that bars the wanted one, and does not wait itself. A transaction between two operations does not say
    which collections it has locked: it counts only when nothing else is in the way, and when it is the only one of
    its kind.
    """
    everyone = list(operations)
    holding = [operation for operation in everyone if not waits(operation)]
    found: dict[str, tuple[str, ...]] = {}
    for waiter in filter(waits, everyone):
        chosen = _named(waiter, everyone) or _barring(waiter, holding)
        if chosen:
            found[id_of(waiter)] = tuple(id_of(other) for other in chosen)
    return found


def _named(waiter: Operation, everyone: Iterable[Operation]) -> list[Operation]:
    """Those whose `op_prefix` the waiter names."""
    prefixes = listing(waiter.get("locking_op_prefixes"))
    return [other for other in everyone if other.get("op_prefix") in prefixes]


def _barring(waiter: Operation, holding: Iterable[Operation]) -> list[Operation]:
    level, mode = wanted_lock(waiter)
    barring = [other for other in holding if other is not waiter and _bars(other, waiter, level, mode)]
    named = [other for other in barring if other.get("ns")]
    silent = [other for other in barring if not other.get("ns")]
    return named or (silent if len(silent) == 1 else [])


def _bars(holder: Operation, waiter: Operation, level: str, mode: str) -> bool:
    held = mapping(holder.get("locks")).get(level)
    if not isinstance(held, str) or held not in _BARS.get(mode, ()):
        return False
    ours, theirs = str(waiter.get("ns") or ""), str(holder.get("ns") or "")
    if not theirs:
        return bool(holder.get("transaction"))
    if level == "Collection":
        return ours == theirs
    if level == "Database":
        return ours.partition(".")[0] == theirs.partition(".")[0]
    return True
