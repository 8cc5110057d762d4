"""Checkpoints are forced by the amount of log instead of coming by the clock.

What it does
    Compares checkpoints that were requested with those that were due, over the last minutes.

Why it matters
    A forced checkpoint writes in a hurry, and after it each page is written whole into the log:
    more log, sooner the next one.

Instead
    Raise max_wal_size until nearly all checkpoints come by the clock.

When it is fine
    A load or a restore that is over soon.

See
    https://www.postgresql.org/docs/current/wal-configuration.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("share", 0.5, "fraction", "of all checkpoints that were requested"),
    Threshold("per_hour", 6.0, "count", "requested checkpoints an hour; fewer do no harm"),
)
EXPORTS = {
    "postgres": (
        "rate(dbtui_pg_checkpoints_requested_total[15m]) * 3600 > {per_hour} and "
        "rate(dbtui_pg_checkpoints_requested_total[15m]) > {share} * "
        "(rate(dbtui_pg_checkpoints_requested_total[15m]) + "
        "rate(dbtui_pg_checkpoints_timed_total[15m]))"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    forced, due = scene.speed("checkpoints_requested"), scene.speed("checkpoints_timed")
    if forced * 3600 < limits["per_hour"] or forced / (forced + due) < limits["share"]:
        return
    yield Seen(
        f"{forced / (forced + due):.0%} of the checkpoints were forced, {forced * 3600:.0f} an hour at this pace; "
        f"log grows by {size(scene.speed('wal_bytes'))}/s",
        "raise max_wal_size",
        {
            "share": round(forced / (forced + due), 2),
            "per_hour": round(forced * 3600),
            "wal_bytes_per_s": round(scene.speed("wal_bytes")),
        },
        ("ALTER SYSTEM SET max_wal_size = '4GB'; SELECT pg_reload_conf();",),
    )
