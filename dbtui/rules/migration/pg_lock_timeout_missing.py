"""A statement that needs a strong lock has no lock_timeout.

What it does
    Looks for statements that take Share, ShareRowExclusive, Exclusive or AccessExclusive locks on
    tables in use while lock_timeout is 0 or above 5 s.

Why it matters
    A statement that waits for its lock makes every later reader and writer of the table wait behind it.
    One long transaction elsewhere then stops the application.

Instead
    SET LOCAL lock_timeout = '2s' in a transaction of its own, and try again with growing pauses on
    error 55P03.

When it is fine
    The table is not in use yet, the tool that runs the file sets lock_timeout, or the role has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.locks import STOPS_WRITES
from dbtui.rules.migration.step import Hit, Step
from dbtui.rules.migration.transaction import relation_of

SEVERITY = Severity.WARNING
SUBJECTS: tuple[str, ...] = ()

_LIMIT_MS = 5000.0
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "min": 60_000.0, "h": 3_600_000.0, "d": 86_400_000.0, "": 1.0}


def milliseconds(value: str) -> float:
    """A setting of PostgreSQL as milliseconds; 0 where it is not one."""
    match = re.fullmatch(r"\s*([\d.]+)\s*([a-z]*)\s*", value)
    return float(match.group(1)) * _UNITS.get(match.group(2), 0.0) if match else 0.0


def check(step: Step, _: None) -> Iterator[Hit]:
    limit = milliseconds(step.settings.get("lock_timeout", "0"))
    if 0 < limit <= _LIMIT_MS or (
        step.statement.actions[:1] and step.statement.actions[0].op == "lock table"
    ):
        return
    fresh = {str(action.relation) for action in step.statement.actions if step.fresh(action.relation)}
    held = [lock for lock in step.effects.locks if lock.mode in STOPS_WRITES and lock.relation not in fresh]
    held = [lock for lock in held if not step.fresh(relation_of(lock.relation))]
    if held and not step.statement.sql.upper().startswith(("CREATE MATERIALIZED", "REFRESH")):
        lock = held[0]
        yield Hit(
            lock.relation,
            f"{lock.mode} on {lock.relation} without a lock_timeout: while it waits, others queue behind it",
            "set a short lock_timeout in the same transaction and try again when it is reached",
            ("SET LOCAL lock_timeout = '2s';" if step.transaction else "SET lock_timeout = '2s';",),
            {"lock_timeout_ms": limit},
        )
