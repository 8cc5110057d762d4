"""What an action leaves in MySQL's or MariaDB's catalog: how to see that it ran, and how to undo it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.migrations.planner import conditions_mysql as conditions
from dbtui.migrations.planner.passing import remade
from dbtui.model.change import ChangeStep, Condition, Reversibility
from dbtui.model.migration import Action, ColumnDef, Engine, KnownTable, Relation, Schema
from dbtui.rules.migration.step import quoted, sql_name
from dbtui.sql.quoting import mysql_literal

_ENGINE = Engine.MYSQL
# Whether an index is seen by the planner, and the opposite: MySQL's words and MariaDB's.
_SEEN = {
    "VISIBLE": "INVISIBLE", "INVISIBLE": "VISIBLE", "IGNORED": "NOT IGNORED", "NOT IGNORED": "IGNORED",
}  # fmt: skip


def outcome(step: ChangeStep, actions: Sequence[Action], schema: Schema) -> ChangeStep:
    """The step with postconditions, down statements and reversibility of all its actions."""
    done = [_done(action, schema) for action in actions]
    down = [_down(action, schema) for action in actions]
    written = [text for text in reversed(down) if text]
    # Twice the same is a name that was not foreseen.
    known = None not in down and len(set(written)) == len(written)
    lost = any(_loses(action) for action in actions)
    return replace(
        step,
        postconditions=tuple(one for found in done for one in found)
        if all(done) and not remade(actions)
        else (),
        down=_as_one(written, actions[0]) if known else (),
        reversibility=Reversibility.IMPOSSIBLE
        if lost
        else Reversibility.FREE
        if known
        else Reversibility.NEEDS_DATA,
        destructive=lost,
        notes=(
            *step.notes,
            *(() if known or lost else ("no way back can be written for it from what is known",)),
        ),
    )


def _as_one(down: Sequence[str], action: Action) -> tuple[str, ...]:
    """One ALTER TABLE where all are of the table: it is done whole or not at all, and what is half done is nobody's."""
    start = f"ALTER TABLE {sql_name(target_of(action), _ENGINE)} "
    if len(down) < 2 or not all(text.startswith(start) for text in down):
        return tuple(down)
    return (start + ", ".join(text.removeprefix(start) for text in down),)


def _loses(action: Action) -> bool:
    return action.op in (
        "drop column",
        "drop table",
        "truncate",
        "drop partition",
        "truncate partition",
        "drop database",
    )


def target_of(action: Action) -> Relation:
    """The table that an action is about, also where it names an index."""
    return (
        action.others[0] if action.op in ("drop index", "rename index") and action.others else action.relation
    )


def index_name(action: Action, schema: Schema) -> str:
    """What an index is called: the server names it after its first column, with a number where that is taken.

    "" for an action that makes none, or one whose name cannot be foreseen.
    """
    known, made = schema.table(action.relation), action.index
    if made is None or made.name or known is None or not made.columns:
        return made.name if made is not None else ""
    first, taken = made.columns[0], {index.name.casefold() for index in known.indexes}
    free = (
        name for name in (first, *(f"{first}_{n}" for n in range(2, 100))) if name.casefold() not in taken
    )
    return next(free, "") if first else ""


def _done(action: Action, schema: Schema) -> tuple[Condition, ...]:
    """Questions that are answered by yes once the action has run; () where none tells."""
    relation, name, new = target_of(action), action.name, action.new_name
    index = index_name(action, schema)
    found: dict[str, tuple[Condition, ...]] = {
        "drop column": (conditions.column_gone(relation, name),),
        "rename column": (conditions.column_there(relation, new), conditions.column_gone(relation, name)),
        "create index": (conditions.index_there(relation, index),) if index else (),
        "drop index": (conditions.index_gone(relation, action.relation.name),),
        "rename index": (conditions.index_there(relation, new),),
        "drop constraint": (conditions.constraint_gone(relation, name),),
        "drop primary key": (conditions.constraint_gone(relation, "PRIMARY"),),
        "create table": (conditions.table_there(relation),),
        "create view": () if "replace" in action.options else (conditions.table_there(relation),),
        "drop table": (conditions.table_gone(relation),),
        "drop view": (conditions.table_gone(relation),),
        "rename table": (
            conditions.table_there(Relation(new, relation.schema)),
            conditions.table_gone(relation),
        ),
    }
    if action.op == "index visibility":
        return (conditions.index_shown(relation, name, action.options["to"]),)
    if action.op == "add column" and action.column is not None:
        return (conditions.column_there(relation, action.column.name),)
    if action.op == "change column" and action.column is not None:
        return _changed(relation, action, schema.table(relation))
    if action.op == "add constraint" and action.constraint is not None:
        key = "PRIMARY" if action.constraint.kind == "primary key" else action.constraint.name
        return (conditions.constraint_there(relation, key),) if key else ()
    return found.get(action.op, ())


