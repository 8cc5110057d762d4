"""What a server's log says of one statement that ran."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One execution. Text is the log's own, unchanged; None and "" are what the log does not say."""

    text: str
    ms: float | None = None  # how long it took
    at: float | None = None  # epoch seconds
    user: str = ""
    database: str = ""
    application: str = ""
    client: str = ""
    rows: int | None = None  # that were returned
    rows_read: int | None = None
    plan: str = ""  # as the server logged it
