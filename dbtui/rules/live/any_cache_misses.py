"""The cache misses more than it should.

What it does
    Compares what was found in the buffer cache with what was asked for over the last minutes,
    once enough is read for the share to mean anything.

Why it matters
    A miss waits for the disk, or at best for the operating system: latency follows the share.

Instead
    See which statement reads (2, sorted by reads): a new sequential scan is the usual reason.
    Else the working set has outgrown the memory.

When it is fine
    After a restart, during a backup or a batch that reads everything once.

See
    https://www.postgresql.org/docs/current/runtime-config-resource.html
    https://dev.mysql.com/doc/refman/8.4/en/innodb-buffer-pool.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.WARNING
SYMPTOM = True
ENGINES = ("postgres", "mysql")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "share",
        0.9,
        "fraction",
        "of what was asked for that has to be found; below it the disk is what one waits for",
    ),
    Threshold("reads", 500.0, "per second", "blocks or pages read; below it the share says nothing"),
)
EXPORTS = {
    "postgres": (
        "rate(dbtui_pg_blocks_read_total[5m]) > {reads} and rate(dbtui_pg_blocks_hit_total[5m]) /"
        " (rate(dbtui_pg_blocks_hit_total[5m]) + rate(dbtui_pg_blocks_read_total[5m])) < {share}"
    ),
}


_COUNTERS = {"hit": ("blocks_hit", "pages_hit"), "read": ("blocks_read", "pages_read")}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    hit, read = (sum(scene.speed(name) for name in _COUNTERS[kind]) for kind in ("hit", "read"))
    if read < limits["reads"] or hit / (hit + read) >= limits["share"]:
        return
    yield Seen(
        f"{hit / (hit + read):.0%} of the blocks were found in the cache; {read:,.0f} a second were read",
        "see which statement reads: pane 2, sorted by its reads",
        {"share": round(hit / (hit + read), 3), "reads_per_s": round(read)},
    )
