"""Which statements the load is made of, where the server keeps no counters: what sessions were seen to run."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import replace

from dbtui.model.activity import Session, Statement, Statements

MOST_SHAPES = 1_000


class SampledStatements:
    """What active sessions were seen to run, added up by the shape of the statement.

    A session that is active in a sample counts the time since the sample before, at most `MOST_SECONDS`. So
    short statements appear by chance, in proportion to their load. `shape` makes one key of statements that
    differ in their literals only, and `masked` the text that is shown of them.
    """

    MOST_SECONDS = 10.0

    def __init__(self, *, shape: Callable[[str], str], masked: Callable[[str], str]) -> None:
        self._shape = shape
        self._masked = masked
        self._shapes: dict[str, Statement] = {}
        self._seen_at: float | None = None
        self._running: dict[str, tuple[str, float]] = {}  # session → its shape, and when that began

    def observe(self, sessions: Iterable[Session], *, now: float) -> None:
        """Add one sample; `now` is of a steady clock."""
        elapsed = 0.0 if self._seen_at is None else min(now - self._seen_at, self.MOST_SECONDS)
        self._seen_at = now
        running: dict[str, tuple[str, float]] = {}
        for session in sessions:
            if (
                session.state != "active"
                or session.hidden
                or not session.query
                or session.kind != "client backend"
            ):
                continue
            shape = f"{session.database}/{session.user}/{self._shape(session.query)}"
            who, began = f"{session.id}/{session.started}", now - (session.query_age or 0.0)
            running[who] = (shape, began)
            before = self._running.get(who)
            same = before is not None and before[0] == shape and abs(before[1] - began) < 0.5
            self._count(
                shape,
                session,
                calls=0 if same else 1,
                seconds=elapsed if same else min(elapsed, session.query_age or 0.0),
            )
        self._running = running
        if len(self._shapes) > MOST_SHAPES:
            kept = heapq.nlargest(MOST_SHAPES // 2, self._shapes.values(), key=lambda s: s.total_ms)
            self._shapes = {s.id: s for s in kept}

    def _count(self, shape: str, session: Session, *, calls: int, seconds: float) -> None:
        known = self._shapes.get(shape) or Statement(
            id=shape,
            query_id=session.query_id,
            database=session.database,
            user=session.user,
            query=self._masked(session.query),
            calls=0,
            total_ms=0.0,
        )
        self._shapes[shape] = replace(
            known, calls=known.calls + calls, total_ms=known.total_ms + seconds * 1000
        )

    def seen(self, *, note: str) -> Statements:
        """What was seen so far; `note` says how to get real counters."""
        return Statements(statements=tuple(self._shapes.values()), source="sampled activity", note=note)
