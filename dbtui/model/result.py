"""Rows that a statement returned, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResultColumn:
    name: str
    type: str
    numeric: bool = False  # drawn to the right


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a result. Cells are server text, unchanged; None is NULL."""

    columns: tuple[ResultColumn, ...]
    rows: tuple[tuple[str | None, ...], ...]
    more: bool  # whether the cursor has further rows
    status: str = ""  # "SELECT 500", "UPDATE 3"
    took: float = 0.0  # seconds
