"""Vacuum is behind with a table.

What it does
    Compares the dead rows of the worst tables of the connected database with the number at
    which autovacuum begins.

Why it matters
    Dead rows are read by every scan and keep the table growing.

Instead
    See what holds vacuum back; else VACUUM it now and let autovacuum begin earlier for this
    table.

When it is fine
    A table that is emptied and filled by a batch, whose last step is VACUUM.

See
    https://www.postgresql.org/docs/current/routine-vacuuming.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import count, duration

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("factor", 2.0, "count", "times the dead rows at which autovacuum begins: it had its chance"),
    Threshold("dead", 100000.0, "count", "dead rows; fewer are no burden"),
)
EXPORTS = {
    "postgres": (
        "dbtui_pg_dead_rows > {dead} and dbtui_pg_dead_rows > {factor} * dbtui_pg_autovacuum_due_rows"
    ),
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    held = max((s for s in scene.sessions if s.holds_back), key=lambda s: s.holds_back or 0, default=None)
    for table in scene.health.worn:
        if table.dead < limits["dead"] or table.dead < limits["factor"] * table.due:
            continue
        because = "autovacuum is switched off for it" if table.off else ""
        if not because and held is not None and (held.transaction_age or 0.0) > 60:
            because = f"session {held.id} holds a snapshot for {duration(held.transaction_age)}"
        last = f"{duration(table.vacuumed)} ago" if table.vacuumed is not None else "never"
        yield Seen(
            f"{table.name} has {count(table.dead)} dead rows beside {count(table.rows)}; vacuumed {last}"
            + (f"; {because}" if because else ""),
            "end what holds vacuum back, then vacuum it (V in the schema pane)",
            {"dead": table.dead, "rows": table.rows, "due_at": table.due},
            (f"VACUUM (ANALYZE) {table.name};",),
            table.name,
        )