def _changed(relation: Relation, action: Action, known: KnownTable | None) -> tuple[Condition, ...]:
    """What tells that a column was changed; () where its type and nullability were so before (a comment, a default)."""
    new, old = action.column, known.columns.get(action.name) if known is not None else None
    assert new is not None
    same = old is not None and (old.name, old.type, old.not_null) == (new.name, new.type, new.not_null)
    return () if same else (_is_as(relation, new, known),)


def _is_as(relation: Relation, column: ColumnDef, known: KnownTable | None) -> Condition:
    """A column of the type and nullability that were asked for; widths of integers are not compared."""
    key = known.primary_key.columns if known is not None and known.primary_key is not None else ()
    kind = column.type
    integer = kind.name.endswith("int")
    inside = "" if integer else ",".join(kind.members or kind.modifiers)
    shown = f"{kind.name}({inside})" if inside else kind.name
    pattern = f"{shown}%unsigned%" if kind.unsigned else f"{shown}%"
    null = "NO" if column.not_null or column.serial or column.name in key else "YES"
    more = f" AND column_type LIKE {mysql_literal(pattern)} AND is_nullable = '{null}'"
    return conditions.column_there(relation, column.name, more, f"{relation}.{column.name} is {kind.text}")


def _down(action: Action, schema: Schema) -> str | None:
    """The statement that undoes an action; None where it is not known, "" where there is nothing to undo."""
    relation, op = target_of(action), action.op
    table = sql_name(relation, _ENGINE)
    known = schema.table(relation)
    if op == "add column" and action.column is not None:
        return f"ALTER TABLE {table} DROP COLUMN {quoted(action.column.name, _ENGINE)}"
    if op in ("change column", "rename column"):
        return _column_back(action, known, table)
    if op == "create index" and (index := index_name(action, schema)):
        return f"ALTER TABLE {table} DROP INDEX {quoted(index, _ENGINE)}"
    if op == "rename index":
        old, new = quoted(action.relation.name, _ENGINE), quoted(action.new_name, _ENGINE)
        return f"ALTER TABLE {table} RENAME INDEX {new} TO {old}"
    if op == "index visibility":
        return f"ALTER TABLE {table} ALTER INDEX {quoted(action.name, _ENGINE)} {_SEEN[action.options['to']]}"
    if op == "add constraint" and action.constraint is not None:
        return _constraint_back(action, known, table)
    if op == "create table":
        return f"DROP TABLE IF EXISTS {table}"
    if op == "create view" and "replace" not in action.options:
        return f"DROP VIEW IF EXISTS {table}"
    if op == "rename table":
        return f"RENAME TABLE {sql_name(Relation(action.new_name, relation.schema), _ENGINE)} TO {table}"
    if op == "drop index" and known is not None:
        return _index_back(action, known, table)
    return "" if op in ("rebuild table", "optimize table", "analyze table") else None


def _column_back(action: Action, known: KnownTable | None, table: str) -> str | None:
    if action.op == "rename column":
        return f"ALTER TABLE {table} RENAME COLUMN {quoted(action.new_name, _ENGINE)} TO {quoted(action.name, _ENGINE)}"
    old = known.columns.get(action.name) if known is not None else None
    if old is None or old.generated or action.column is None:
        return None
    return f"ALTER TABLE {table} CHANGE {quoted(action.column.name, _ENGINE)} {definition(old)}"


def definition(column: ColumnDef) -> str:
    """A column's definition, without its comment."""
    parts = [quoted(column.name, _ENGINE), column.type.text]
    if column.type.charset:
        parts.append(f"CHARACTER SET {column.type.charset}")
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    parts.append("NOT NULL" if column.not_null else "NULL")
    if column.serial:
        parts.append("AUTO_INCREMENT")
    elif column.default is not None and column.default.text:
        parts.append(f"DEFAULT {column.default.text}")
    return " ".join(parts)


def _constraint_back(action: Action, known: KnownTable | None, table: str) -> str | None:
    """A foreign key takes the index along that the server made for it."""
    made = action.constraint
    assert made is not None
    if made.kind == "primary key":
        return f"ALTER TABLE {table} DROP PRIMARY KEY"
    if not made.name:
        return None
    words = {"foreign key": "FOREIGN KEY", "unique": "INDEX"}
    name = quoted(made.name, _ENGINE)
    own = made.kind == "foreign key" and known is not None and known.index_on(made.columns) is None
    index = f", DROP INDEX {name}" if own else ""
    return f"ALTER TABLE {table} DROP {words.get(made.kind, 'CONSTRAINT')} {name}{index}"


def _index_back(action: Action, known: KnownTable, table: str) -> str | None:
    found = next((i for i in known.indexes if i.name == action.relation.name), None)
    if found is None or "" in found.columns or found.lengths or found.method in ("fulltext", "spatial"):
        return None
    names = ", ".join(quoted(name, _ENGINE) for name in found.columns)
    return f"ALTER TABLE {table} ADD {'UNIQUE ' if found.unique else ''}INDEX {quoted(found.name, _ENGINE)} ({names})"
