"""A process holds the write lock for long.

What it does
    Looks for processes that hold the lock of a writer.

Why it matters
    There is one writer at a time: every other one waits, and fails with `database is locked`
    when its patience ends.

Instead
    Write in short transactions; open them with BEGIN IMMEDIATE, and do nothing slow inside.

When it is fine
    A migration or a VACUUM that is known.

See
    https://www.sqlite.org/lockingv3.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import beginning, duration

SEVERITY = Severity.WARNING
THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "seconds",
        5.0,
        "seconds",
        "that the lock was seen to be held at least: the usual patience of those who wait",
    ),
)


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    for session in scene.sessions:
        if session.state in _WRITES and (session.transaction_age or 0.0) > limits["seconds"]:
            yield Seen(
                f"process {session.id} ({beginning(session.application, 32)}) has held the write lock for at least "
                f"{duration(session.transaction_age)}: nobody else can write",
                "let it commit; its database calls stand in that program",
                {"seconds": round(session.transaction_age or 0.0), "state": session.state},
                object=session.id,
            )


_WRITES = frozenset({"reserved", "pending", "exclusive", "writing"})
