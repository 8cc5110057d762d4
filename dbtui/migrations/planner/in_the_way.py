"""Sessions of a live server that hold what a step would have to wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtui.model.locks import EXCLUDES
from dbtui.model.migration import Lock
from dbtui.model.survey import Survey
from dbtui.rules.migration.transaction import relation_of

_WORTH_SAYING = 1.0  # seconds that a transaction is open
_MOST = 3


def in_the_way(locks: Sequence[Lock], survey: Survey | None) -> tuple[str, ...]:
    """A line for each of the oldest sessions that exclude one of the locks now.

    MySQL and MariaDB take every metadata lock exclusively for a moment, whatever LOCK= says.
    """
    return tuple(dict.fromkeys(_lines(locks, survey)))[:_MOST] if survey is not None else ()


def _lines(locks: Sequence[Lock], survey: Survey) -> Iterator[str]:
    for held in sorted(survey.conflicts, key=lambda one: -one.seconds):
        for lock in locks:
            wanted, name = relation_of(lock.relation), relation_of(held.relation)
            same = wanted.name == name.name and wanted.schema in ("", name.schema)
            excludes = held.mode in EXCLUDES.get(lock.mode, ()) if lock.mode.endswith("Lock") else True
            if same and excludes and held.seconds >= _WORTH_SAYING:
                yield (
                    f"in its way now: session {held.session} ({held.what}) has {held.mode} on {held.relation},"
                    f" its transaction open for {held.seconds:.0f} s"
                )
