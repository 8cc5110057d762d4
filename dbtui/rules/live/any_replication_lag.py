"""A replica is behind.

What it does
    Reads how far each receiver is behind in seconds and in bytes of the log.

Why it matters
    Readers of the replica see the past, and a failover now would lose or delay what is missing.

Instead
    Look at the slowest: its disk, one large transaction, a long query that holds back replay,
    the network between.

When it is fine
    A replica that is delayed on purpose.

See
    https://www.postgresql.org/docs/current/monitoring-stats.html
    https://dev.mysql.com/doc/refman/8.4/en/show-replica-status.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql", "mongodb", "redis")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 30.0, "seconds", "that readers of a replica may see the past"),
    Threshold(
        "bytes",
        1073741824.0,
        "bytes",
        "of log that a receiver has not got; 1 GB is a minute of a busy server",
    ),
)
EXPORTS = {
    "postgres": (
        "max by (application_name) (dbtui_pg_replica_lag_seconds) > {seconds} or max by "
        "(application_name) (dbtui_pg_replica_lag_bytes) > {bytes}"
    ),
    "redis": "redis_connected_slave_lag_seconds > {seconds}",
    "mongodb": (
        "(scalar(max(mongodb_rs_members_optimeDate)) - mongodb_rs_members_optimeDate) / 1000 > {seconds}"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    behind = [
        r
        for r in scene.health.replicas
        if (r.lag_seconds or 0.0) > limits["seconds"] or (r.lag_bytes or 0) > limits["bytes"]
    ]
    for replica in behind:
        figures = [f"{replica.lag_seconds:,.0f} s" if replica.lag_seconds else "", size(replica.lag_bytes)]
        yield Seen(
            f"{replica.name or 'a replica'} ({replica.client or 'local'}, {replica.state}) is "
            f"{' and '.join(filter(None, figures))} behind",
            "look at its disk, at long queries on it, and at one large transaction that it replays",
            {"lag_s": replica.lag_seconds or 0.0, "lag_bytes": replica.lag_bytes or 0},
            object=replica.name or None,
        )
    own = scene.counter("replication_lag")
    if not behind and own is not None and own > limits["seconds"]:
        yield Seen(
            f"this server is {own:,.0f} s behind, or its slowest receiver is",
            "look at its disk, at long queries on it, and at one large transaction that it replays",
            {"lag_s": own},
        )
