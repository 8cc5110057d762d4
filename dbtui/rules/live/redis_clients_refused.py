"""Clients are refused.

What it does
    Watches rejected connections over the last minutes.

Why it matters
    Every one is a request that failed.

Instead
    Find who opens so many (pane 1), close idle clients with `timeout`, or raise maxclients.

When it is fine
    Never.

See
    https://redis.io/docs/latest/develop/reference/clients/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold, most_common

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (Threshold("per_minute", 1.0, "count", "refusals a minute"),)
EXPORTS = {
    "redis": "rate(redis_rejected_connections_total[5m]) * 60 >= {per_minute}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    refused = scene.speed("rejected_connections") * 60
    if refused >= limits["per_minute"]:
        who, most = most_common(scene.sessions)
        yield Seen(
            f"{refused:,.0f} clients a minute are refused"
            + (f"; {most} of those there are {who}" if most > 1 else ""),
            "look at that pool, or raise maxclients",
            {"per_minute": round(refused, 1), "most": most, "by": who},
        )
