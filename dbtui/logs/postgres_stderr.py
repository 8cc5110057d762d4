"""PostgreSQL's own log (log_destination = stderr, and syslog's copy of it): a prefix, a level, a message.

What stands in the prefix is the server's setting log_line_prefix; without being told it, the usual ones are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dbtui.errors import InputError
from dbtui.logs.postgres_message import Messages
from dbtui.logs.times import moment
from dbtui.model.log import LogEntry

NAME = "postgres-stderr"
ENGINE = "postgres"
MOST_LINES = 10_000  # of one message
_LEVELS = "DEBUG[1-5]|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION"
_LINE = re.compile(rf"(?P<prefix>.{{0,400}}?)\b(?P<level>{_LEVELS}):  (?P<message>.*)", re.DOTALL)
_CONTINUED = re.compile(r"^(?:\t|.{0,200}?#011)")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?[A-Z]{2,5}| ?[+-]\d\d(?::?\d\d)?)?")
_PIECES = {  # what people write into a prefix, by whom it names
    "user": re.compile(r"\b(?:user|usr)=([^,\s]+)|(?<![\w@.])([\w$.-]+)@[\w$-]+"),
    "database": re.compile(r"\b(?:db|database|dbname)=([^,\s]+)|[\w$.-]+@([\w$-]+)"),
    "application": re.compile(r"\bapp(?:lication)?(?:_name)?=([^,\]]+?)(?=[,\]]|\s+\w+=|\s*$)"),
    "client": re.compile(r"\b(?:client|host|remote)=([^,\s\[(]+)"),
    "process": re.compile(r"\bpid=(\d+)|\[(\d+)(?:-\d+)?\]|\((\d+)\)"),
}
_NAMES = ("user", "database", "application", "client")
_ESCAPES = {  # of log_line_prefix
    "a": r"(?P<application>.*?)", "u": r"(?P<user>\S*?)", "d": r"(?P<database>\S*?)", "r": r"(?P<client>\S*?)",
    "h": r"(?P<client>\S*?)", "p": r"(?P<process>\d+)", "m": r"(?P<time>[\d-]+ [\d:.]+ \S+)",
    "t": r"(?P<time>[\d-]+ [\d:]+ \S+)", "n": r"(?P<epoch>[\d.]+)", "%": "%",
}  # fmt: skip


def recognises(head: str) -> bool:
    """Whether any line has a level and the two spaces that PostgreSQL writes behind it."""
    return any(_LINE.match(line) for line in head.splitlines()[:200])


@dataclass(slots=True)
class _Message:
    """A message that further lines may belong to."""

    level: str
    prefix: str
    lines: list[str]


class Parser:
    """`prefix` is the server's log_line_prefix; without it the usual ones are understood. Raises InputError."""

    def __init__(self, prefix: str = "") -> None:
        self.skipped = 0
        self._known = _pattern(prefix) if prefix else None
        self._messages = Messages()
        self.deadlocks = self._messages.deadlocks
        self._error = ""  # the message of the error whose detail may follow
        self._open: _Message | None = None

    def feed(self, line: str) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        if self._open is not None and (line[:1] == "\t" or not line):
            if len(self._open.lines) < MOST_LINES:
                self._open.lines.append(line[1:])
            return ()
        found = _LINE.match(line)
        if found is None:
            if self._open is not None and (tail := _CONTINUED.match(line)):
                self._open.lines.append(line[tail.end() :])  # syslog writes a tab as #011
            else:
                self.skipped += bool(line)
            return ()
        done = self._complete()
        self._open = _Message(found["level"], found["prefix"], [found["message"]])
        return done

    def end(self) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        return [*self._complete(), *self._messages.rest()]

    def _complete(self) -> list[LogEntry]:
        message, self._open = self._open, None
        if message is None:
            return []
        if message.level != "LOG":
            self._failed(message)
            return []
        who = self._who(message.prefix)
        process = who.pop("process", "")
        epoch = who.get("epoch", "")
        at = float(epoch) if epoch.replace(".", "", 1).isdigit() else moment(who.get("time", ""))
        user, database, application, client = (who.get(name, "") for name in _NAMES)
        known = LogEntry("", None, at, user, database, application, client)
        return self._messages.read("\n".join(message.lines), process, known)

    def _failed(self, message: _Message) -> None:
        """What an error says of itself and its detail stand in two messages, one behind the other."""
        if message.level == "DETAIL" and self._error:
            who = self._who(message.prefix)
            at = who.get("time", "") or who.get("epoch", "")
            self._messages.failed(self._error, "\n".join(message.lines), who.get("process", ""), at)
        self._error = message.lines[0] if message.level == "ERROR" else ""

    def _who(self, prefix: str) -> dict[str, str]:
        if self._known is not None and (found := self._known.search(prefix)):
            return {name: value or "" for name, value in found.groupdict().items()}
        said = {"time": time[0]} if (time := _TIME.search(prefix)) else {}
        rest = _TIME.sub("", prefix)
        for name, pattern in _PIECES.items():
            if found := pattern.search(rest):
                said[name] = next(value for value in found.groups() if value is not None)
        return {name: "" if value in ("[unknown]", "[local]") else value for name, value in said.items()}


def _pattern(prefix: str) -> re.Pattern[str]:
    """A setting of log_line_prefix as a pattern of its lines."""
    pieces, seen, optional = [], set(), 0
    for piece in re.findall(r"%-?\d*.|[^%]+", prefix):
        sign = piece[-1]
        if piece[0] != "%":
            pieces.append(re.escape(piece))
        elif sign == "q":  # what follows is left out by processes without a session
            pieces.append("(?:")
            optional += 1
        else:
            made = _ESCAPES.get(sign, r"\S*?")
            name = made[4 : made.index(">")] if made.startswith("(?P<") else ""
            pieces.append(r"\S*?" if name in seen else rf"\s*{made}\s*" if len(piece) > 2 else made)
            seen.add(name)
    try:
        return re.compile("".join(pieces) + ")?" * optional + r"\s*$")
    except re.error as error:
        raise InputError(f"{prefix!r} is no log_line_prefix", str(error)) from error
