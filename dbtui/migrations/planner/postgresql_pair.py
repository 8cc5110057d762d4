"""PostgreSQL: a column and the one that is to take its place, with the indexes, keys and checks of both."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner.clauses import with_column_renamed
from dbtui.migrations.planner.one import One, Steps, ddl
from dbtui.migrations.planner.outcome_postgresql import adding
from dbtui.migrations.planner.postgresql_constraints import validate
from dbtui.model.change import Condition
from dbtui.model.migration import ColumnDef, ConstraintDef, IndexDef, KnownTable, Relation
from dbtui.rules.migration.step import columns as listed
from dbtui.rules.migration.step import quoted, short, sql_name


@dataclass(frozen=True, slots=True)
class Pair:
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


def pointing_at(one: One, known: KnownTable, column: str) -> list[tuple[KnownTable, ConstraintDef]]:
    """Foreign keys of other tables that refer to the column; without a list of columns they mean the primary key."""
    keyed = known.primary_key is not None and column in known.primary_key.columns
    return [
        (table, made)
        for table, made in one.schema.referencing(known.relation)
        if column in made.referenced_columns or (keyed and not made.referenced_columns)
    ]


def checks_of(known: KnownTable, column: str) -> tuple[ConstraintDef, ...]:
    return tuple(c for c in known.constraints if c.kind == "check" and column in c.mentions)


def indexes_of(pair: Pair) -> tuple[IndexDef, ...]:
    return tuple(i for i in pair.table.indexes if pair.old.name in i.columns)


def twin(index: IndexDef, pair: Pair) -> IndexDef:
    return replace(index, name=short(index.name, "new"))


def twin_sql(index: IndexDef, pair: Pair) -> str:
    """The same index over the new column."""
    names = ", ".join(quoted(pair.new if c == pair.old.name else c) for c in index.columns)
    unique = "UNIQUE " if index.unique else ""
    method = f" USING {index.method}" if index.method not in ("", "btree") else ""
    name = quoted(short(index.name, "new"))
    return f"CREATE {unique}INDEX CONCURRENTLY {name} ON {sql_name(pair.relation)}{method} ({names})"


def foreign_keys_of(pair: Pair) -> tuple[ConstraintDef, ...]:
    return tuple(c for c in pair.table.constraints if c.references is not None and pair.old.name in c.columns)


def twin_key(key: ConstraintDef, pair: Pair) -> Steps:
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


def twin_check(made: ConstraintDef, pair: Pair) -> Steps:
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
