"""The replica has lost its primary.

What it does
    Reads the state of the link to the primary.

Why it matters
    It serves data that grow old, and cannot take over without loss.

Instead
    Look at the primary and the network; a full synchronisation that breaks off again and again
    needs a larger output buffer.

When it is fine
    During a planned failover.

See
    https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 5.0, "seconds", "without a link; a restart of the primary takes as long"),
)
EXPORTS = {
    "redis": "redis_master_link_up == 0",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    down = scene.counter("primary_link_down") or 0.0
    if down > limits["seconds"]:
        yield Seen(
            f"the link to the primary has been down for {down:.0f} s",
            "look at the primary and at the network between",
            {"seconds": down},
        )
