"""Questions about rows, the same in every SQL engine: each may read a whole table."""

from __future__ import annotations

from dbtui.migrations.planner.clauses import check_text
from dbtui.model.change import Condition
from dbtui.model.migration import ConstraintDef, Engine, Relation
from dbtui.rules.migration.step import quoted, sql_name

_PG = Engine.POSTGRESQL


def no_null(relation: Relation, column: str, engine: Engine = _PG) -> Condition:
    return _none(
        f"FROM {sql_name(relation, engine)} WHERE {quoted(column, engine)} IS NULL",
        f"every row of {relation} has a value in {column}",
    )


def nothing_left(relation: Relation, where: str, engine: Engine = _PG) -> Condition:
    return _none(f"FROM {sql_name(relation, engine)} WHERE {where}", f"no row of {relation} is left to do")


def no_duplicates(
    relation: Relation, columns: tuple[str, ...], where: str = "", engine: Engine = _PG
) -> Condition:
    """Rows that a unique index would refuse; with a NULL in the key a row equals no other."""
    names = [quoted(name, engine) for name in columns]
    filled = [f"{name} IS NOT NULL" for name in names] + ([f"({where})"] if where else [])
    return _none(
        f"FROM {sql_name(relation, engine)} WHERE {' AND '.join(filled)}"
        f" GROUP BY {', '.join(names)} HAVING count(*) > 1",
        f"no two rows of {relation} have the same {', '.join(columns)}",
    )


def orphans_absent(
    child: Relation, columns: tuple[str, ...], parent: Relation, keys: tuple[str, ...], engine: Engine = _PG
) -> Condition:
    """Rows that a foreign key would refuse (MATCH SIMPLE: a NULL refers to nothing)."""
    own = [f"c.{quoted(name, engine)}" for name in columns]
    filled = " AND ".join(f"{name} IS NOT NULL" for name in own)
    joined = " AND ".join(f"p.{quoted(k, engine)} = {c}" for c, k in zip(own, keys, strict=True))
    there = f"SELECT 1 FROM {sql_name(parent, engine)} p WHERE {joined}"
    return _none(
        f"FROM {sql_name(child, engine)} c WHERE {filled} AND NOT EXISTS ({there})",
        f"every row of {child} refers to a row of {parent}",
    )


def obeyed(relation: Relation, made: ConstraintDef, text: str, engine: Engine = _PG) -> tuple[Condition, ...]:
    """Whether every row is as a constraint wants it, whose words `text` holds; () where that cannot be asked."""
    if made.kind == "not null" and made.columns:
        return (no_null(relation, made.columns[0], engine),)
    if made.kind == "unique" and made.columns:
        return (no_duplicates(relation, made.columns, engine=engine),)
    if made.kind == "foreign key" and made.references is not None and made.referenced_columns:
        return (orphans_absent(relation, made.columns, made.references, made.referenced_columns, engine),)
    if made.kind == "check" and (wanted := check_text(text, engine)):
        source = f"FROM {sql_name(relation, engine)} WHERE NOT ({wanted})"
        return (_none(source, f"every row of {relation} keeps CHECK ({wanted})"),)
    return ()


def _none(source: str, means: str) -> Condition:
    return Condition(f"SELECT NOT EXISTS (SELECT 1 {source})", means, costly=True)
