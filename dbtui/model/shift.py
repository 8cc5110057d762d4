"""What is different from a while ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ShiftKind = Literal["statement", "wait", "table", "client", "lock", "checkpoint", "counter"]


@dataclass(frozen=True, slots=True)
class Shift:
    """One thing that the server does more or less of than before. `now` and `before` are in `unit`."""

    kind: ShiftKind
    subject: str  # a statement, a wait class, a table, a client; server text
    now: float
    before: float
    unit: Literal["sessions", "connections", "per second", "per minute", "bytes per second"]
    weight: float  # by which changes are ranked: how much, and how many times as much
