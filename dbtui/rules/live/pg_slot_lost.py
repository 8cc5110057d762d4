"""A replication slot has lost the log it needs.

What it does
    Looks for slots whose state is lost or unreserved: the server has given up their log, or
    will at the next checkpoint.

Why it matters
    The receiver cannot go on from it; a standby or subscriber has to be copied anew.

Instead
    Drop the slot and set the receiver up anew; raise max_slot_wal_keep_size or watch its lag.

When it is fine
    Never: a lost slot is of no more use.

See
    https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.sql.quoting import literal

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = ()
EXPORTS = {
    "postgres": "dbtui_pg_slot_lost > 0",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for slot in scene.health.slots:
        if slot.state in ("lost", "unreserved"):
            yield Seen(
                f"slot {slot.name} is {slot.state}: "
                + (
                    "its receiver has to begin anew"
                    if slot.state == "lost"
                    else "its log goes at the next checkpoint"
                ),
                "drop it and set its receiver up anew"
                if slot.state == "lost"
                else "bring its receiver back at once",
                {"state": slot.state, "active": "yes" if slot.active else "no"},
                (f"SELECT pg_drop_replication_slot({literal(slot.name)});",) if slot.state == "lost" else (),
                slot.name,
            )
