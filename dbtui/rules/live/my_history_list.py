"""Purge is behind: old row versions pile up.

What it does
    Reads the length of InnoDB's history list and which transaction has been open longest.

Why it matters
    Every reader walks through the versions that were not purged, and the undo tablespaces grow.

Instead
    End the oldest transaction: purge waits for the oldest reader. If there is none, give purge
    more threads.

When it is fine
    During a large delete or update that is over soon.

See
    https://dev.mysql.com/doc/refman/8.4/en/innodb-purge-configuration.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import count, duration

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("length", 100000.0, "count", "undo records that wait for purge; thousands are normal"),
    Threshold("critical", 5000000.0, "count", "from which readers are felt to be slow"),
)
EXPORTS = {
    "mysql": "dbtui_my_history_list > {length}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    length = scene.counter("history_list")
    if length is None or length <= limits["length"]:
        return
    oldest = max(
        (s for s in scene.sessions if s.transaction_age is not None),
        key=lambda s: s.transaction_age or 0.0,
        default=None,
    )
    who = ""
    if oldest is not None:
        who = (
            f"; session {oldest.id} ({oldest.user} {oldest.application}) has had a transaction open for "
            f"{duration(oldest.transaction_age)}"
        )
    yield Seen(
        f"{count(length)} undo records wait for purge, {scene.speed('history_list'):+,.0f} a second{who}",
        "end that transaction: purge waits for the oldest reader" if who else "raise innodb_purge_threads",
        {"history_list": length, "per_s": round(scene.speed("history_list"), 1)},
        object=oldest.id if oldest else None,
        severity=Severity.ERROR if length > limits["critical"] else None,
    )
