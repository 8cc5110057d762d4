"""PostgreSQL: a column of another type, or of another name, beside the old one; then the old one goes.

A trigger keeps both alike while old and new code run. For a change of type the two swap names in one short
transaction; for a change of name both names stay until no code uses the old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import with_column_renamed, with_columns_of
from dbtui.migrations.planner.one import One, Steps, application, check, ddl, key_of, until
from dbtui.migrations.planner.outcome_postgresql import adding
from dbtui.migrations.planner.postgresql_columns import backfill, drop_trigger, sync_trigger
from dbtui.migrations.planner.postgresql_constraints import prove_not_null, validate
from dbtui.migrations.planner.postgresql_indexes import build
from dbtui.migrations.planner.postgresql_tables import as_written
from dbtui.migrations.tokens import tokens
from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Reversibility
from dbtui.model.migration import ColumnDef, ConstraintDef, Engine, IndexDef, KnownTable, Relation
from dbtui.rules.migration.step import columns as listed
from dbtui.rules.migration.step import quoted, short, sql_name
from dbtui.sql.quoting import postgres_literal as literal

_TYPES = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "bpchar": "char", "float4": "real",
    "float8": "double precision", "bool": "boolean",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Pair:
    """The old column, the new one beside it, and how a value goes over."""

    table: KnownTable
    old: ColumnDef
    new: str
    type_text: str
    convert: str  # an expression over the table's columns
    fits: tuple[Condition, ...] = ()  # what its values must be like for that

    @property
    def relation(self) -> Relation:
        return self.table.relation

    @property
    def trigger(self) -> str:
        return short(self.relation.name, self.old.name, "sync")


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
    pair = _Pair(known, old, short(action.name, "new"), type_text, convert, fits)
    if old.type == action.column.type:
        return _as_it_is(one, "the type stays the same, so the catalog could not tell before from after")
    swapped = conditions.column_type(pair.relation, old.name, action.column.type)
    return (*until(_beside(one, pair), swapped), *_swap(one, pair, swapped))


def _as_it_is(one: One, reason: str) -> Steps:
    """The user's words, and why there is nothing better."""
    step = as_written(one)
    return (replace(step, notes=(*step.notes, f"it runs as written, with its lock: {reason}")),)


def _in_the_way(one: One, known: KnownTable, column: str) -> str:
    """What a second column cannot take over; "" when nothing stands in the way."""
    old = known.columns[column]
    indexes = [i for i in known.indexes if column in i.columns]
    pointing = [c for _, c in _pointing(one, known, column)]
    found = {
        "the table is partitioned, or a partition": known.partitioned or known.parent is not None,
        "it is an identity column": old.identity,
        "it is a generated column": bool(old.generated),
        "a check on it has no name here": any(not c.text or not c.name for c in _checks_of(known, column)),
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


def _pointing(one: One, known: KnownTable, column: str) -> list[tuple[KnownTable, ConstraintDef]]:
    """Foreign keys of other tables that refer to the column; without a list of columns they mean the primary key."""
    keyed = known.primary_key is not None and column in known.primary_key.columns
    return [
        (table, made)
        for table, made in one.schema.referencing(known.relation)
        if column in made.referenced_columns or (keyed and not made.referenced_columns)
    ]


def _checks_of(known: KnownTable, column: str) -> tuple[ConstraintDef, ...]:
    return tuple(c for c in known.constraints if c.kind == "check" and column in c.mentions)


def _type_and_using(text: str) -> tuple[str, str]:
    """The type and the USING expression as the user wrote them."""
    found = list(tokens(text, Engine.POSTGRESQL))
    start = next(p for p, t in enumerate(found) if p > 1 and t.upper == "TYPE") + 1
    using = next((p for p, t in enumerate(found) if p > start and t.upper == "USING"), len(found))
    kind = text[found[start].start : found[using - 1].end]
    expression = text[found[using + 1].start : found[-1].end] if using < len(found) else ""
    return kind, expression


def _beside(one: One, pair: _Pair) -> Iterator[ChangeStep]:
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
    for index in _indexes_of(pair):
        yield build(relation, _twin(index, pair), _twin_sql(index, pair))
    for key in _foreign_keys_of(pair):
        yield from _twin_key(key, pair)
    for made in _checks_of(pair.table, pair.old.name):
        yield from _twin_check(made, pair)


def _indexes_of(pair: _Pair) -> tuple[IndexDef, ...]:
    return tuple(i for i in pair.table.indexes if pair.old.name in i.columns)


def _twin(index: IndexDef, pair: _Pair) -> IndexDef:
    return replace(index, name=short(index.name, "new"))


def _twin_sql(index: IndexDef, pair: _Pair) -> str:
    """The same index over the new column."""
    names = ", ".join(quoted(pair.new if c == pair.old.name else c) for c in index.columns)
    unique = "UNIQUE " if index.unique else ""
    method = f" USING {index.method}" if index.method not in ("", "btree") else ""
    name = quoted(short(index.name, "new"))
    return f"CREATE {unique}INDEX CONCURRENTLY {name} ON {sql_name(pair.relation)}{method} ({names})"


def _foreign_keys_of(pair: _Pair) -> tuple[ConstraintDef, ...]:
    return tuple(c for c in pair.table.constraints if c.references is not None and pair.old.name in c.columns)


def _twin_key(key: ConstraintDef, pair: _Pair) -> Steps:
    """The same foreign key over the new column, proved before the swap."""
    assert key.references is not None
    table, name = sql_name(pair.relation), short(key.name, "new")
    names = listed(tuple(pair.new if c == pair.old.name else c for c in key.columns))
    target = sql_name(key.references) + (
        f" ({listed(key.referenced_columns)})" if key.referenced_columns else ""
    )
    rules = "".join(
        f" ON {event} {rule.upper()}"
        for event, rule in (("DELETE", key.on_delete), ("UPDATE", key.on_update))
        if rule
    )
    return (
        ddl(
            f"add {name} for new rows only",
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)}"
            f" FOREIGN KEY ({names}) REFERENCES {target}{rules} NOT VALID",
            relation=pair.relation,
            down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
            postconditions=(conditions.constraint_there(pair.relation, name),),
            why="the new column refers to the same rows as the old one",
        ),
        validate(pair.relation, name),
    )


