"""Sessions deadlock: the server has to end one of them.

What it does
    Watches the server's counter of deadlocks over the last minutes.

Why it matters
    Each one is a transaction that was rolled back although nothing was wrong with it; the
    application has to repeat it.

Instead
    Take locks in the same order everywhere; the last deadlock with its statements (D in the
    health pane) shows the two orders.

When it is fine
    Very rare ones that the application repeats.

See
    https://www.postgresql.org/docs/current/explicit-locking.html
    https://dev.mysql.com/doc/refman/8.4/en/innodb-deadlocks.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("per_minute", 0.5, "count", "deadlocks a minute over the last minutes"),
)
EXPORTS = {
    "postgres": "rate(dbtui_pg_deadlocks_total[5m]) * 60 > {per_minute}",
    "mysql": "rate(dbtui_my_deadlocks_total[5m]) * 60 > {per_minute}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    rate = scene.speed("deadlocks") * 60
    if rate > limits["per_minute"]:
        yield Seen(
            f"{rate:.1f} deadlocks a minute: each rolls a transaction back",
            "D in the health pane shows the last one where the engine keeps it: take locks in one order",
            {"per_minute": round(rate, 2), "total": scene.counter("deadlocks") or 0},
        )
