"""What a statement of the user's leaves in PostgreSQL's catalog: how to see that it ran, and how to undo it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner.one import One
from dbtui.migrations.planner.passing import remade
from dbtui.model.change import ChangeStep, Condition, Reversibility
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, Relation
from dbtui.rules.migration.step import quoted, sql_name
from dbtui.sql.quoting import postgres_literal as literal


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one action. `down` None means that no way back is known, () that there is nothing to undo."""

    done: tuple[Condition, ...] = ()
    down: tuple[str, ...] | None = None
    reversibility: Reversibility = Reversibility.FREE
    destructive: bool = False


def outcome(step: ChangeStep, actions: Sequence[Action], one: One) -> ChangeStep:
    """The step with postconditions, down statements and reversibility of all its actions."""
    found = [_OUTCOMES[a.op](a, one) if a.op in _OUTCOMES else Outcome() for a in actions]
    known = bool(found) and all(each.down is not None for each in found)
    down = tuple(text for each in reversed(found) for text in each.down or ()) if known else ()
    told = bool(found) and all(each.done for each in found) and not remade(actions)
    order = list(Reversibility)
    worst = max((each.reversibility for each in found), key=order.index, default=Reversibility.FREE)
    goes = one.fresh and all(
        a.relation == actions[0].relation for a in actions
    )  # with the table that it is for
    if not known and not goes:
        worst = max(worst, Reversibility.NEEDS_DATA, key=order.index)
    said = known or goes or worst is Reversibility.IMPOSSIBLE
    notes = () if said else ("no way back can be written for it; write one by hand where it matters",)
    return replace(
        step,
        postconditions=tuple(one for each in found for one in each.done) if told else (),
        down=down,
        reversibility=worst,
        destructive=any(each.destructive for each in found),
        notes=(*step.notes, *notes),
    )


def _column(one: One, action: Action) -> ColumnDef | None:
    known = one.schema.table(action.relation)
    return known.columns.get(action.name) if known else None


def _add_column(action: Action, one: One) -> Outcome:
    assert action.column is not None
    name = action.column.name
    down = f"ALTER TABLE {sql_name(action.relation)} DROP COLUMN IF EXISTS {quoted(name)}"
    return Outcome((conditions.column_there(action.relation, name),), (down,))


def _drop_column(action: Action, one: One) -> Outcome:
    column = _column(one, action)
    down: tuple[str, ...] | None = None
    if column is not None and not column.generated and not column.serial and not column.identity:
        default = f" DEFAULT {column.default.text}" if column.default and column.default.text else ""
        table = sql_name(action.relation)
        down = (f"ALTER TABLE {table} ADD COLUMN {quoted(column.name)} {column.type.text}{default}",)
    return Outcome(
        (conditions.column_gone(action.relation, action.name),),
        down,
        Reversibility.IMPOSSIBLE,
        destructive=True,
    )


def _rename_column(action: Action, one: One) -> Outcome:
    table = sql_name(action.relation)
    down = f"ALTER TABLE {table} RENAME COLUMN {quoted(action.new_name)} TO {quoted(action.name)}"
    done = (
        conditions.column_there(action.relation, action.new_name),
        conditions.column_gone(action.relation, action.name),
    )
    return Outcome(done, (down,))


def _rename_table(action: Action, one: One) -> Outcome:
    new = Relation(action.new_name, action.relation.schema)
    kind = "VIEW" if action.op == "rename view" else "TABLE"
    down = f"ALTER {kind} {sql_name(new)} RENAME TO {quoted(action.relation.name)}"
    return Outcome((conditions.table_there(new), conditions.table_gone(action.relation)), (down,))


def _rename_constraint(action: Action, one: One) -> Outcome:
    table = sql_name(action.relation)
    down = f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(action.new_name)} TO {quoted(action.name)}"
    return Outcome((conditions.constraint_there(action.relation, action.new_name),), (down,))


