"""The figures of a SQLite file, the most telling first."""

from __future__ import annotations

from collections.abc import Iterable

from dbtui.engines.sqlite.files import Files, WalIndex
from dbtui.engines.sqlite.holders import READING, WRITING
from dbtui.model.activity import Session
from dbtui.model.snapshot import Metric

METRICS = (
    Metric("commits", "Commits", "rate", ("commits",)),
    Metric("wal", "WAL", "gauge", ("wal_bytes",), unit="bytes", warn_above=256 * 2**20),
    Metric("size", "Database", "gauge", ("database_bytes",), unit="bytes"),
    Metric("free", "Free pages", "gauge", ("free_share",), unit="fraction", warn_above=0.25),
    Metric("backlog", "Not checkpointed", "gauge", ("backlog_bytes",), unit="bytes", warn_above=64 * 2**20),
    Metric("held", "Kept by readers", "gauge", ("held_bytes",), unit="bytes", warn_above=64 * 2**20),
    Metric("oldest", "Oldest lock", "gauge", ("oldest_lock",), unit="seconds", warn_above=30.0),
    Metric("holders", "Processes", "gauge", ("holders",)),
    Metric("writing", "Writing", "gauge", ("writing",)),
    Metric("reading", "Reading", "gauge", ("reading",)),
    Metric("unanalysed", "Without statistics", "gauge", ("unanalysed",), warn_above=0.0),
)


class Commits:
    """Transactions that were seen to commit, from counters of the file that may start anew."""

    def __init__(self) -> None:
        self._seen = 0
        self._before: tuple[str, int] | None = None

    def count(self, index: WalIndex | None, changes: int | None, data_version: int | None) -> int | None:
        """The count after this look; `data_version` tells only that there was one or more."""
        now = _best(index, changes, data_version)
        if now is None:
            return None
        if self._before is not None and self._before[0] == now[0]:
            self._seen += max(0, now[1] - self._before[1])
        self._before = now
        return self._seen


def _best(index: WalIndex | None, changes: int | None, data_version: int | None) -> tuple[str, int] | None:
    if index is not None:
        return "wal", index.changes
    if changes is not None:
        return "header", changes
    return None if data_version is None else ("version", data_version)


def of_files(files: Files, index: WalIndex | None, marks: Iterable[int], page_size: int) -> dict[str, float]:
    """Bytes of the files, and of the WAL what is not in the file yet and what a reader still needs.

    `marks` are the WAL read marks that processes hold; mark 0 reads the file alone.
    """
    values: dict[str, float] = {"wal_bytes": files.wal or 0}
    if files.size is not None:
        values["file_bytes"] = files.size
    values["backlog_bytes"] = values["held_bytes"] = 0
    if index is not None:
        values["backlog_bytes"] = max(0, index.frames - index.checkpointed) * page_size
        oldest = min(
            (index.marks[mark] if mark else index.checkpointed for mark in marks), default=index.frames
        )
        values["held_bytes"] = max(0, index.frames - min(oldest, index.frames)) * page_size
    return values


def of_sessions(sessions: Iterable[Session]) -> dict[str, float]:
    """How many hold the file, and for how long a lock was seen at least, in seconds."""
    values: dict[str, float] = {"holders": 0, "writing": 0, "reading": 0, "oldest_lock": 0.0}
    for session in sessions:
        values["holders"] += 1
        values["writing"] += session.state in WRITING
        values["reading"] += session.state in READING
        values["oldest_lock"] = max(values["oldest_lock"], session.transaction_age or 0.0)
    return values
