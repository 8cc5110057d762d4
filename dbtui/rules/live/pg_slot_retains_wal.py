"""A replication slot keeps back much of the log.

What it does
    Reads how much log each slot keeps, at what speed the log grows, and how much more may be
    written: up to the server's own limit for slots (max_slot_wal_keep_size), else the room that
    the threshold `room` states, else what is free on the disk of a server on this machine, which
    is reached by its socket. Of a server elsewhere no SQL tells how full its disk is.

Why it matters
    Without a limit the log grows until the disk is full and the server stops; with one the slot
    is given up and its receiver has to begin anew.

Instead
    Bring the receiver back, or drop the slot when it is not wanted any more. Set
    max_slot_wal_keep_size.

When it is fine
    A receiver that is being upgraded and comes back soon.

See
    https://www.postgresql.org/docs/current/warm-standby.html
    https://www.postgresql.org/docs/current/view-pg-replication-slots.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.activity import Slot
from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.rules.live.words import hours
from dbtui.sql.quoting import literal
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("bytes", 10737418240.0, "bytes", "kept by one slot; 10 GB is hours of a receiver that is away"),
    Threshold(
        "hours", 6.0, "count", "until the room is used up at the present speed: time for someone to come"
    ),
    Threshold(
        "room",
        0.0,
        "bytes",
        ("that the log may still take on its disk, where the server has no limit for slots; 0 is not stated"),
    ),
)
EXPORTS = {
    "postgres": "dbtui_pg_slot_retained_bytes > {bytes}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    speed = scene.speed("wal_bytes")
    for slot in scene.health.slots:
        kept, room = (
            slot.retained_bytes or 0,
            slot.room_bytes if slot.room_bytes is not None else limits["room"] or scene.counter("disk_free"),
        )
        left = room / speed if room is not None and speed > 0 else None
        if kept <= limits["bytes"] and (slot.active or left is None or left > limits["hours"] * 3600):
            continue
        yield Seen(
            f"slot {slot.name} ({slot.kind}, {'active' if slot.active else 'nobody reads it'}) retains {size(kept)}"
            f"{_outlook(slot, speed, left)}",
            "bring its receiver back, or drop the slot when nobody will come; then set max_slot_wal_keep_size",
            {
                "retained_bytes": kept,
                "wal_bytes_per_s": round(speed),
                "active": "yes" if slot.active else "no",
                "hours_left": round(left / 3600, 1) if left is not None else "not known",
            },
            () if slot.active else (f"SELECT pg_drop_replication_slot({literal(slot.name)});",),
            slot.name,
            Severity.ERROR if left is not None and left < limits["hours"] * 3600 else None,
        )


def _outlook(slot: Slot, speed: float, left: float | None) -> str:
    if speed < 1:
        return ""
    if left is None:
        return f"; at {size(speed)}/s that is {size(speed * 3600)} more every hour"
    what = "the slot is given up" if slot.room_bytes is not None else "the disk is full"
    return f"; at {size(speed)}/s {what} in {hours(left)}"
