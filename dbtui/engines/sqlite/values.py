"""Values of any type as the text that is shown."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from dbtui.model.result import ResultColumn

MOST_BLOB = 32 * 1024  # bytes of a blob that are shown
_TYPES = {int: "integer", float: "real", str: "text", bytes: "blob"}


def decoded(text: bytes) -> str:
    """Text of the database; bytes that are not UTF-8 become U+FFFD."""
    return text.decode("utf-8", "replace")


def pragma(raw: sqlite3.Connection, name: str) -> Any:
    """What a PRAGMA says; None where it is silent. Raises sqlite3.Error."""
    row = raw.execute(f"PRAGMA {name}").fetchone()
    return row[0] if row else None


def as_text(value: Any) -> str | None:
    """A value as SQL would write it without quotes around text: blobs as x'…', NULL as None."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        rest = f" … {len(value)} bytes" if len(value) > MOST_BLOB else ""
        return f"x'{value[:MOST_BLOB].hex()}'{rest}"
    if isinstance(value, float) and math.isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return repr(value)


def row_text(row: Sequence[Any]) -> tuple[str | None, ...]:
    return tuple(map(as_text, row))


def columns_of(
    description: Sequence[Sequence[Any]] | None, rows: Iterable[Sequence[Any]]
) -> tuple[ResultColumn, ...]:
    """The columns of a result, typed by the values of its first rows: SQLite types values, not columns."""
    seen: list[set[type]] = [set() for _ in description or ()]
    for row in rows:
        for types, value in zip(seen, row, strict=True):
            if value is not None:
                types.add(type(value))
    return tuple(
        ResultColumn(
            str(column[0]),
            "/".join(sorted(_TYPES.get(one, "") for one in types)),
            bool(types) and types <= {int, float},
        )
        for column, types in zip(description or (), seen, strict=True)
    )
