"""Statements with their verdicts, as data."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One statement and what is said of it; the files explain the fields."""

    sql: str
    safe: bool | None
    locks: dict[str, str] = field(default_factory=dict)
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    algorithm: str | None = None
    since: int = 0
    until: int = 9999
    zone: str = ""
    alone: bool = False
    observe: str = ""
    real: str = ""
    setup: tuple[str, ...] = ()
    before: str = ""
    refused: bool = False

    def __str__(self) -> str:
        return self.sql[:70]


def cases(name: str) -> list[Case]:
    """The cases of one file."""
    document = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    return [
        Case(**{key: tuple(value) if isinstance(value, list) else value for key, value in case.items()})
        for case in document["case"]
    ]


def schema(name: str) -> str:
    """The DDL that the cases of an engine start from."""
    return (HERE / f"{name}.sql").read_text("utf-8")
