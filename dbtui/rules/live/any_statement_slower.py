"""A statement takes much longer than it used to.

What it does
    Compares the mean time of a statement since the last sample with its mean before it was first
    watched, back to the server's reset, for statements that make up a good part of the load, and
    looks whether it reads more blocks each time: then its plan has most likely changed.

Why it matters
    A plan that flips after ANALYZE, a grown table or a dropped index turns a statement that
    nobody noticed into the load of the server.

Instead
    Look at its plan now (e on the row), beside an earlier one; analyse the tables it reads, and
    see whether an index is missing or invalid.

When it is fine
    A batch that has larger parameters at this time of the day.

See
    https://www.postgresql.org/docs/current/planner-stats.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold, habit_before
from dbtui.text import count, milliseconds, one_line

SEVERITY = Severity.WARNING
ENGINES = ("postgres", "mysql", "mongodb", "redis", "elasticsearch")
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("factor", 4.0, "count", "times its usual mean"),
    Threshold("share", 0.2, "fraction", "of all statement time of the interval"),
    Threshold("mean_ms", 20.0, "count", "milliseconds that it takes now at least"),
    Threshold("calls", 100, "count", "calls that its usual mean is made of at least"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for delta in scene.snapshot.deltas[:20]:
        usual = scene.habits.get(delta.statement.id) or habit_before(delta)
        now, before = delta.mean_ms, usual.total_ms / usual.calls if usual.calls else None
        if now is None or before is None or usual.calls < limits["calls"] or delta.share < limits["share"]:
            continue
        if now < limits["mean_ms"] or now < limits["factor"] * before:
            continue
        blocks = ((delta.blocks_hit or 0) + (delta.blocks_read or 0)) / delta.calls
        usual_blocks = usual.blocks / usual.calls
        flipped = usual_blocks > 0 and blocks > 2 * usual_blocks
        why = f" and reads {count(blocks)} blocks instead of {count(usual_blocks)}: its plan has changed"
        yield Seen(
            f"a statement takes {milliseconds(now)} instead of {milliseconds(before)}{why if flipped else ''}: "
            f"{one_line(delta.statement.query or delta.statement.query_id, 80)}",
            "look at its plan (2, then e), analyse its tables, and see whether an index is gone or invalid",
            {
                "mean_ms": round(now, 2),
                "usual_ms": round(before, 2),
                "share": round(delta.share, 2),
                "blocks": round(blocks),
                "usual_blocks": round(usual_blocks),
            },
            object=delta.statement.query_id or None,
        )