def _rename_index(action: Action, one: One) -> Outcome:
    new = Relation(action.new_name, action.relation.schema)
    down = f"ALTER INDEX {sql_name(new)} RENAME TO {quoted(action.relation.name)}"
    return Outcome((conditions.table_there(new), conditions.table_gone(action.relation)), (down,))


def _set_schema(action: Action, one: One) -> Outcome:
    moved = Relation(action.relation.name, action.new_name)
    back = quoted(action.relation.schema or one.schema.search_path)
    return Outcome((conditions.table_there(moved),), (f"ALTER TABLE {sql_name(moved)} SET SCHEMA {back}",))


def _set_type(action: Action, one: One) -> Outcome:
    old, new = _column(one, action), action.column
    done = (conditions.column_type(action.relation, action.name, new.type),) if new is not None else ()
    if old is None:
        return Outcome(done)
    table = sql_name(action.relation)
    down = f"ALTER TABLE {table} ALTER COLUMN {quoted(action.name)} TYPE {old.type.text}"
    return Outcome(done, (down,), Reversibility.NEEDS_DATA)


def _set_not_null(action: Action, one: One) -> Outcome:
    down = f"ALTER TABLE {sql_name(action.relation)} ALTER COLUMN {quoted(action.name)} DROP NOT NULL"
    return Outcome((conditions.not_null(action.relation, action.name),), (down,))


def _drop_not_null(action: Action, one: One) -> Outcome:
    down = f"ALTER TABLE {sql_name(action.relation)} ALTER COLUMN {quoted(action.name)} SET NOT NULL"
    return Outcome((conditions.nullable(action.relation, action.name),), (down,), Reversibility.NEEDS_DATA)


def _default(action: Action, one: One) -> Outcome:
    """A default that is there says nothing about which: only dropping one can be seen."""
    old = _column(one, action)
    column = f"ALTER TABLE {sql_name(action.relation)} ALTER COLUMN {quoted(action.name)}"
    down: tuple[str, ...] | None = None
    if old is not None:
        down = (f"{column} SET DEFAULT {old.default.text}" if old.default else f"{column} DROP DEFAULT",)
    if action.op == "drop default":
        return Outcome((conditions.default_gone(action.relation, action.name),), down)
    unset = old is not None and old.default is None
    return Outcome((conditions.default_there(action.relation, action.name),) if unset else (), down)


def _add_constraint(action: Action, one: One) -> Outcome:
    made = action.constraint
    name = made.name if made is not None else ""
    if made is None or not name:
        return Outcome()
    down = f"ALTER TABLE {sql_name(action.relation)} DROP CONSTRAINT IF EXISTS {quoted(name)}"
    return Outcome((conditions.constraint_there(action.relation, name),), (down,))


def _drop_constraint(action: Action, one: One) -> Outcome:
    known = one.schema.table(action.relation)
    found = next((c for c in known.constraints if c.name == action.name), None) if known else None
    down: tuple[str, ...] | None = None
    if found is not None and found.text:
        later = " NOT VALID" if found.kind in ("check", "foreign key") and found.valid else ""
        down = (f"ALTER TABLE {sql_name(action.relation)} {adding(found)}{later}",)
    return Outcome(
        (conditions.constraint_gone(action.relation, action.name),), down, Reversibility.NEEDS_DATA
    )


def adding(made: ConstraintDef) -> str:
    """The constraint as an action of ALTER TABLE, in the words that it was written with."""
    text = made.text[3:].strip() if made.text[:4].upper() == "ADD " else made.text
    named = text.upper().startswith("CONSTRAINT")
    return f"ADD {text}" if named else f"ADD CONSTRAINT {quoted(made.name)} {text}"


def _validate(action: Action, one: One) -> Outcome:
    return Outcome((conditions.constraint_valid(action.relation, action.name),), ())


