"""PostgreSQL's locks on tables: https://www.postgresql.org/docs/current/explicit-locking.html, table 13.2."""

from __future__ import annotations

# From the weakest to the strongest.
STRENGTH = (
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip
WEAK = STRENGTH[:3]  # reading and writing rows: none excludes another
STRONG = STRENGTH[3:]  # of changes of the table and of its upkeep
STOPS_WRITES = STRENGTH[4:]
EXCLUDES = {
    "ShareUpdateExclusiveLock": frozenset(STRONG),
    "ShareLock": frozenset(("RowExclusiveLock", *STRONG)) - {"ShareLock"},
    "ShareRowExclusiveLock": frozenset(("RowExclusiveLock", *STRONG)),
    "ExclusiveLock": frozenset((*WEAK[1:], *STRONG)),
    "AccessExclusiveLock": frozenset(STRENGTH),
}
