"""The log is not archived.

What it does
    Watches the failures of archive_command or the archive library over the last minutes.

Why it matters
    Log that was not archived is kept, until the disk is full; and no backup can be rolled
    forward past the gap.

Instead
    Read the server's log for what the command says; look at the archive's room and rights.

When it is fine
    A short outage of the archive that it repeats by itself.

See
    https://www.postgresql.org/docs/current/continuous-archiving.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("failures", 3, "count", "in the last minutes; one or two are repeated by themselves"),
)
EXPORTS = {
    "postgres": (
        "increase(dbtui_pg_archive_failures_total[5m]) >= {failures} and "
        "increase(dbtui_pg_archived_total[5m]) == 0"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    failures = scene.speed("archive_failures") * 300
    if failures >= limits["failures"] and scene.speed("archived") == 0:
        yield Seen(
            f"archiving failed about {failures:.0f} times in five minutes and succeeded never; "
            f"log grows by {size(scene.speed('wal_bytes'))}/s",
            "read the server's log for what archive_command says",
            {"failures_in_5_min": round(failures), "wal_bytes_per_s": round(scene.speed("wal_bytes"))},
        )
