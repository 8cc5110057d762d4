"""Statements wait for free pages in the buffer pool.

What it does
    Watches Innodb_buffer_pool_wait_free: reads that had to wait until a dirty page was written.

Why it matters
    The pool is too small for what is written, or the disk too slow to write it out.

Instead
    Raise innodb_buffer_pool_size or innodb_io_capacity.

When it is fine
    During a bulk load.

See
    https://dev.mysql.com/doc/refman/8.4/en/innodb-buffer-pool-flushing.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("per_second", 1.0, "per second", "waits; in health there are none"),
)
EXPORTS = {
    "mysql": "rate(dbtui_my_buffer_pool_wait_free_total[5m]) > {per_second}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    waits = scene.speed("innodb_buffer_pool_wait_free")
    if waits > limits["per_second"]:
        yield Seen(
            f"{waits:,.1f} times a second a statement waits for a free page",
            "raise innodb_buffer_pool_size, or innodb_io_capacity where the disk has room",
            {"per_s": round(waits, 1)},
        )
