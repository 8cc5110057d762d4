"""Clients are refused because all connections are taken.

What it does
    Watches the server's counter of refused connections over the last minutes, and names the
    application that holds most of them.

Why it matters
    Every one is a request that failed.

Instead
    Find who holds the connections: a pool without a limit, or slow statements behind a lock.
    End idle sessions; raise the limit last.

When it is fine
    Never.

See
    https://dev.mysql.com/doc/refman/8.4/en/too-many-connections.html
    https://redis.io/docs/latest/develop/reference/clients/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold, most_common

SEVERITY = Severity.WARNING
ENGINES = ("mysql", "redis")
THRESHOLDS: tuple[Threshold, ...] = (Threshold("per_minute", 1.0, "count", "refusals a minute"),)
EXPORTS = {
    "mysql": "rate(dbtui_my_connection_errors_total[5m]) * 60 >= {per_minute}",
    "redis": "rate(redis_rejected_connections_total[5m]) * 60 >= {per_minute}",
}


_COUNTERS = ("connection_errors_max_connections", "rejected_connections")


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    refused = sum(scene.speed(name) for name in _COUNTERS) * 60
    if refused >= limits["per_minute"]:
        who, most = most_common(scene.sessions)
        yield Seen(
            f"{refused:,.0f} clients a minute are refused: all connections are taken"
            + (f", {most} of them by {who}" if most > 1 else ""),
            "end idle sessions of that application; then look at its pool and at what its statements wait for",
            {"per_minute": round(refused, 1), "most": most, "by": who},
        )
