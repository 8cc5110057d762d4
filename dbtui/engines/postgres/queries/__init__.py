"""The SQL that the monitor sends, one statement a file, and the form in which answers come back.

**Optional parts.** What only some servers have is marked with what it needs, and dropped where that is
missing:

- a line that ends in `--? NAME…` stays when the server has all of the names;
- a line that is nothing but `--? NAME…` opens a block that `--?` alone closes;
- `!NAME` stands for a server without it.

A name is a column as the probe saw it (`pg_stat_statements.toplevel`), or a part that `refusal.Question`
switches off when the server refuses it. `{name}` is replaced by a quoted identifier.

**Answers as bytes.** Statements of other databases stand in pg_stat_activity and pg_stat_statements in the
encoding of *their* database. A text column with such bytes fails the whole answer: convert_to() verifies its
input, left() stumbles over a broken last character, and the driver decodes strictly. quote_literal() copies
byte by byte in every server encoding, and so does the cast of its result to bytea; `raw()` takes that back.
For the same reason a text is cut as bytes and then sent as hexadecimal digits (`uncut()`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Set
from functools import cache
from importlib.resources import files
from typing import Any

from dbtui.errors import QueryError
from dbtui.sql.quoting import identifier

_MARK = re.compile(r"^(?P<sql>.*?)\s*--\?(?P<names>[^\n]*)$")


@cache
def load(name: str) -> str:
    """The text of `<name>.sql` as it is stored."""
    return (files(__name__) / f"{name}.sql").read_text(encoding="utf-8")


@cache
def query(name: str, present: frozenset[str] = frozenset(), **identifiers: str) -> str:
    """`<name>.sql` for a server that has `present`, with each `{key}` as a quoted identifier."""
    sql = fitted(load(name), present)
    for key, name in identifiers.items():
        sql = sql.replace("{" + key + "}", identifier(name))
    return sql


def fitted(sql: str, present: Set[str]) -> str:
    """The lines of `sql` that a server with `present` understands, without comments that stand on their own
    line.
    """
    lines: list[str] = []
    inside = True
    for line in sql.splitlines():
        mark = _MARK.match(line)
        if mark is None:
            if inside and not line.lstrip().startswith("--"):
                lines.append(line)
            continue
        names = mark["names"].split()
        if mark["sql"].strip():
            if inside and _has(present, names):
                lines.append(mark["sql"])
        else:
            inside = _has(present, names)
    return "\n".join(lines)


def _has(present: Set[str], names: list[str]) -> bool:
    return all((name[1:] not in present) if name.startswith("!") else name in present for name in names)


def raw(value: bytes | None) -> Any:
    """The JSON of a `quote_literal(…)::bytea`; bytes that are no UTF-8 become U+FFFD. None for NULL."""
    if value is None:
        return None
    start = value.index(b"'") + 1  # behind an E where something was escaped
    body = value[start:-1].replace(b"''", b"'")
    return json.loads(body.decode("utf-8", "replace"), strict=False)


def read(value: bytes | None) -> Any:
    """`raw()`, with QueryError for an answer that is not what was asked for."""
    try:
        return raw(value)
    except ValueError as error:
        raise QueryError("the server's answer could not be read", str(error)) from None


def uncut(digits: str) -> str:
    """The text whose first bytes, taken from its quote_literal(), stand in hexadecimal."""
    data = bytes.fromhex(digits)
    escaped = data.startswith(b"E'")
    data = data[2:] if escaped else data[1:]
    data = data.replace(b"''", b"'")
    if escaped:
        data = data.replace(b"\\\\", b"\\")
    return data.decode("utf-8", "ignore" if _ends_inside(data) else "replace")


def _ends_inside(data: bytes) -> bool:
    """Whether the only thing wrong with a UTF-8 text is that its last character was cut."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
