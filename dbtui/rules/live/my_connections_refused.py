"""Clients were refused because all connections were taken.

What it does
    Watches Connection_errors_max_connections over the last minutes.

Why it matters
    Every one is a request that failed.

Instead
    Find who holds the connections: usually slow statements behind a lock, or a pool without a
    limit.

When it is fine
    Never.

See
    https://dev.mysql.com/doc/refman/8.4/en/too-many-connections.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold, most_common

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (Threshold("per_minute", 1.0, "count", "refusals a minute"),)
EXPORTS = {
    "mysql": "rate(dbtui_my_connection_errors_total[5m]) * 60 >= {per_minute}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    refused = scene.speed("connection_errors_max_connections") * 60
    if refused >= limits["per_minute"]:
        who, most = most_common(scene.sessions)
        yield Seen(
            f"{refused:,.0f} clients a minute are refused: all connections are taken"
            + (f", {most} of them by {who}" if most > 1 else ""),
            "end idle sessions of that application; then look at its pool and at what its statements wait for",
            {"per_minute": round(refused, 1), "most": most, "by": who},
        )
