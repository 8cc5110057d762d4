"""The write-ahead log cannot be checkpointed because somebody still reads.

What it does
    Reads how much of the WAL readers keep from being overwritten, and who has read for longest.

Why it matters
    The WAL grows without limit, and every reader has to look through it.

Instead
    End the reader's transaction: an open cursor is one. Then the next checkpoint starts the WAL
    anew.

When it is fine
    A backup that is over soon.

See
    https://www.sqlite.org/wal.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration, size

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "bytes",
        67108864.0,
        "bytes",
        "of the WAL that a reader keeps: sixteen times what a checkpoint usually comes at",
    ),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    held = max(scene.counter("held_bytes") or 0.0, scene.counter("backlog_bytes") or 0.0)
    if held <= limits["bytes"]:
        return
    readers = [s for s in scene.sessions if s.state == "reading"]
    oldest = max(readers, key=lambda s: s.transaction_age or 0.0, default=None)
    who = (
        f": process {oldest.id} ({oldest.application}) has read for {duration(oldest.transaction_age)}"
        if oldest
        else ""
    )
    yield Seen(
        f"{size(held)} of the WAL cannot be reused{who}",
        "end that reader's transaction"
        if oldest
        else "run PRAGMA wal_checkpoint(TRUNCATE) when nobody reads",
        {"held_bytes": held, "readers": len(readers)},
        object=oldest.id if oldest else None,
    )
