"""The slow query log of MySQL and MariaDB: lines of figures behind `#`, then the statement.

Source: Log_to_file_event_handler in MySQL 8 and 9, and MYSQL_QUERY_LOG::write in MariaDB 10 and 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dbtui.logs.times import moment
from dbtui.model.activity import Deadlock
from dbtui.model.log import LogEntry

NAME = "mysql-slow"
ENGINE = "mysql"
LONGEST = 16 << 20  # characters of one statement
_USER = re.compile(r"# User@Host: (\S*?)\[(?P<user>[^\]]*)\] @ (?P<host>\S*) \[(?P<address>[^\]]*)\]")
_HEAD = re.compile(
    r"# (?:[A-Z][\w@]*: |administrator command: |explain: )"
)  # not every comment of a statement
_FIGURE = re.compile(r"\b([A-Z][A-Za-z_]*): +(?!\w+: )(\S+)")
_OLD_TIME = re.compile(r"(\d\d)(\d\d)(\d\d) +(\d{1,2}:\d\d:\d\d)")
_SET_TIME = re.compile(r"SET timestamp=(\d+(?:\.\d+)?);$", re.IGNORECASE)
_USE = re.compile(r"use (`(?:[^`]|``)+`|\S+);$", re.IGNORECASE)
_BANNER = re.compile(r".*, Version: .* started with:$|Tcp port: |Time +Id +Command +Argument")


def recognises(head: str) -> bool:
    """Whether any of the first lines has the figures of a slow query."""
    return "# Query_time: " in head and "# User@Host: " in head


class Parser:
    """See `logs.Parser`. A statement is complete when the next one's `#` lines begin."""

    def __init__(self) -> None:
        self.skipped = 0
        self.deadlocks: Sequence[Deadlock] = ()
        self._database = ""  # of the last `use`, which holds on
        self._time: float | None = None  # of the last `# Time:`, likewise
        self._begin()

    def _begin(self) -> None:
        self._figures: dict[str, str] = {}
        self._who: re.Match[str] | None = None
        self._at: float | None = None
        self._text: list[str] = []
        self._length = 0

    def feed(self, line: str) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        if _HEAD.match(line):
            done = self.end() if self._text else ()
            self._head(line)
            return done
        if _BANNER.match(line):
            return self.end()
        self._body(line)
        return ()

    def _head(self, line: str) -> None:
        if line.startswith("# Time:"):
            self._time = _time(line[7:].strip())
        elif found := _USER.match(line):
            self._who = found
        else:
            self._figures |= dict(_FIGURE.findall(line))
            if line.startswith("# administrator command: "):
                self._text.append(line[2:].rstrip(";"))

    def _body(self, line: str) -> None:
        if not self._figures:
            self.skipped += bool(line.strip())
        elif not self._text and (found := _USE.match(line)):
            self._database = found[1].strip("`").replace("``", "`")
        elif not self._text and (found := _SET_TIME.match(line)):
            self._at = float(found[1])
        elif self._length < LONGEST and (line or self._text):
            self._text.append(line)
            self._length += len(line)

    def end(self) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        figures, text = self._figures, "\n".join(self._text).strip().removesuffix(";")
        entry = None
        if figures and text:
            self._database = figures.get("Schema", self._database)
            entry = LogEntry(
                text, ms=_milliseconds(figures.get("Query_time")), at=self._at or self._time,
                user=self._who["user"] if self._who else "", database=self._database,
                client=(self._who["host"] or self._who["address"]) if self._who else "",
                rows=_whole(figures.get("Rows_sent")), rows_read=_whole(figures.get("Rows_examined")),
            )  # fmt: skip
        self._begin()
        return (entry,) if entry is not None else ()


def _time(text: str) -> float | None:
    if found := _OLD_TIME.match(text):  # MariaDB and old MySQL: yymmdd hh:mm:ss, local time
        return moment(f"20{found[1]}-{found[2]}-{found[3]} {found[4]:0>8}")
    return moment(text)


def _milliseconds(seconds: str | None) -> float | None:
    try:
        return None if seconds is None else float(seconds) * 1000
    except ValueError:
        return None


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
