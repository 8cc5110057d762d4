"""SQLite's twelve steps ("Making Other Kinds Of Table Schema Changes" in its documentation of ALTER TABLE)."""

from __future__ import annotations

from dbtui.model.migration import Relation
from dbtui.rules.migration.step import quoted, short


def rebuild(relation: Relation) -> tuple[str, ...]:
    """The statements; what only the user knows (the new columns) is left open."""
    table, new = quoted(relation.name), quoted(short("new", relation.name))
    return (
        "PRAGMA foreign_keys = OFF;",
        "BEGIN IMMEDIATE;",
        f"-- keep the text of its indexes, triggers and views: .schema {table}",
        f"CREATE TABLE {new} (…);",
        f"INSERT INTO {new} SELECT … FROM {table};",  # noqa: S608 - shown to the user, never run
        f"DROP TABLE {table};",
        f"ALTER TABLE {new} RENAME TO {table};",
        "-- create its indexes, triggers and views again",
        "PRAGMA foreign_key_check;",
        "COMMIT;",
        "PRAGMA foreign_keys = ON;",
    )