def _twin_check(made: ConstraintDef, pair: _Pair) -> Steps:
    """The same check over the new column, proved before the swap."""
    table, name = sql_name(pair.relation), short(made.name, "new")
    body = adding(made).partition(quoted(made.name))[2]
    condition = with_column_renamed(body, pair.old.name, quoted(pair.new))
    return (
        ddl(
            f"add {name} for new rows only",
            f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)}{condition} NOT VALID",
            relation=pair.relation,
            down=(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
            postconditions=(conditions.constraint_there(pair.relation, name),),
            why="the new column obeys the same check as the old one",
        ),
        validate(pair.relation, name),
    )


def _swap(one: One, pair: _Pair, swapped: Condition) -> Iterator[ChangeStep]:
    """One short transaction in which the two columns change names, then, later, the end of the old one."""
    relation, table = pair.relation, sql_name(pair.relation)
    old, new, aside = quoted(pair.old.name), quoted(pair.new), short(pair.old.name, "old")
    pointing = _pointing(one, pair.table, pair.old.name)
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


def _narrower(pair: _Pair, pointing: Sequence[tuple[KnownTable, ConstraintDef]]) -> Iterator[str]:
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


def _swapped_back(pair: _Pair, aside: str) -> tuple[str, ...]:
    """The names as they were; () where keys or checks went over to the new column, which no rename brings back."""
    keys = any(index.constraint for index in _indexes_of(pair))
    if keys or _foreign_keys_of(pair) or _checks_of(pair.table, pair.old.name):
        return ()
    table, schema = sql_name(pair.relation), pair.relation.schema
    old, new = quoted(pair.old.name), quoted(pair.new)
    names = [
        statement
        for index in _indexes_of(pair)
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


_LARGEST = frozenset({"bigint", "int8"})  # a sequence made for a smaller type ends where that does
_LARGEST_OF = {"int2": 2**15 - 1, "int4": 2**31 - 1}
_NEXT_VALUE = re.compile(r"nextval\('((?:[^']|'')+)'(?:::regclass)?\)", re.I)


def _owned(pair: _Pair, old: str, new: str) -> Iterator[str]:
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


def _names_over(pair: _Pair) -> Iterator[str]:
    """What is built over the new name takes the names of what the old column had."""
    table, schema = sql_name(pair.relation), pair.relation.schema
    for index in _indexes_of(pair):
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


def _constraints_named(pair: _Pair) -> Iterator[str]:
    table = sql_name(pair.relation)
    for made in (*_foreign_keys_of(pair), *_checks_of(pair.table, pair.old.name)):
        yield f"ALTER TABLE {table} DROP CONSTRAINT {quoted(made.name)}"
        yield f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(short(made.name, 'new'))} TO {quoted(made.name)}"


def _constraints_over(pair: _Pair) -> Iterator[str]:
    """Keys adopt the new indexes; indexes and foreign keys take the old names."""
    table = sql_name(pair.relation)
    schema = pair.relation.schema
    for index in _indexes_of(pair):
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


def rename_column(one: One) -> Steps | None:
    """Both names at once, kept alike by a trigger, until no code uses the old one."""
    known, action = one.known, one.action
    if one.fresh or known is None or known.kind != "table":
        return None
    old = known.columns.get(action.name)
    if old is None or old.serial or action.name in key_of(known) or _pointing(one, known, action.name):
        return None
    if _in_the_way(one, known, action.name):
        return None
    relation, table = one.relation, sql_name(one.relation)
    pair = _Pair(known, old, action.new_name, _type_text(old), quoted(old.name))
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
        *_names_over(pair),
    )
    return (*until(steps, conditions.column_gone(relation, action.name)), end)


def _type_text(column: ColumnDef) -> str:
    base = column.type
    name = _TYPES.get(base.name, base.name)
    return replace(base, name=name).text + (
        f" COLLATE {quoted(column.collation)}" if column.collation else ""
    )
