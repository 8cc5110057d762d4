"""PostgreSQL: a column of another type, or of another name, beside the old one; then the old one goes.

A trigger keeps both alike while old and new code run. For a change of type the two swap names in one short
transaction; for a change of name both names stay until no code uses the old one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import with_columns_of
from dbtui.migrations.planner.one import One, Steps, application, check, ddl, key_of, until
from dbtui.migrations.planner.postgresql_columns import backfill, drop_trigger, sync_trigger
from dbtui.migrations.planner.postgresql_constraints import prove_not_null
from dbtui.migrations.planner.postgresql_indexes import build
from dbtui.migrations.planner.postgresql_pair import (
    Pair,
    checks_of,
    foreign_keys_of,
    indexes_of,
    pointing_at,
    twin,
    twin_check,
    twin_key,
    twin_sql,
)
from dbtui.migrations.planner.postgresql_swap import drop_old, names_over, swap
from dbtui.migrations.planner.postgresql_tables import as_written
from dbtui.migrations.tokens import tokens
from dbtui.model.change import ChangeStep, Kind, Phase
from dbtui.model.migration import ColumnDef, Engine, KnownTable
from dbtui.rules.migration.step import quoted, short, sql_name

_TYPES = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "bpchar": "char", "float4": "real",
    "float8": "double precision", "bool": "boolean",
}  # fmt: skip


def set_type(one: One) -> Steps | None:
    """ALTER COLUMN … TYPE where the table would be written anew."""
    action, known = one.action, one.known
    if one.fresh or not one.effects.rewrites or action.column is None or known is None:
        return None
    old = known.columns.get(action.name)
    if old is None:
        return None
    if reason := _in_the_way(one, known, action.name):
        return _as_it_is(one, reason)
    type_text, using = _type_and_using(action.text)
    # Without USING it is an assignment, which refuses what a cast would cut off.
    convert = using or quoted(old.name)
    fits = rows.converted(one.relation, old, action.column, using, one.version)
    pair = Pair(known, old, short(action.name, "new"), type_text, convert, fits)
    if old.type == action.column.type:
        return _as_it_is(one, "the type stays the same, so the catalog could not tell before from after")
    swapped = conditions.column_type(pair.relation, old.name, action.column.type)
    return (*until(_beside(one, pair), swapped), *swap(one, pair, swapped))


def _as_it_is(one: One, reason: str) -> Steps:
    """The user's words, and why there is nothing better."""
    step = as_written(one)
    return (replace(step, notes=(*step.notes, f"it runs as written, with its lock: {reason}")),)


def _in_the_way(one: One, known: KnownTable, column: str) -> str:
    """What a second column cannot take over; "" when nothing stands in the way."""
    old = known.columns[column]
    indexes = [i for i in known.indexes if column in i.columns]
    pointing = [c for _, c in pointing_at(one, known, column)]
    found = {
        "the table is partitioned, or a partition": known.partitioned or known.parent is not None,
        "it is an identity column": old.identity,
        "it is a generated column": bool(old.generated),
        "a check on it has no name here": any(not c.text or not c.name for c in checks_of(known, column)),
        "an exclusion constraint is on it": any(
            c.kind == "exclude" and column in c.columns for c in known.constraints
        ),
        "a partial index, or one over an expression, is on it": any(
            "" in i.columns or i.partial for i in indexes
        ),
        "foreign keys whose text is not known here point at it": any(
            not c.text or not c.name for c in pointing
        ),
        "a foreign key of the same table points at it": any(
            c.references is not None and one.schema.same(c.references, known.relation)
            for c in known.constraints
        ),
    }
    return next((reason for reason, holds in found.items() if holds), "")


def _type_and_using(text: str) -> tuple[str, str]:
    """The type and the USING expression as the user wrote them."""
    found = list(tokens(text, Engine.POSTGRESQL))
    start = next(p for p, t in enumerate(found) if p > 1 and t.upper == "TYPE") + 1
    using = next((p for p, t in enumerate(found) if p > start and t.upper == "USING"), len(found))
    kind = text[found[start].start : found[using - 1].end]
    expression = text[found[using + 1].start : found[-1].end] if using < len(found) else ""
    return kind, expression


