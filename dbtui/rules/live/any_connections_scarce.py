"""The server is running out of connections.

What it does
    Compares the connections that are taken with those that an ordinary user can get, and names
    the application that holds most of them.

Why it matters
    The next client is refused, and so is everyone who would come to help.

Instead
    Find why the named application opens so many: a missing or too large pool, or slow
    statements that pile up. End its idle sessions; put a pooler in between.

When it is fine
    A pool that is sized to take nearly all connections, and never more.

See
    https://www.postgresql.org/docs/current/runtime-config-connection.html
    https://dev.mysql.com/doc/refman/8.4/en/too-many-connections.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold, most_common

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql", "mongodb", "redis")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "share",
        0.8,
        "fraction",
        "of the connections that ordinary users can get; the rest is for those who come to help",
    ),
)
EXPORTS = {
    "postgres": "dbtui_pg_connections > {share} * dbtui_pg_connections_limit",
    "mysql": "dbtui_my_threads_connected > {share} * dbtui_my_max_connections",
    "redis": "redis_connected_clients > {share} * redis_config_maxclients",
    "mongodb": (
        'mongodb_ss_connections{{conn_type="current"}} > on (instance) {share} * '
        '(mongodb_ss_connections{{conn_type="current"}} + on (instance) '
        'mongodb_ss_connections{{conn_type="available"}})'
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    activity = scene.snapshot.activity.value
    if activity is None or not activity.limit or activity.connections <= limits["share"] * activity.limit:
        return
    who, most = most_common(tuple(s for s in activity.sessions if s.kind in ("client backend", "")))
    idle = sum(s.state == "idle" for s in activity.sessions)
    full = activity.connections >= activity.limit
    yield Seen(
        f"{activity.connections} of {activity.limit} connections are taken"
        + (f", {most} of them by {who}" if most > 1 else ""),
        f"{idle} of them are idle: mark them with t (app:… state=idle) and end them, then look at that pool",
        {"connections": activity.connections, "limit": activity.limit, "most": most, "by": who, "idle": idle},
        severity=Severity.ERROR if full else None,
    )