def _create_table(action: Action, one: One) -> Outcome:
    kinds = {
        "create view": "VIEW",
        "create materialized view": "MATERIALIZED VIEW",
        "create sequence": "SEQUENCE",
    }
    kind = kinds.get(action.op, "TABLE")
    if not action.relation.name:
        return Outcome()
    replaces = "replace" in action.options
    if replaces and one.schema.table(action.relation) is not None:
        return Outcome()
    down = f"DROP {kind} IF EXISTS {sql_name(action.relation)}"
    lost = Reversibility.NEEDS_DATA if action.op == "create table" else Reversibility.FREE
    # What replaces is not done because there is something to replace.
    return Outcome(() if replaces else (conditions.table_there(action.relation),), (down,), lost)


def _drop_relation(action: Action, one: One) -> Outcome:
    view = action.op in ("drop view", "drop materialized view", "drop sequence", "drop index")
    return Outcome(
        (conditions.table_gone(action.relation),),
        None,
        Reversibility.NEEDS_DATA if view else Reversibility.IMPOSSIBLE,
        destructive=not view,
    )


def _lost(action: Action, one: One) -> Outcome:
    return Outcome((), None, Reversibility.IMPOSSIBLE, destructive=True)


def _create_index(action: Action, one: One) -> Outcome:
    index = action.index
    if index is None or not index.name:
        return Outcome()
    down = f"DROP INDEX IF EXISTS {sql_name(Relation(index.name, action.relation.schema))}"
    return Outcome((conditions.index_valid(action.relation, index.name),), (down,))


def _create_trigger(action: Action, one: One) -> Outcome:
    down = f"DROP TRIGGER IF EXISTS {quoted(action.name)} ON {sql_name(action.relation)}"
    return Outcome((conditions.trigger_there(action.relation, action.name),), (down,))


def _attach(action: Action, one: One) -> Outcome:
    child = action.others[0]
    down = f"ALTER TABLE {sql_name(action.relation)} DETACH PARTITION {sql_name(child)}"
    return Outcome((conditions.partition_of(child, action.relation),), (down,))


def _detach(action: Action, one: One) -> Outcome:
    return Outcome(
        (conditions.no_partition_of(action.others[0], action.relation),), None, Reversibility.NEEDS_DATA
    )


def _drop_identity(action: Action, one: One) -> Outcome:
    """The way back begins after the greatest value that is there."""
    table, column = sql_name(action.relation), quoted(action.name)
    down = (
        f"ALTER TABLE {table} ALTER COLUMN {column} ADD GENERATED BY DEFAULT AS IDENTITY",
        f"SELECT setval(pg_get_serial_sequence({literal(table)}, {literal(action.name)}),"
        f" coalesce(max({column}), 1)) FROM {table}",
    )
    return Outcome((conditions.no_identity(action.relation, action.name),), down, Reversibility.NEEDS_DATA)


def _comment(action: Action, one: One) -> Outcome:
    return Outcome((), ())


_OUTCOMES: dict[str, Callable[[Action, One], Outcome]] = {
    "add column": _add_column,
    "drop column": _drop_column,
    "rename column": _rename_column,
    "rename table": _rename_table,
    "rename view": _rename_table,
    "rename constraint": _rename_constraint,
    "rename index": _rename_index,
    "set schema": _set_schema,
    "set type": _set_type,
    "set not null": _set_not_null,
    "drop not null": _drop_not_null,
    "set default": _default,
    "drop default": _default,
    "add constraint": _add_constraint,
    "drop constraint": _drop_constraint,
    "drop identity": _drop_identity,
    "validate constraint": _validate,
    "create table": _create_table,
    "create table as": _create_table,
    "create view": _create_table,
    "create materialized view": _create_table,
    "create sequence": _create_table,
    "drop table": _drop_relation,
    "drop view": _drop_relation,
    "drop materialized view": _drop_relation,
    "drop sequence": _drop_relation,
    "drop index": _drop_relation,
    "truncate": _lost,
    "drop schema": _lost,
    "drop database": _lost,
    "create index": _create_index,
    "create trigger": _create_trigger,
    "attach partition": _attach,
    "detach partition": _detach,
    "comment": _comment,
    "analyze": _comment,
    "vacuum": _comment,
}
