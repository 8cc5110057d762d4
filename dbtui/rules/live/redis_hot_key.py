"""One key takes most of the time of slow commands.

What it does
    Adds up the time of the slow log's last minutes by key: one key with most of it is hot or
    too large.

Why it matters
    Commands run one after the other: while one works on this key, everybody waits; and a
    cluster cannot spread one key.

Instead
    Split the key, read it by parts (HSCAN, ranges instead of whole lists), or cache it at the
    clients.

When it is fine
    A batch that is over soon.

See
    https://redis.io/docs/latest/commands/slowlog/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import milliseconds

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("share", 0.5, "fraction", "of the time of all slow commands of five minutes"),
    Threshold("calls", 20, "count", "slow commands about this key; fewer are chance"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for key in scene.health.hot:
        if key.share >= limits["share"] and key.calls >= limits["calls"]:
            yield Seen(
                f"{key.key} takes {key.share:.0%} of the time of slow commands: {key.calls} calls, "
                f"mostly {key.command}, {milliseconds(key.seconds * 1000 / key.calls)} each",
                "split the key, read it by parts, or cache it at the clients",
                {
                    "calls": key.calls,
                    "share": round(key.share, 3),
                    "seconds": round(key.seconds, 3),
                    "command": key.command,
                },
                object=key.key,
            )
