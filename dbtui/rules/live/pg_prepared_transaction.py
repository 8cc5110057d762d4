"""A prepared transaction was left behind.

What it does
    Looks for transactions that were prepared some time ago and neither committed nor rolled
    back.

Why it matters
    It survives restarts, keeps its locks and holds vacuum back for ever: nobody is connected
    that would end it.

Instead
    Ask the transaction manager that made it; then COMMIT PREPARED or ROLLBACK PREPARED by its
    name, as its owner.

When it is fine
    Between the two phases of a commit, which is seconds.

See
    https://www.postgresql.org/docs/current/sql-prepare-transaction.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.sql.quoting import literal
from dbtui.text import duration

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 300.0, "seconds", "since it was prepared; a transaction manager needs seconds"),
)
EXPORTS = {
    "postgres": "dbtui_pg_oldest_prepared_seconds > {seconds}",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for one in scene.health.prepared:
        if one.age > limits["seconds"]:
            yield Seen(
                f"transaction {one.name} of {one.owner} in {one.database} was prepared {duration(one.age)} ago",
                "ask whoever coordinates it, then commit or roll it back",
                {"age_s": round(one.age), "owner": one.owner, "database": one.database},
                (f"ROLLBACK PREPARED {literal(one.name)};",),
                one.name,
            )