def _beside(one: One, pair: Pair) -> Iterator[ChangeStep]:
    """The new column, its trigger, the backfill, its proof and its indexes."""
    relation, table = pair.relation, sql_name(pair.relation)
    old, new = quoted(pair.old.name), quoted(pair.new)
    yield check(
        f"no view reads {relation}.{pair.old.name}",
        conditions.no_view_reads(relation, pair.old.name),
        relation=relation,
        why="a view keeps to the column it was made with, whatever its name is afterwards",
    )
    yield ddl(
        f"add {relation}.{pair.new} {pair.type_text}, empty",
        f"ALTER TABLE {table} ADD COLUMN {new} {pair.type_text}",
        relation=relation,
        down=(f"ALTER TABLE {table} DROP COLUMN IF EXISTS {new}",),
        postconditions=(conditions.column_there(relation, pair.new),),
        why="the new column comes beside the old one, so that nothing is rewritten under a lock",
    )
    value = with_columns_of(pair.convert, pair.table.columns, "NEW")
    yield sync_trigger(
        relation,
        pair.trigger,
        f"NEW.{new} := {value};",
        f"a trigger writes {pair.new} along with {pair.old.name}",
    )
    fill = backfill(
        relation,
        pair.table,
        f"{new} = {pair.convert}",
        f"{new} IS NULL AND {old} IS NOT NULL",
        f"fill {relation}.{pair.new} for the old rows",
    )
    yield replace(fill, foreseen=pair.fits)
    if pair.old.not_null:
        yield from prove_not_null(relation, pair.new, one.version)
    for index in indexes_of(pair):
        yield build(relation, twin(index, pair), twin_sql(index, pair))
    for key in foreign_keys_of(pair):
        yield from twin_key(key, pair)
    for made in checks_of(pair.table, pair.old.name):
        yield from twin_check(made, pair)


def rename_column(one: One) -> Steps | None:
    """Both names at once, kept alike by a trigger, until no code uses the old one."""
    known, action = one.known, one.action
    if one.fresh or known is None or known.kind != "table":
        return None
    old = known.columns.get(action.name)
    if old is None or old.serial or action.name in key_of(known) or pointing_at(one, known, action.name):
        return None
    if _in_the_way(one, known, action.name):
        return None
    relation, table = one.relation, sql_name(one.relation)
    pair = Pair(known, old, action.new_name, _type_text(old), quoted(old.name))
    before, after = quoted(action.name), quoted(action.new_name)
    steps = [step for step in _beside(one, pair) if step.kind is not Kind.CHECK]
    both = (
        f"IF (TG_OP = 'INSERT' AND NEW.{after} IS NOT NULL)"
        f" OR (TG_OP = 'UPDATE' AND NEW.{after} IS DISTINCT FROM OLD.{after}) THEN\n"
        f"    NEW.{before} := NEW.{after};\n  ELSE\n    NEW.{after} := NEW.{before};\n  END IF;"
    )
    trigger = sync_trigger(
        relation,
        pair.trigger,
        both,
        f"a trigger keeps {action.name} and {action.new_name} alike, whoever writes",
    )
    steps = [trigger if step.title.startswith("a trigger writes") else step for step in steps]
    steps.append(
        application(
            f"deploy code that reads and writes {action.new_name} instead of {action.name} in {relation}",
            "until then both names work",
            phase=Phase.CONTRACT,
            relation=relation,
        )
    )
    end = drop_old(
        relation,
        action.name,
        *drop_trigger(relation, pair.trigger),
        *(
            [f"ALTER TABLE {table} ALTER COLUMN {after} SET DEFAULT {old.default.text}"]
            if old.default is not None and old.default.text
            else []
        ),
        *names_over(pair),
    )
    return (*until(steps, conditions.column_gone(relation, action.name)), end)


def _type_text(column: ColumnDef) -> str:
    base = column.type
    name = _TYPES.get(base.name, base.name)
    return replace(base, name=name).text + (
        f" COLLATE {quoted(column.collation)}" if column.collation else ""
    )
