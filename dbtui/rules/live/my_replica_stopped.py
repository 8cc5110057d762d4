"""A thread of replication does not run.

What it does
    Reads the state of each channel by which this server receives: whether it receives and
    applies, and its last error.

Why it matters
    Its data grow old from now on, and no lag is told while it stands still: a check of the lag
    alone sees nothing.

Instead
    Mend what the error names (a missing row, a duplicate key, a purged log), then START
    REPLICA.

When it is fine
    It was stopped for a backup or a change, and somebody will start it again.

See
    https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import one_line

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = ()


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for channel in scene.health.replicas:
        if channel.state.startswith("stopped: "):
            yield Seen(
                f"replication {channel.name} ({channel.client}) is {one_line(channel.state, 200)}",
                "mend what the error names, then start it again",
                {"channel": channel.name, "source": channel.client},
                ("START REPLICA;",),
                channel.name,
            )
