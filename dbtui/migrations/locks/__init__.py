"""The matrices: what each server version does for each operation, as data beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """What one operation does on one range of server versions. An empty text is "nothing"."""

    name: str
    table: str = ""
    other: str = ""
    index: str = ""
    rewrite: bool = False
    scan: str = ""  # "table", "other", "both"
    algorithm: str = ""
    lock: str = ""
    alone: bool = False


@cache
def _document(matrix: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(f"{matrix}.toml").read_text("utf-8"))


@cache
def cell(matrix: str, name: str, version: tuple[int, ...]) -> Cell | None:
    """The cell of an operation, or None where that version does not have the operation.

    Raises KeyError for an operation that the matrix does not know.
    """
    for row in _document(matrix)[name]:
        if _number(row.get("since", 0)) <= version and _holds_until(row.get("until"), version):
            return Cell(name, **{key: value for key, value in row.items() if key not in ("since", "until")})
    return None


def cell_names(matrix: str) -> tuple[str, ...]:
    """All operations of a matrix, apart from those that no version has."""
    return tuple(name for name, rows in _document(matrix).items() if rows)


def _number(value: int | str) -> tuple[int, ...]:
    return tuple(int(part) for part in str(value).split("."))


def _holds_until(until: int | str | None, version: tuple[int, ...]) -> bool:
    """Whether a version is not beyond `until`, of which all minor versions count."""
    if until is None:
        return True
    last = _number(until)
    return version[: len(last)] <= last
