"""Questions to information_schema of MySQL and MariaDB whose answer says whether a step is done, or may start."""

from __future__ import annotations

from dbtui.model.change import Condition
from dbtui.model.migration import Relation
from dbtui.sql.quoting import mysql_literal as literal


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


def index_shown(relation: Relation, name: str, to: str) -> Condition:
    """Whether it is VISIBLE or INVISIBLE (MySQL), IGNORED or NOT IGNORED (MariaDB)."""
    is_so = {
        "VISIBLE": "is_visible = 'YES'", "INVISIBLE": "is_visible = 'NO'",
        "IGNORED": "ignored = 'YES'", "NOT IGNORED": "ignored = 'NO'",
    }[to]  # fmt: skip
    where = f"{_table(relation)} AND index_name = {literal(name)} AND {is_so}"
    return _there("statistics", where, f"the index {name} is {to}")


def constraint_there(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND constraint_name = {literal(name)}"
    return _there("table_constraints", where, f"{relation} has the constraint {name}")


def constraint_gone(relation: Relation, name: str) -> Condition:
    where = f"{_table(relation)} AND constraint_name = {literal(name)}"
    return _gone("table_constraints", where, f"{relation} has no constraint {name}")
