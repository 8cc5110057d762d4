"""A log's text read as the command does."""

from __future__ import annotations

from dbtui import logs
from dbtui.model.log import LogEntry


def entries(text: str, parser: logs.Parser | None = None) -> list[LogEntry]:
    """All statements of a log; its format is told by its looks where no parser is given."""
    chosen: logs.Parser = parser or logs.recognise(text[: logs.HEAD]).Parser()
    return [*(entry for line in text.splitlines() for entry in chosen.feed(line)), *chosen.end()]
