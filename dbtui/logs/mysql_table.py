"""The table mysql.slow_log, where MySQL and MariaDB write slow queries with log_output = TABLE."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dbtui.logs.times import moment
from dbtui.model.log import LogEntry

NAME = "mysql.slow_log"
ENGINE = "mysql"
QUERY = (
    "SELECT start_time, user_host, time_to_sec(query_time) * 1000 + microsecond(query_time) / 1000,"
    " rows_sent, rows_examined, db,"
    " CONVERT(sql_text USING utf8mb4) FROM mysql.slow_log ORDER BY start_time DESC"
)
_USER = re.compile(r"\S*?\[(?P<user>[^\]]*)\] @ (?P<host>\S*) \[(?P<address>[^\]]*)\]")


def entry_of(row: Sequence[str | None]) -> LogEntry:
    """A row of `QUERY` as an entry."""
    start, who, ms, sent, examined, database, text = (cell or "" for cell in row)
    found = _USER.match(who)
    return LogEntry(
        text, ms=_number(ms), at=moment(start), user=found["user"] if found else "", database=database,
        client=(found["host"] or found["address"]) if found else "", rows=int(_number(sent) or 0),
        rows_read=int(_number(examined) or 0),
    )  # fmt: skip


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
