"""The redo log is nearly full of what was not checkpointed.

What it does
    Compares the age of the last checkpoint with the room of the redo log.

Why it matters
    At the end of the room every write waits for pages to be written: throughput falls off a
    cliff.

Instead
    Raise innodb_redo_log_capacity (innodb_log_file_size on MariaDB).

When it is fine
    A bulk load that is over soon.

See
    https://dev.mysql.com/doc/refman/8.4/en/innodb-redo-log.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "share", 0.75, "fraction", "of the redo log's room; the server flushes in a hurry from about there"
    ),
)
EXPORTS = {
    "mysql": "dbtui_my_checkpoint_age > {share} * dbtui_my_redo_room",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    age, room = scene.counter("checkpoint_age"), scene.counter("redo_room")
    if age is not None and room and age > limits["share"] * room:
        yield Seen(
            f"{age / room:.0%} of the redo log's {size(room)} waits for a checkpoint; "
            f"{size(scene.speed('innodb_os_log_written'))}/s are added",
            "raise innodb_redo_log_capacity, or innodb_log_file_size on MariaDB",
            {"checkpoint_age": age, "room": room, "share": round(age / room, 2)},
        )
