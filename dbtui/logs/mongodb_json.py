"""MongoDB's structured log (version 4.4 and newer): "Slow query" lines, one JSON object each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dbtui.documents import parsed
from dbtui.logs.times import moment
from dbtui.model.activity import Deadlock
from dbtui.model.log import LogEntry

NAME = "mongodb-json"
ENGINE = "mongodb"
_NOT_THE_USERS = frozenset({"$db", "lsid", "$clusterTime", "$readPreference", "signature", "apiVersion"})


def recognises(head: str) -> bool:
    """Whether the first line has a severity, a component and a message."""
    lines = head.splitlines()
    said = parsed(lines[0]) if lines else None
    return said is not None and {"t", "s", "c", "msg"} <= said.keys()


class Parser:
    """See `logs.Parser`."""

    def __init__(self) -> None:
        self.skipped = 0
        self.deadlocks: Sequence[Deadlock] = ()

    def feed(self, line: str) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        said = parsed(line)
        if said is None:
            self.skipped += bool(line.strip())
            return ()
        attributes = said.get("attr")
        if said.get("msg") != "Slow query" or not isinstance(attributes, dict):
            return ()
        return (_entry(said, attributes),)

    def end(self) -> Iterable[LogEntry]:
        """Each line is complete in itself."""
        return ()


def _entry(said: Mapping[str, Any], attributes: Mapping[str, Any]) -> LogEntry:
    command = attributes.get("command")
    shown = {k: v for k, v in command.items() if k not in _NOT_THE_USERS} if isinstance(command, dict) else {}
    if not shown:
        shown = {str(attributes.get("type", "operation")): str(attributes.get("ns", ""))}
    time = said.get("t")
    return LogEntry(
        json.dumps(shown, ensure_ascii=False),
        ms=_number(attributes.get("durationMillis")),
        at=moment(str(time.get("$date", ""))) if isinstance(time, dict) else None,
        user=_user(attributes),
        database=str(attributes.get("ns", "")).partition(".")[0],
        application=str(attributes.get("appName", "")),
        client=str(attributes.get("remote", "")).rpartition(":")[0],
        rows=_whole(attributes.get("nreturned")),
        rows_read=_whole(attributes.get("docsExamined")),
        plan=str(attributes.get("planSummary", "")),
    )


def _user(attributes: Mapping[str, Any]) -> str:
    user = attributes.get("effectiveUser") or attributes.get("authenticatedUser")
    return str(user.get("user", "")) if isinstance(user, dict) else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
