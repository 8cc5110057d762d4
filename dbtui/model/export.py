"""Figures that another monitoring system collects: a question to the server, and what its columns are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Exported:
    """One question and the figures that are the columns of its answer, one row for each set of labels."""

    sql: str
    figures: tuple[tuple[str, Literal["gauge", "counter"], str], ...]  # name, kind, what it is
    labels: tuple[str, ...] = ()  # columns that tell rows apart
