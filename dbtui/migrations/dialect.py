"""What the runner says to each SQL server: quoting, key ranges, and the tables that it keeps for itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dbtui.model.migration import Relation
from dbtui.sql.quoting import literal, mysql_literal

_NUMBERS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "integer", "bigint", "decimal", "numeric", "float", "double", "year"}
)  # fmt: skip
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_ORDINALS = frozenset({"enum", "set", "bit"})  # sorted by their number, not by their text


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server's language. `row_values` says whether (a, b) > (1, 2) is answered from an index."""

    engine: str
    quote: str  # around identifiers
    backslash: bool  # escapes within texts
    row_values: bool
    types: Mapping[str, str]  # of the journal's columns
    database: str  # what names the current schema, in SQL
    transactional_ddl: bool

    def identifier(self, name: str) -> str:
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def relation(self, relation: Relation) -> str:
        names = (relation.schema, relation.name) if relation.schema else (relation.name,)
        return ".".join(map(self.identifier, names))

    def literal(self, value: str | float | None) -> str:
        """A value as SQL."""
        if value is None:
            return "NULL"
        if not isinstance(value, str):
            return repr(value)
        return mysql_literal(value) if self.backslash else literal(value)

    def key_literal(self, column: str, kind: str = "") -> str:
        """An expression whose value is a column's value as a literal. `kind` is MySQL's name of its type."""
        name = self.identifier(column)
        if self.engine == "postgresql":
            return f"quote_literal({name}::text)"
        if self.engine == "sqlite":
            return f"quote({column if column == ROWID else name})"
        if kind in _NUMBERS:
            return f"CAST({name} AS CHAR)"
        if kind in _ORDINALS:
            return f"CAST({name} + 0 AS CHAR)"
        return f"CONCAT('x''', HEX({name}), '''')" if kind in _BYTES else f"QUOTE({name})"

    def after(self, columns: Sequence[str], literals: Sequence[str]) -> str:
        """The condition that a key lies beyond a value."""
        return self._beyond(columns, literals, ">", "")

    def up_to(self, columns: Sequence[str], literals: Sequence[str]) -> str:
        """The condition that a key is a value, or lies before it."""
        return self._beyond(columns, literals, "<", "=")

    def _beyond(self, columns: Sequence[str], literals: Sequence[str], sign: str, last: str) -> str:
        names = [column if column == ROWID else self.identifier(column) for column in columns]
        if len(names) == 1:
            return f"{names[0]} {sign}{last} {literals[0]}"
        if self.row_values:
            return f"({', '.join(names)}) {sign}{last} ({', '.join(literals)})"
        terms = []
        for index in range(len(names)):
            same = [f"{name} = {value}" for name, value in zip(names[:index], literals, strict=False)]
            end = last if index == len(names) - 1 else ""
            terms.append(" AND ".join([*same, f"{names[index]} {sign}{end} {literals[index]}"]))
        return f"({names[0]} {sign}= {literals[0]} AND (({') OR ('.join(terms)})))"

    def key_types(self, relation: Relation, columns: Sequence[str]) -> str:
        """A question whose rows are a column's name and type; "" where literals need no type."""
        if self.engine not in ("mysql", "mariadb"):
            return ""
        schema = self.literal(relation.schema) if relation.schema else "DATABASE()"
        names = ", ".join(map(self.literal, columns))
        return (
            "SELECT column_name, data_type FROM information_schema.columns"  # noqa: S608 - quoted above
            f" WHERE table_schema = {schema} AND table_name = {self.literal(relation.name)}"
            f" AND column_name IN ({names})"
        )

    def row_estimate(self, relation: Relation) -> str:
        """A question for about how many rows a table has; answered from statistics."""
        name = self.literal(self.relation(relation))
        if self.engine == "postgresql":
            return f"SELECT reltuples::int8::text FROM pg_catalog.pg_class WHERE oid = to_regclass({name})"  # noqa: S608
        if self.engine == "sqlite":
            return f"SELECT max(rowid) FROM {self.relation(relation)}"  # noqa: S608 - quoted above
        schema = self.literal(relation.schema) if relation.schema else "DATABASE()"
        return (
            "SELECT table_rows FROM information_schema.tables"  # noqa: S608 - quoted above
            f" WHERE table_schema = {schema} AND table_name = {self.literal(relation.name)}"
        )


ROWID = "rowid"  # SQLite's own key; never quoted, since "rowid" in quotes may be a text

_POSTGRESQL_TYPES = {"key": "text", "text": "text", "int": "integer", "big": "bigint", "time": "timestamptz"}
_MYSQL_TYPES = {"key": "varchar(64)", "text": "text", "int": "int", "big": "bigint", "time": "datetime(6)"}
_SQLITE_TYPES = {"key": "text", "text": "text", "int": "integer", "big": "integer", "time": "text"}

POSTGRESQL = Dialect("postgresql", '"', False, True, _POSTGRESQL_TYPES, "current_schema()", True)
MYSQL = Dialect("mysql", "`", True, False, _MYSQL_TYPES, "DATABASE()", False)
MARIADB = Dialect("mariadb", "`", True, False, _MYSQL_TYPES, "DATABASE()", False)
SQLITE = Dialect("sqlite", '"', False, True, _SQLITE_TYPES, "'main'", True)

DIALECTS = {one.engine: one for one in (POSTGRESQL, MYSQL, MARIADB, SQLITE)}
