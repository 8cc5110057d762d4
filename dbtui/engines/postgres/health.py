"""What changes slowly: receivers of the log, long operations, checkpoints, slots, and how old things are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dbtui.engines.postgres.refusal import Question
from dbtui.errors import QueryError, QueryTimeout
from dbtui.model.activity import Health, Prepared, Progress, Replica, Slot, Worn

if TYPE_CHECKING:
    from dbtui.engines.postgres.connection import Connection

_LOOK_EVERY = 60.0  # seconds


def health_of(answer: Mapping[str, Any]) -> Health:
    """Replicas, progress, slots and prepared transactions of one answer of health.sql."""
    replicas = tuple(
        Replica(name or "", client or "", state or "", None if behind is None else int(behind), seconds)
        for name, client, state, behind, seconds in answer.get("replicas") or ()
    )
    progress = tuple(
        Progress(str(pid), operation or "", phase or "", target or "", done or 0, total, unit)
        for pid, operation, phase, target, done, total, unit in answer["progress"] or ()
    )
    slots = tuple(
        Slot(name, kind, active, state or "", None if kept is None else int(kept), room)
        for name, kind, active, state, kept, room in answer.get("slot_list") or ()
    )
    prepared = tuple(Prepared(*one) for one in answer.get("prepared") or ())
    return Health(replicas, progress, slots, prepared=prepared)


class Worst:
    """The tables that vacuum is most behind with, looked for now and then: the view reads every table's counters."""

    def __init__(self) -> None:
        self._question = Question("worn")
        self._tables: tuple[Worn, ...] = ()
        self._due = 0.0

    async def look(self, connection: Connection, *, now: float, timeout: float) -> tuple[Worn, ...]:
        """Those of the last look, or of a new one once a minute. Raises QueryTimeout, SessionLost."""
        if now >= self._due:
            self._due = now + _LOOK_EVERY
            try:
                self._tables = worn_of(await self._question.ask(connection, timeout=timeout))
            except QueryTimeout:
                raise
            except QueryError:
                self._tables = ()
        return self._tables


def worn_of(answer: Sequence[Sequence[Any]] | None) -> tuple[Worn, ...]:
    """The tables of one answer of worn.sql."""
    return tuple(
        Worn(name, database, rows, dead, int(due), vacuumed, analyzed, off)
        for name, database, rows, dead, due, vacuumed, analyzed, off in answer or ()
    )


def slow_counters(answer: Mapping[str, Any]) -> dict[str, float]:
    """The counters of one answer of health.sql, by name."""
    values: dict[str, float] = {}
    for part in ("slots", "checkpoints", "log", "transactions", "archiver"):
        values |= {name: value for name, value in (answer.get(part) or {}).items() if value is not None}
    return values
