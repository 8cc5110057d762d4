"""A script or function keeps everybody waiting.

What it does
    Asks the server what runs when it answers BUSY: one script runs at a time, and nothing
    beside it.

Why it matters
    Every client waits until it ends.

Instead
    Stop it with x (SCRIPT KILL, FUNCTION KILL) as long as it has not written; after that only a
    restart without saving ends it.

When it is fine
    Never for more than milliseconds.

See
    https://redis.io/docs/latest/develop/programmability/eval-intro/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import one_line

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 0.0, "seconds", "that it has run; the server says BUSY after five by itself"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    seconds = scene.counter("script_running") or 0.0
    if seconds > limits["seconds"]:
        what = next((s.query for s in scene.sessions if s.state == "active" and s.query), "a script")
        yield Seen(
            f"{one_line(what, 100)} has kept everybody waiting for {seconds:.0f} s",
            "stop it with x while it has not written anything",
            {"seconds": round(seconds, 1)},
        )
