"""Operations wait for an execution ticket.

What it does
    Compares the operations that are queued with the tickets that are out. From 7.0 on the
    number of tickets adapts, so only a queue says that there are too few.

Why it matters
    The storage engine works on as many as it can: all others wait, also cheap ones.

Instead
    Look for what holds the tickets: slow operations without an index, or a disk that is full of
    work.

When it is fine
    A burst that is over in a second.

See
    https://www.mongodb.com/docs/manual/reference/parameters/
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (Threshold("queued", 10, "count", "operations in the queue at once"),)
EXPORTS = {
    "mongodb": 'mongodb_ss_globalLock_currentQueue{{count_type="total"}} > {queued}',
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    queued = scene.counter("queued") or 0.0
    if queued <= limits["queued"]:
        return
    out = {kind: scene.counter(f"{kind}_tickets") for kind in ("read", "write")}
    used = ", ".join(
        f"{value:.0f} {kind} tickets are out" for kind, value in out.items() if value is not None
    )
    yield Seen(
        f"{queued:.0f} operations are queued" + (f"; {used}" if used else ""),
        "end what runs longest without an index (pane 1, sorted by age)",
        {"queued": queued, **{f"{kind}_tickets": value for kind, value in out.items() if value is not None}},
    )
