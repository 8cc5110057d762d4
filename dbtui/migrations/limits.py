"""Where a run holds, takes back or stops itself, and how a person says so: `lag=5 sessions=40 replica=db-02`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dbtui.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a step stops itself. Seconds, sessions and bytes."""

    queue: int = 10  # sessions that wait behind our lock, or behind our wait for it
    queue_seconds: float = 1.5  # the longest of those waits
    lag: float = 10.0  # of the slowest replica, for backfills
    lag_bytes: int = 256 * 2**20
    active: int = 200  # sessions at work, for backfills
    cleaning: float = 60.0  # that the server's own cleaning of the table is waited for, for backfills
    holding: float = 1800.0  # that a backfill holds in one go before it stops itself
    critical_active: int = 0  # sessions at work at which any statement is taken back; 0 is never
    critical_lag: float = 0.0  # of the slowest replica, likewise
    back_off: tuple[float, float] = (0.5, 30.0)  # between two attempts: the first, and the most
    regain: float = 120.0  # for a server that went away to come back
    replicas: tuple[str, ...] = ()  # connections whose lag is asked for, where the server does not tell it


# What a person may say: the field, what a unit of it is, and what happens there.
_WORDS: dict[str, tuple[str, int, str]] = {
    "queue": ("queue", 1, "sessions wait behind us: DDL is taken back"),
    "wait": ("queue_seconds", 1, "seconds the longest of them waits: the same"),
    "lag": ("lag", 1, "seconds a replica is behind: a backfill holds"),
    "lag-mb": ("lag_bytes", 2**20, "megabytes a replica is behind: the same"),
    "sessions": ("active", 1, "sessions are at work: the same"),
    "vacuum": ("cleaning", 1, "seconds a backfill waits for autovacuum"),
    "hold": ("holding", 1, "seconds a backfill has held in one go: it stops"),
    "critical-sessions": ("critical_active", 1, "at work: whatever runs is taken back"),
    "critical-lag": ("critical_lag", 1, "seconds behind: the same; 0 of both is never"),
}  # fmt: skip
_REPLICA = "replica"
_REPLICAS = "whose lag counts; MySQL does not tell it itself"


def limits_help(limits: Limits) -> str:
    """Each limit with its value and what happens there, a line each."""
    said = dict(item.split("=", 1) for item in limits_text(replace(limits, replicas=())).split())
    lines = [f"{f'{word}={value}':21}{_WORDS[word][2]}" for word, value in said.items()]
    named = [f"{_REPLICA}={one}" for one in limits.replicas] or [f"{_REPLICA}=NAME"]
    return "\n".join([*lines, *(f"{one:21}{_REPLICAS}" for one in named)])


def limits_of(text: str) -> Limits:
    """The limits that a text changes, the others as they are. Raises UsageError."""
    made = Limits()
    for item in text.split():
        word, sign, value = item.partition("=")
        if word == _REPLICA and value:
            made = replace(made, replicas=(*made.replicas, value))
            continue
        if word not in _WORDS or not sign:
            raise UsageError(
                f"{item!r} is no limit", f"write {', '.join(_WORDS)} or {_REPLICA}, each with =VALUE"
            )
        field, unit, _ = _WORDS[word]
        kind = type(getattr(made, field))
        made = replace(made, **{field: kind(_number(item, value) * unit)})
    return made


def _number(item: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UsageError(f"{item!r} is no limit", "the value is a number from 0 up")
    return number


def limits_text(limits: Limits) -> str:
    """The limits as `limits_of` reads them."""
    said = []
    for word, (field, unit, _) in _WORDS.items():
        said.append(f"{word}={getattr(limits, field) / unit:g}")
    return " ".join([*said, *(f"{_REPLICA}={one}" for one in limits.replicas)])
