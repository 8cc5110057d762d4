"""An operation runs far longer than a request should.

What it does
    Looks for operations of clients that have run longer than the threshold, and tells the
    oldest.

Why it matters
    It reads or writes all this time: it takes the cache, a ticket and the disk from the others.

Instead
    Look at its plan with e, cancel it with x, and give such requests a maxTimeMS.

When it is fine
    Reports, index builds and exports that are meant to take this long.

See
    https://www.mongodb.com/docs/manual/tutorial/terminate-running-operations/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import duration, one_line

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold("seconds", 30.0, "seconds", "that it has run: nobody waits for its answer so long"),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    ran = [
        (session.query_age, session)
        for session in scene.sessions
        if session.state == "active"
        and session.kind == "client backend"
        and (session.query_age or 0.0) > limits["seconds"]
    ]
    if ran:
        age, oldest = max(ran, key=lambda one: one[0] or 0.0)
        who = oldest.application or oldest.user or oldest.client or "a client"
        others = f", and {len(ran) - 1} more" if len(ran) > 1 else ""
        yield Seen(
            f"{who} runs for {duration(age)} on {oldest.database}: {one_line(oldest.query, 120)}{others}",
            "e shows its plan and x cancels it where the server can; give such requests a maxTimeMS",
            {"operations": len(ran), "oldest_s": round(age or 0.0, 1)},
            object=oldest.id,
        )
