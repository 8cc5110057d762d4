"""Marked rows: they stay marked while the table moves, and are what a key then acts on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from dbtui.model.activity import Session
from dbtui.tui.widgets.grid import GridRow


class Marks:
    """Keys of marked rows."""

    def __init__(self) -> None:
        self.keys: frozenset[str] = frozenset()

    def toggle(self, key: str) -> None:
        """Mark a row, or take its mark away."""
        self.keys ^= {key}

    def take(self, keys: Iterable[str]) -> None:
        """Mark these and no others."""
        self.keys = frozenset(keys)

    def keep(self, known: Collection[str]) -> None:
        """Forget those that are gone."""
        self.keys = frozenset(key for key in self.keys if key in known)

    def shown(self, rows: Sequence[GridRow]) -> list[GridRow]:
        """The rows with their marks."""
        return [replace(row, marked=True) if row.key in self.keys else row for row in rows]

    def chosen(self, sessions: Mapping[str, Session], cursor: str | None) -> tuple[Session, ...]:
        """What a key acts on: the marked, else the one under the cursor."""
        keys = [key for key in sessions if key in self.keys] or [cursor or ""]
        return tuple(sessions[key] for key in keys if key in sessions)
