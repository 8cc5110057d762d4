"""Questions to PostgreSQL's catalog whose answer says whether a step is done, or may start.

Names go through `to_regclass`, which is NULL for what is not there: no question fails for want of its object.
None waits for a lock, apart from those marked as costly, which read rows.
"""

from __future__ import annotations

from dbtui.model.change import Condition
from dbtui.model.migration import DataType, Relation
from dbtui.rules.migration.step import sql_name
from dbtui.sql.quoting import postgres_literal as literal


def regclass(relation: Relation) -> str:
    return f"to_regclass({literal(sql_name(relation))})"


def _exists(source: str) -> str:
    return f"SELECT EXISTS (SELECT FROM {source})"


def _absent(source: str) -> str:
    return f"SELECT NOT EXISTS (SELECT FROM {source})"


def table_there(relation: Relation) -> Condition:
    return Condition(f"SELECT {regclass(relation)} IS NOT NULL", f"{relation} is there")


def table_gone(relation: Relation) -> Condition:
    return Condition(f"SELECT {regclass(relation)} IS NULL", f"{relation} is gone")


def _attribute(relation: Relation, column: str, more: str = "") -> str:
    return (
        f"pg_attribute WHERE attrelid = {regclass(relation)} AND attname = {literal(column)}"
        f" AND NOT attisdropped{more}"
    )


def column_there(relation: Relation, column: str) -> Condition:
    return Condition(_exists(_attribute(relation, column)), f"{relation} has the column {column}")


def column_gone(relation: Relation, column: str) -> Condition:
    return Condition(
        f"SELECT {regclass(relation)} IS NOT NULL AND NOT EXISTS (SELECT FROM {_attribute(relation, column)})",
        f"{relation} has no column {column}",
    )


def column_type(relation: Relation, column: str, wanted: DataType) -> Condition:
    """Whether a column has a type; modifiers are compared as the server prints them."""
    name = DataType(wanted.name, (), wanted.array, wanted.schema).text
    more = f" AND atttypid = to_regtype({literal(name)})"
    if wanted.modifiers:
        shown = f"({','.join(wanted.modifiers)})"
        more += f" AND strpos(format_type(atttypid, atttypmod), {literal(shown)}) > 0"
    return Condition(
        _exists(_attribute(relation, column, more)), f"{relation}.{column} is of type {wanted.text}"
    )


def not_null(relation: Relation, column: str) -> Condition:
    return Condition(
        _exists(_attribute(relation, column, " AND attnotnull")), f"{relation}.{column} is NOT NULL"
    )


def nullable(relation: Relation, column: str) -> Condition:
    return Condition(
        _exists(_attribute(relation, column, " AND NOT attnotnull")), f"{relation}.{column} may be NULL"
    )


def default_there(relation: Relation, column: str) -> Condition:
    return Condition(
        _exists(_attribute(relation, column, " AND atthasdef")), f"{relation}.{column} has a default"
    )


def default_gone(relation: Relation, column: str) -> Condition:
    return Condition(
        _exists(_attribute(relation, column, " AND NOT atthasdef")), f"{relation}.{column} has no default"
    )


def no_identity(relation: Relation, column: str) -> Condition:
    return Condition(
        _absent(_attribute(relation, column, " AND attidentity <> ''")),
        f"{relation}.{column} is no identity column",
    )


def identity_there(relation: Relation, column: str) -> Condition:
    return Condition(
        _exists(_attribute(relation, column, " AND attidentity <> ''")),
        f"{relation}.{column} is an identity column",
    )


def _constraint(relation: Relation, name: str, more: str = "") -> str:
    return f"pg_constraint WHERE conrelid = {regclass(relation)} AND conname = {literal(name)}{more}"


def constraint_there(relation: Relation, name: str) -> Condition:
    return Condition(_exists(_constraint(relation, name)), f"{relation} has the constraint {name}")


def constraint_valid(relation: Relation, name: str) -> Condition:
    return Condition(
        _exists(_constraint(relation, name, " AND convalidated")), f"the constraint {name} is validated"
    )


def constraint_gone(relation: Relation, name: str) -> Condition:
    return Condition(_absent(_constraint(relation, name)), f"{relation} has no constraint {name}")


def _index(relation: Relation, name: str, more: str = "") -> str:
    return (
        "pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        f" WHERE i.indrelid = {regclass(relation)} AND c.relname = {literal(name)}{more}"
    )


def index_valid(relation: Relation, name: str) -> Condition:
    return Condition(
        _exists(_index(relation, name, " AND i.indisvalid")), f"the index {name} is there and valid"
    )


def index_gone(relation: Relation, name: str) -> Condition:
    return Condition(_absent(_index(relation, name)), f"the index {name} is gone")


def index_invalid(relation: Relation, name: str) -> Condition:
    """What a failed CONCURRENTLY left, and nobody works on any more."""
    idle = " AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)"
    return Condition(
        _exists(_index(relation, name, " AND NOT i.indisvalid" + idle)),
        f"an invalid index {name} was left behind",
    )


def nobody_builds(relation: Relation) -> Condition:
    return Condition(
        _absent(f"pg_stat_progress_create_index WHERE relid = {regclass(relation)}"),
        f"no other session builds an index of {relation}",
    )


def trigger_there(relation: Relation, name: str) -> Condition:
    return Condition(
        _exists(f"pg_trigger WHERE tgrelid = {regclass(relation)} AND tgname = {literal(name)}"),
        f"{relation} has the trigger {name}",
    )


def partition_of(child: Relation, parent: Relation) -> Condition:
    return Condition(
        _exists(
            f"pg_inherits WHERE inhrelid = {regclass(child)} AND inhparent = {regclass(parent)}"
            " AND NOT coalesce((to_jsonb(pg_inherits) ->> 'inhdetachpending')::boolean, false)"
        ),
        f"{child} is a partition of {parent}",
    )


def no_partition_of(child: Relation, parent: Relation) -> Condition:
    return Condition(
        _absent(f"pg_inherits WHERE inhrelid = {regclass(child)} AND inhparent = {regclass(parent)}"),
        f"{child} is no partition of {parent}",
    )


def enum_value_there(kind: Relation, value: str) -> Condition:
    return Condition(
        _exists(
            f"pg_enum WHERE enumtypid = to_regtype({literal(sql_name(kind))}) AND enumlabel = {literal(value)}"
        ),
        f"{kind} has the value {value}",
    )


def no_view_reads(relation: Relation, column: str) -> Condition:
    """No view, rule or the like depends on a column: they would go on with the old one after a swap of names."""
    return Condition(
        _absent(
            "pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid"
            f" WHERE d.refobjid = {regclass(relation)} AND a.attname = {literal(column)}"
            " AND d.classid = 'pg_rewrite'::regclass"
        ),
        f"no view reads {relation}.{column}",
    )
