"""The data set could not be saved.

What it does
    Reads the outcome of the last snapshot and of the last rewrite and write of the append-only
    file.

Why it matters
    A restart would go back to the last good state; by default writes are refused until a save
    succeeds.

Instead
    Read the server's log: the disk is full, the folder may not be written, or the fork found no
    memory.

When it is fine
    A pure cache that is not meant to be saved: switch saving off.

See
    https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = ()
EXPORTS = {
    "redis": "redis_rdb_last_bgsave_status == 0",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    failed = scene.counter("save_failed") or 0.0
    if failed:
        unsaved = scene.counter("rdb_changes_since_last_save") or 0.0
        yield Seen(
            f"the last save failed; {unsaved:,.0f} changes are not saved",
            "read the server's log: disk, folder or memory",
            {"failed": failed, "unsaved": unsaved},
        )
