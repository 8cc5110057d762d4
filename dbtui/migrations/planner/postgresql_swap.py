"""PostgreSQL: two columns change names in one short transaction, with all that is built over them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.one import One, application, ddl
from dbtui.migrations.planner.outcome_postgresql import adding
from dbtui.migrations.planner.postgresql_columns import drop_trigger
from dbtui.migrations.planner.postgresql_constraints import validate
from dbtui.migrations.planner.postgresql_pair import Pair, checks_of, foreign_keys_of, indexes_of, pointing_at
from dbtui.model.change import ChangeStep, Condition, Phase, Reversibility
from dbtui.model.migration import ConstraintDef, KnownTable, Relation
from dbtui.rules.migration.step import quoted, short, sql_name
from dbtui.sql.quoting import postgres_literal as literal

_LARGEST = frozenset({"bigint", "int8"})  # a sequence made for a smaller type ends where that does
_LARGEST_OF = {"int2": 2**15 - 1, "int4": 2**31 - 1}
_NEXT_VALUE = re.compile(r"nextval\('((?:[^']|'')+)'(?:::regclass)?\)", re.I)


def swap(one: One, pair: Pair, swapped: Condition) -> Iterator[ChangeStep]:
    """One short transaction in which the two columns change names, then, later, the end of the old one."""
    relation, table = pair.relation, sql_name(pair.relation)
    old, new, aside = quoted(pair.old.name), quoted(pair.new), short(pair.old.name, "old")
    pointing = pointing_at(one, pair.table, pair.old.name)
    statements = [
        *drop_trigger(relation, pair.trigger),
        *(f"ALTER TABLE {sql_name(t.relation)} DROP CONSTRAINT {quoted(c.name)}" for t, c in pointing),
        *_owned(pair, old, new),
        f"ALTER TABLE {table} RENAME COLUMN {old} TO {quoted(aside)}",
        f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}",
        *_constraints_over(pair),
        *(f"ALTER TABLE {sql_name(t.relation)} {adding(c)} NOT VALID" for t, c in pointing),
    ]
    if pair.old.not_null:
        statements.append(f"ALTER TABLE {table} ALTER COLUMN {quoted(aside)} DROP NOT NULL")
    yield ddl(
        f"swap {pair.old.name} and {pair.new} of {relation}",
        *statements,
        relation=relation,
        phase=Phase.CONTRACT,
        reversibility=Reversibility.NEEDS_DATA,
        preconditions=(
            rows.nothing_left(relation, f"{new} IS NULL AND {old} IS NOT NULL"),
            conditions.no_view_reads(relation, pair.old.name),
        ),
        postconditions=(swapped, conditions.column_gone(relation, pair.new)),
        why="only names change, so the lock lasts a moment; prepared statements are planned again",
        notes=(
            "values written after the swap are only in the new column",
            "a comment, rights to the column and a statistics target stay with the old one: give them again",
            *_narrower(pair, pointing),
        ),
        down=() if pointing else _swapped_back(pair, aside),
    )
    for other, made in pointing:
        yield validate(other.relation, made.name)
    dropped = conditions.column_gone(relation, aside)
    yield application(
        f"watch the application with the new type of {relation}.{pair.old.name} before the old values go",
        "until the next step the old column is still there",
        phase=Phase.CONTRACT,
        relation=relation,
        superseded=dropped,
    )
    yield drop_old(relation, aside)


def _narrower(pair: Pair, pointing: Sequence[tuple[KnownTable, ConstraintDef]]) -> Iterator[str]:
    """Columns that refer to a number which soon holds more than they do."""
    if pair.type_text.casefold() not in _LARGEST:
        return
    for table, made in pointing:
        for name in made.columns:
            column = table.columns.get(name)
            if column is not None and column.type.name in _LARGEST_OF:
                yield (
                    f"{table.relation}.{name} refers to it and is {column.type.name} still: change its type too,"
                    f" before a number passes {_LARGEST_OF[column.type.name]:,}"
                )


def _swapped_back(pair: Pair, aside: str) -> tuple[str, ...]:
    """The names as they were; () where keys or checks went over to the new column, which no rename brings back."""
    keys = any(index.constraint for index in indexes_of(pair))
    if keys or foreign_keys_of(pair) or checks_of(pair.table, pair.old.name):
        return ()
    table, schema = sql_name(pair.relation), pair.relation.schema
    old, new = quoted(pair.old.name), quoted(pair.new)
    names = [
        statement
        for index in indexes_of(pair)
        for statement in (
            f"ALTER INDEX {sql_name(Relation(index.name, schema))} RENAME TO {quoted(short(index.name, 'new'))}",
            f"ALTER INDEX {sql_name(Relation(short(index.name, 'old'), schema))} RENAME TO {quoted(index.name)}",
        )
    ]
    return (
        f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}",
        f"ALTER TABLE {table} RENAME COLUMN {quoted(aside)} TO {old}",
        *names,
        *_owned(pair, new, old),
    )


def drop_old(relation: Relation, column: str, *first: str) -> ChangeStep:
    """The end of a column that another one has replaced."""
    table = sql_name(relation)
    return ddl(
        f"drop {relation}.{column}",
        *first,
        f"ALTER TABLE {table} DROP COLUMN {quoted(column)}",
        relation=relation,
        phase=Phase.CONTRACT,
        destructive=True,
        reversibility=Reversibility.IMPOSSIBLE,
        postconditions=(conditions.column_gone(relation, column),),
        why="only the catalog changes; the space comes back as rows are rewritten",
    )


def _owned(pair: Pair, old: str, new: str) -> Iterator[str]:
    """Default and sequence go over to the new column."""
    table, default = sql_name(pair.relation), pair.old.default
    text = default.text if default is not None else ""
    if pair.old.serial:
        sequence = sql_name(Relation(short(pair.relation.name, pair.old.name, "seq"), pair.relation.schema))
        text = f"nextval({literal(sequence)}::regclass)"
    if not text:
        return
    yield f"ALTER TABLE {table} ALTER COLUMN {new} SET DEFAULT {text}"
    yield f"ALTER TABLE {table} ALTER COLUMN {old} DROP DEFAULT"
    numbered = _NEXT_VALUE.fullmatch(text.strip())
    if numbered is not None:
        sequence = numbered.group(1).replace("''", "'")
        kind = f"AS {pair.type_text} " if pair.type_text.casefold() in _LARGEST else ""
        yield f"ALTER SEQUENCE {sequence} {kind}OWNED BY {table}.{new}"


def names_over(pair: Pair) -> Iterator[str]:
    """What is built over the new name takes the names of what the old column had."""
    table, schema = sql_name(pair.relation), pair.relation.schema
    for index in indexes_of(pair):
        twin = sql_name(Relation(short(index.name, "new"), schema))
        if index.constraint:
            yield f"ALTER TABLE {table} DROP CONSTRAINT {quoted(index.name)}"
            yield (
                f"ALTER TABLE {table} ADD CONSTRAINT {quoted(index.name)} UNIQUE"
                f" USING INDEX {quoted(short(index.name, 'new'))}"
            )
        else:
            yield f"DROP INDEX {sql_name(Relation(index.name, schema))}"
            yield f"ALTER INDEX {twin} RENAME TO {quoted(index.name)}"
    yield from _constraints_named(pair)


def _constraints_named(pair: Pair) -> Iterator[str]:
    table = sql_name(pair.relation)
    for made in (*foreign_keys_of(pair), *checks_of(pair.table, pair.old.name)):
        yield f"ALTER TABLE {table} DROP CONSTRAINT {quoted(made.name)}"
        yield f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(short(made.name, 'new'))} TO {quoted(made.name)}"


def _constraints_over(pair: Pair) -> Iterator[str]:
    """Keys adopt the new indexes; indexes and foreign keys take the old names."""
    table = sql_name(pair.relation)
    schema = pair.relation.schema
    for index in indexes_of(pair):
        twin = quoted(short(index.name, "new"))
        key = next(
            (
                c
                for c in pair.table.constraints
                if c.name == index.name and c.kind in ("primary key", "unique")
            ),
            None,
        )
        if key is not None:
            yield f"ALTER TABLE {table} DROP CONSTRAINT {quoted(key.name)}"
            yield f"ALTER TABLE {table} ADD CONSTRAINT {quoted(key.name)} {key.kind.upper()} USING INDEX {twin}"
        else:
            aside = short(index.name, "old")
            yield f"ALTER INDEX {sql_name(Relation(index.name, schema))} RENAME TO {quoted(aside)}"
            yield f"ALTER INDEX {sql_name(Relation(short(index.name, 'new'), schema))} RENAME TO {quoted(index.name)}"
    yield from _constraints_named(pair)
