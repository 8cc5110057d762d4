"""Questions about rows, the same in every SQL engine: each may read a whole table."""

from __future__ import annotations

from collections.abc import Sequence

from dbtui.migrations.planner.clauses import check_text, exclusion, with_column_renamed
from dbtui.migrations.tokens import tokens
from dbtui.model.change import Condition
from dbtui.model.migration import ColumnDef, ConstraintDef, Engine, Relation
from dbtui.rules.migration.step import quoted, sql_name
from dbtui.sql.quoting import postgres_literal as literal

_PG = Engine.POSTGRESQL
_TEXTS = frozenset({"text", "varchar", "bpchar"})


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


def no_conflict(relation: Relation, text: str) -> tuple[Condition, ...]:
    """Pairs of rows that an EXCLUDE would refuse; () where it is over expressions."""
    excluded = exclusion(text)
    if excluded is None:
        return ()
    source = f"(SELECT tableoid AS table_of, ctid AS place, * FROM {sql_name(relation)}"
    source += f" WHERE {excluded.where})" if excluded.where else ")"
    pairs = " AND ".join(f"a.{name} {operator} b.{name}" for name, operator in excluded.elements)
    wanted = ", ".join(f"{name} WITH {operator}" for name, operator in excluded.elements)
    found = f"FROM {source} a JOIN {source} b ON (a.table_of, a.place) < (b.table_of, b.place) AND {pairs}"
    return (_none(found, f"no two rows of {relation} exclude each other ({wanted})"),)


def in_domain(columns: Sequence[tuple[Relation, str]], check: str) -> tuple[Condition, ...]:
    """Values in columns of a domain that `check` of VALUE would refuse; NULLs where it is ""."""
    found = []
    for relation, name in columns:
        if not check:
            found.append(no_null(relation, name))
            continue
        wanted = with_column_renamed(check, "value", quoted(name))
        source = f"FROM {sql_name(relation)} WHERE NOT ({wanted})"
        found.append(_none(source, f"every {relation}.{name} keeps CHECK ({check})"))
    return tuple(found)


def converted(
    relation: Relation, old: ColumnDef, new: ColumnDef, using: str, version: tuple[int, ...]
) -> tuple[Condition, ...]:
    """Whether every value becomes one of a new type; () where the server cannot be asked without an error.

    An assignment to a shorter text cuts off nothing but blanks, and before 16 there is no `pg_input_is_valid`.
    """
    name, where = quoted(old.name), f"{sql_name(relation)} WHERE"
    if old.type.name not in _TEXTS or old.type.array:
        return ()
    if not using and new.type.name in _TEXTS and new.type.modifiers:
        longer = f"char_length(rtrim({name}::text, ' ')) > {new.type.modifiers[0]}"
        return (_none(f"FROM {where} {longer}", f"every {relation}.{old.name} fits into {new.type.text}"),)
    cast = list(tokens(using, _PG))
    plain = len(cast) > 2 and cast[0].name == old.name and cast[1].text == "::"
    if version < (16,) or not plain or any(one.text == "::" for one in cast[2:]):
        return ()
    kind = using[cast[2].start : cast[-1].end]
    if new.type.name in _TEXTS:
        return ()
    refused = f"{name} IS NOT NULL AND NOT pg_input_is_valid({name}::text, {literal(kind)})"
    return (_none(f"FROM {where} {refused}", f"every {relation}.{old.name} reads as {kind}"),)


def obeyed(relation: Relation, made: ConstraintDef, text: str, engine: Engine = _PG) -> tuple[Condition, ...]:
    """Whether every row is as a constraint wants it, whose words `text` holds; () where that cannot be asked."""
    if made.kind == "not null" and made.columns:
        return (no_null(relation, made.columns[0], engine),)
    if made.kind == "unique" and made.columns:
        return (no_duplicates(relation, made.columns, engine=engine),)
    if made.kind == "foreign key" and made.references is not None and made.referenced_columns:
        return (orphans_absent(relation, made.columns, made.references, made.referenced_columns, engine),)
    if made.kind == "exclude" and engine is _PG:
        return no_conflict(relation, text)
    if made.kind == "check" and (wanted := check_text(text, engine)):
        source = f"FROM {sql_name(relation, engine)} WHERE NOT ({wanted})"
        return (_none(source, f"every row of {relation} keeps CHECK ({wanted})"),)
    return ()


def _none(source: str, means: str) -> Condition:
    return Condition(f"SELECT NOT EXISTS (SELECT 1 {source})", means, costly=True)
