"""What is different from a while ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ShiftKind = Literal["statement", "wait", "table", "client", "lock", "checkpoint", "counter"]
Unit = Literal["sessions", "connections", "per second", "per minute", "bytes per second"]


@dataclass(frozen=True, slots=True)
class Shift:
    """One thing that the server does more or less of than before. `now` and `before` are in `unit`."""

    kind: ShiftKind
    subject: str  # a statement, a wait class, a table, a client, a figure's label; server text
    now: float
    before: float
    unit: Unit  # "sessions" are average active ones
    weight: float  # by which they are ranked: how much, and how many times as much
