"""Sequences of statements that reach the same end without harm. They are shown; the user runs them."""

from __future__ import annotations

from dbtui.model.migration import Action, ConstraintDef, Relation
from dbtui.rules.migration.step import columns, quoted, short, sql_name, with_timeout


def set_not_null(relation: Relation, column: str, version: tuple[int, ...]) -> tuple[str, ...]:
    """SET NOT NULL by a proof that is validated beside readers and writers."""
    table, name = sql_name(relation), quoted(column)
    proof = quoted(short(relation.name, column, "not_null"))
    validate = f"ALTER TABLE {table} VALIDATE CONSTRAINT {proof};"
    if version >= (18,):
        return (
            *with_timeout(f"ALTER TABLE {table} ADD CONSTRAINT {proof} NOT NULL {name} NOT VALID;"),
            validate,
        )
    check = f"ALTER TABLE {table} ADD CONSTRAINT {proof} CHECK ({name} IS NOT NULL) NOT VALID;"
    if version < (12,):
        return (
            *with_timeout(check),
            validate,
            "-- before 12 the validated check stays in place of SET NOT NULL",
        )
    end = f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL;"
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {proof};"
    return (*with_timeout(check), validate, *with_timeout(end, drop))


def fill_then_not_null(action: Action, version: tuple[int, ...]) -> tuple[str, ...]:
    """ADD COLUMN in steps: nullable, default for new rows, backfill, NOT NULL where it was wanted."""
    column = action.column
    assert column is not None
    table, name = sql_name(action.relation), quoted(column.name)
    steps = [f"ALTER TABLE {table} ADD COLUMN {name} {column.type.text};"]
    if column.default is not None and column.default.text:
        steps.append(f"ALTER TABLE {table} ALTER COLUMN {name} SET DEFAULT {column.default.text};")
    steps.append(f"-- fill {name} in batches, each in its own transaction")
    if column.not_null:
        steps += set_not_null(action.relation, column.name, version)
    return tuple(steps)


def not_valid_then_validate(action: Action) -> tuple[str, ...]:
    """ADD CONSTRAINT in the user's words with NOT VALID, and its validation in another transaction."""
    made = action.constraint
    assert made is not None
    table = sql_name(action.relation)
    text = action.text
    name = made.name
    if not name:
        end = "fkey" if made.kind == "foreign key" else "check"
        name = short(action.relation.name, *(made.columns or tuple(sorted(made.mentions))), end)
        text = f"ADD CONSTRAINT {quoted(name)} {text[3:].strip()}"
    return (
        *with_timeout(f"ALTER TABLE {table} {text} NOT VALID;"),
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {quoted(name)};",
    )


def adopt_index(relation: Relation, made: ConstraintDef) -> tuple[str, ...]:
    """UNIQUE or PRIMARY KEY by an index that was built CONCURRENTLY."""
    table = sql_name(relation)
    end = "pkey" if made.kind == "primary key" else "key"
    name = quoted(made.name or short(relation.name, *(made.columns if end == "key" else ()), end))
    return (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} ({columns(made.columns)});",
        *with_timeout(f"ALTER TABLE {table} ADD CONSTRAINT {name} {made.kind.upper()} USING INDEX {name};"),
    )
