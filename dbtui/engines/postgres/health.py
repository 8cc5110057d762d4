"""What changes slowly: receivers of the log, long operations, checkpoints, slots, and how old things are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dbtui.model.activity import Health, Progress, Replica


def health_of(answer: Mapping[str, Any]) -> Health:
    """Replicas and progress of one answer of health.sql."""
    replicas = tuple(
        Replica(name or "", client or "", state or "", None if behind is None else int(behind), seconds)
        for name, client, state, behind, seconds in answer.get("replicas") or ()
    )
    progress = tuple(
        Progress(str(pid), operation or "", phase or "", target or "", done or 0, total, unit)
        for pid, operation, phase, target, done, total, unit in answer["progress"] or ()
    )
    return Health(replicas, progress)


def slow_counters(answer: Mapping[str, Any]) -> dict[str, float]:
    """The counters of one answer of health.sql, by name."""
    values: dict[str, float] = {}
    for part in ("slots", "checkpoints", "log", "transactions"):
        values |= {name: value for name, value in (answer.get(part) or {}).items() if value is not None}
    return values
