"""PostgreSQL's jsonlog (version 15 and newer): one object a line."""

from __future__ import annotations

from collections.abc import Iterable

from dbtui.documents import parsed
from dbtui.logs.postgres_message import Messages
from dbtui.logs.times import moment
from dbtui.model.log import LogEntry

NAME = "postgres-json"
ENGINE = "postgres"
_NAMES = ("timestamp", "message", "detail", "pid", "user", "dbname")


def recognises(head: str) -> bool:
    """Whether the first line is an object with a level and a process."""
    lines = head.splitlines()
    said = parsed(lines[0]) if lines else None
    return said is not None and "error_severity" in said and "pid" in said


class Parser:
    """See `logs.Parser`."""

    def __init__(self) -> None:
        self.skipped = 0
        self._messages = Messages()
        self.deadlocks = self._messages.deadlocks

    def feed(self, line: str) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        said = parsed(line)
        if said is None:
            self.skipped += bool(line.strip())
            return ()
        text = {name: str(said.get(name, "")) for name in _NAMES}
        if said.get("error_severity") != "LOG":
            self._messages.failed(text["message"], text["detail"], text["pid"], text["timestamp"])
            return ()
        known = LogEntry(
            "", at=moment(text["timestamp"]), user=text["user"], database=text["dbname"],
            application=str(said.get("application_name", "")), client=_client(said.get("remote_host")),
        )  # fmt: skip
        return self._messages.read(text["message"], text["pid"], known)

    def end(self) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        return self._messages.rest()


def _client(host: object) -> str:
    return "" if host in (None, "[local]") else str(host)
