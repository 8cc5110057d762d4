"""The oplog reaches back too little.

What it does
    Reads the time between the oldest and the newest entry of the oplog.

Why it matters
    A member that is away for longer than this has to copy everything anew, and change streams
    that are read too late break off.

Instead
    Make the oplog larger, or set a minimum retention.

When it is fine
    A server that is being filled for the first time.

See
    https://www.mongodb.com/docs/manual/core/replica-set-oplog/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.rules.live.words import hours

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "hours",
        24.0,
        "count",
        "of writes that the oplog holds: a night and a day to notice a member that is away",
    ),
)
EXPORTS = {
    "mongodb": (
        "mongodb_mongod_replset_oplog_head_timestamp - "
        "mongodb_mongod_replset_oplog_tail_timestamp < {hours} * 3600"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    window = scene.counter("oplog_window")
    if window is not None and window < limits["hours"] * 3600:
        yield Seen(
            f"the oplog reaches back {hours(window)}",
            "make it larger with replSetResizeOplog, or give it a minimum retention",
            {"hours": round(window / 3600, 2)},
            ("db.adminCommand({ replSetResizeOplog: 1, minRetentionHours: 24 })",),
        )
