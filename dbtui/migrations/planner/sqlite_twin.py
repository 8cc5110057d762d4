"""An empty database in memory to which a plan's statements are made, so that SQLite itself tells what they leave.

SQLite keeps a schema as the text of its statements and rewrites that text at each ALTER TABLE; a rebuild has to start
from it, to the letter.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dbtui.migrations.files import MigrationFile
from dbtui.migrations.parse_script import split_script
from dbtui.model.change import ChangeStep
from dbtui.model.migration import Engine, Relation

_DDL = ("CREATE", "ALTER", "DROP")
_STEPS = 10_000_000  # of SQLite's machine that one statement may take: far more than DDL on no rows does
_ONE = "SELECT sql FROM sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE"
_OTHERS = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? COLLATE NOCASE AND type = ? AND sql IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Written:
    """A table as SQLite has it written down, with what goes along with it."""

    table: str
    indexes: tuple[str, ...]
    triggers: tuple[str, ...]


class Twin:
    """The schema as the steps so far leave it."""

    def __init__(self, before: Sequence[MigrationFile]) -> None:
        self._raw = sqlite3.connect(":memory:", isolation_level=None)
        self._raw.set_progress_handler(lambda: True, _STEPS)
        self._followed = True
        for file in before:
            chunks = split_script(file.text, Engine.SQLITE)
            self._made(chunk.sql for chunk in chunks if chunk.sql.upper().startswith(_DDL))

    def take(self, step: ChangeStep) -> None:
        """Make a step that the plan takes next."""
        ddl = [sql for sql in step.statements if sql.upper().startswith(_DDL)]
        self._followed = self._made([*step.before, *ddl, *step.after]) and self._followed

    def written(self, relation: Relation) -> Written | None:
        """How a table is written now; None where it is not here, or a step before could not be followed."""
        table = self.text("table", relation.name) if self._followed else ""
        if not table:
            return None
        indexes, triggers = (
            tuple(sql for (sql,) in self._raw.execute(_OTHERS, (relation.name, kind)))
            for kind in ("index", "trigger")
        )
        return Written(table, indexes, triggers)

    def text(self, kind: str, name: str) -> str:
        """How a table, an index, a view or a trigger is written now; "" where it is not here."""
        found = self._raw.execute(_ONE, (kind, name)).fetchone()
        return (found[0] or "") if found else ""

    def _made(self, statements: Iterable[str]) -> bool:
        """Whether all of them could be made."""
        made = True
        for sql in statements:
            try:
                self._raw.execute(sql)
            except (sqlite3.Error, sqlite3.Warning):
                made = False
        return made
