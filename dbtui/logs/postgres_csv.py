"""PostgreSQL's csvlog: 22 columns in a fixed order, more from version 13 on."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from dbtui.logs.postgres_message import Messages
from dbtui.logs.times import moment
from dbtui.model.log import LogEntry

NAME = "postgres-csv"
ENGINE = "postgres"
LONGEST = 16 << 20  # characters of one record
_TIME, _USER, _DATABASE, _PROCESS, _CLIENT, _LEVEL, _MESSAGE, _DETAIL, _APPLICATION = (
    0,
    1,
    2,
    3,
    4,
    11,
    13,
    14,
    22,
)
csv.field_size_limit(LONGEST)


def recognises(head: str) -> bool:
    """Whether the first record has the columns of a csvlog."""
    first = next(iter(csv.reader(head.splitlines()[:50])), [])
    return len(first) >= _APPLICATION and moment(first[_TIME]) is not None and first[_PROCESS].isdigit()


class Parser:
    """See `logs.Parser`. A record may have several lines: quotes tell where it ends."""

    def __init__(self) -> None:
        self.skipped = 0
        self._messages = Messages()
        self.deadlocks = self._messages.deadlocks
        self._lines: list[str] = []
        self._length = 0
        self._inside = False  # a quoted text

    def feed(self, line: str) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        self._lines.append(line)
        self._length += len(line)
        self._inside ^= bool(line.count('"') % 2)
        if self._inside and self._length < LONGEST:
            return ()
        record, self._lines, self._length, self._inside = "\n".join(self._lines), [], 0, False
        return self._read(record)

    def end(self) -> Iterable[LogEntry]:
        """See `logs.Parser`."""
        return self._messages.rest()

    def _read(self, record: str) -> Iterable[LogEntry]:
        if not record.strip():
            return ()
        try:
            row = next(csv.reader([record.replace("\0", "")], strict=True))
        except (csv.Error, StopIteration):
            row = []
        if len(row) <= _MESSAGE:
            self.skipped += 1
            return ()
        if row[_LEVEL] != "LOG":
            self._messages.failed(
                row[_MESSAGE], "".join(row[_DETAIL : _DETAIL + 1]), row[_PROCESS], row[_TIME]
            )
            return ()
        known = LogEntry(
            "", at=moment(row[_TIME]), user=row[_USER], database=row[_DATABASE],
            application=row[_APPLICATION] if len(row) > _APPLICATION else "", client=host(row[_CLIENT]),
        )  # fmt: skip
        return self._messages.read(row[_MESSAGE], row[_PROCESS], known)


def host(client: str) -> str:
    """The address without its port; "" for a local socket."""
    name, _, port = client.rpartition(":")
    return "" if client == "[local]" else name if name and port.isdigit() else client
