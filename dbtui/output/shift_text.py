"""What changed, in plain words."""

from __future__ import annotations

from dbtui.model.shift import Shift
from dbtui.text import one_line, size

_NOUNS = {
    "checkpoints_req": "requested checkpoints", "checkpoints_timed": "timed checkpoints",
    "checkpoints_requested": "requested checkpoints",
}  # fmt: skip


def words(shift: Shift, width: int = 80) -> str:
    """One change as a phrase: `Lock waits: 4.2 sessions, was 0.1`. Server text in it is made harmless."""
    now, before = _figure(shift.now, shift), _figure(shift.before, shift)
    unit = {"sessions": " sessions", "connections": " connections", "per minute": " a minute"}.get(
        shift.unit, ""
    )
    return f"{subject(shift, width)}: {now}{unit}, was {before}"


def subject(shift: Shift, width: int = 80) -> str:
    """What a change is about."""
    name = one_line(shift.subject, width)
    match shift.kind:
        case "wait":
            return f"{name} waits" if name else "running, not waiting"
        case "lock":
            return "waiting for locks"
        case "table":
            return f"table {name}"
        case "client":
            return name or "without an application name"
        case "checkpoint":
            return _NOUNS.get(name, name.replace("_", " "))
        case _:
            return name


def _figure(value: float, shift: Shift) -> str:
    if shift.unit == "bytes per second":
        return f"{size(value)}/s"
    number = f"{value:,.0f}" if value >= 99.5 or value == int(value) else f"{value:.1f}"
    return f"{number}/s" if shift.unit == "per second" else number
