"""Questions to information_schema of MySQL and MariaDB whose answer says whether a step is done, or may start."""

from __future__ import annotations

from dbtui.model.change import Condition
from dbtui.model.migration import Engine, Relation
from dbtui.rules.migration.step import quoted, sql_name

_ENGINE = Engine.MYSQL


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _schema(relation: Relation) -> str:
    return literal(relation.schema) if relation.schema else "DATABASE()"


def _table(relation: Relation) -> str:
    return f"table_schema = {_schema(relation)} AND table_name = {literal(relation.name)}"


def _there(view: str, where: str, means: str) -> Condition:
    return Condition(f"SELECT EXISTS (SELECT 1 FROM information_schema.{view} WHERE {where})", means)


def _gone(view: str, where: str, means: str) -> Condition:
    return Condition(f"SELECT NOT EXISTS (SELECT 1 FROM information_schema.{view} WHERE {where})", means)


def table_there(relation: Relation) -> Condition:
    return _there("tables", _table(relation), f"{relation} is there")


def table_gone(relation: Relation) -> Condition:
    return _gone("tables", _table(relation), f"{relation} is gone")


def base_table_there(relation: Relation) -> Condition:
    return _there("tables", f"{_table(relation)} AND table_type <> 'VIEW'", f"{relation} is a table")


def column_there(relation: Relation, column: str, more: str = "", told: str = "") -> Condition:
    where = f"{_table(relation)} AND column_name = {literal(column)}{more}"
    return _there("columns", where, told or f"{relation} has the column {column}")


def column_gone(relation: Relation, column: str) -> Condition:
    where = f"{_table(relation)} AND column_name = {literal(column)}"
    return _gone("columns", where, f"{relation} has no column {column}")


def index_there(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND index_name = {literal(name)}"
    return _there("statistics", where, f"the index {name} is there")


def index_gone(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND index_name = {literal(name)}"
    return _gone("statistics", where, f"the index {name} is gone")


def constraint_there(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND constraint_name = {literal(name)}"
    return _there("table_constraints", where, f"{relation} has the constraint {name}")


def constraint_gone(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND constraint_name = {literal(name)}"
    return _gone("table_constraints", where, f"{relation} has no constraint {name}")


def no_null(relation: Relation, column: str) -> Condition:
    return Condition(
        f"SELECT NOT EXISTS (SELECT 1 FROM {_name(relation)} WHERE {_quoted(column)} IS NULL)",
        f"no row of {relation} lacks {column}",
        costly=True,
    )


def nothing_left(relation: Relation, where: str) -> Condition:
    return Condition(
        f"SELECT NOT EXISTS (SELECT 1 FROM {_name(relation)} WHERE {where})",
        f"no row of {relation} is left to do",
        costly=True,
    )


def no_duplicates(relation: Relation, columns: tuple[str, ...]) -> Condition:
    """Rows that a unique index would refuse; with a NULL in the key a row equals no other."""
    listed = ", ".join(map(_quoted, columns))
    filled = " AND ".join(f"{_quoted(name)} IS NOT NULL" for name in columns)
    return Condition(
        f"SELECT NOT EXISTS (SELECT 1 FROM {_name(relation)} WHERE {filled}"
        f" GROUP BY {listed} HAVING count(*) > 1)",
        f"no two rows of {relation} have the same {', '.join(columns)}",
        costly=True,
    )


def orphans_absent(
    child: Relation, columns: tuple[str, ...], parent: Relation, keys: tuple[str, ...]
) -> Condition:
    filled = " AND ".join(f"c.{_quoted(name)} IS NOT NULL" for name in columns)
    joined = " AND ".join(f"p.{_quoted(k)} = c.{_quoted(c)}" for c, k in zip(columns, keys, strict=True))
    return Condition(
        f"SELECT NOT EXISTS (SELECT 1 FROM {_name(child)} c WHERE {filled}"
        f" AND NOT EXISTS (SELECT 1 FROM {_name(parent)} p WHERE {joined}))",
        f"every row of {child} refers to a row of {parent}",
        costly=True,
    )


def _name(relation: Relation) -> str:
    return sql_name(relation, _ENGINE)


def _quoted(name: str) -> str:
    return quoted(name, _ENGINE)
