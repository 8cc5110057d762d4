"""Transaction ids are running out.

What it does
    Reads the age of the oldest transaction id that some table of any database may still hold.

Why it matters
    At about two thousand million the server refuses every write until the old rows are frozen,
    which takes hours on large tables.

Instead
    Find what holds vacuum back (a long transaction, a prepared one, a slot), then VACUUM FREEZE
    the oldest tables.

When it is fine
    Never for long; autovacuum to prevent wraparound may already be at it (see the progress).

See
    https://www.postgresql.org/docs/current/routine-vacuuming.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.rules.live.words import hours
from dbtui.text import count

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("age", 1000000000.0, "count", "transactions; autovacuum begins by itself at 200 million"),
    Threshold(
        "critical", 1600000000.0, "count", "transactions; the server stops writing at about 2,100 million"
    ),
)
EXPORTS = {
    "postgres": "dbtui_pg_oldest_transaction_id_age > {age}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    age = scene.counter("oldest_transaction_id_age")
    if age is None or age <= limits["age"]:
        return
    speed = scene.speed("oldest_transaction_id_age")
    left = (_STOP - age) / speed if speed > 0 else None
    yield Seen(
        f"the oldest transaction id is {count(age)} transactions old; writes stop at {count(_STOP)}"
        + (f", in {hours(left)} at this speed" if left is not None else ""),
        "end what holds vacuum back, then freeze the oldest tables",
        {"age": age, "hours_left": round(left / 3600, 1) if left is not None else "not known"},
        (_OLDEST,),
        severity=Severity.ERROR if age > limits["critical"] else None,
    )


_OLDEST = (
    "SELECT oid::regclass, age(relfrozenxid) FROM pg_class WHERE relkind IN ('r', 'm', 't') "
    "ORDER BY 2 DESC LIMIT 10;"
)
_STOP = 2**31 - 3_000_000  # xidStopLimit of varsup.c: three million before the ids meet
