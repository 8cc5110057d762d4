"""SQLite: short statements as they stand; what ALTER TABLE cannot do is the documented rebuild in twelve steps.

The twelve steps are those of "Making Other Kinds Of Table Schema Changes" in SQLite's documentation of ALTER TABLE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import write_text
from dbtui.migrations.planner.one import LOCK_TIMEOUT, RETRIES, application, fresh, not_understood
from dbtui.migrations.planner.sqlite_text import (
    TableText,
    altered,
    column_of,
    is_autoincrement,
    is_generated,
    table_text,
)
from dbtui.migrations.planner.sqlite_twin import Twin, Written
from dbtui.model.change import Backfill, ChangeStep, Condition, Kind, Phase, Reversibility, Transaction
from dbtui.model.migration import Action, ConstraintDef, Engine, Relation, Volatility
from dbtui.model.survey import Survey
from dbtui.rules.migration.step import Step, quoted, sql_name
from dbtui.sql.quoting import literal

_ENGINE = Engine.SQLITE
_SESSION = {"begin", "commit", "rollback", "savepoint", "release", "pragma"}
_NATIVE_353 = {"set not null", "drop not null", "drop constraint"}
_NEVER_NATIVE = {"set type", "set default", "drop default", "add constraint", *_NATIVE_353}


def _name(relation: Relation) -> str:
    return sql_name(relation, _ENGINE)


def _object(kind: str, name: str, there: bool) -> Condition:
    word = "EXISTS" if there else "NOT EXISTS"
    where = f"type = '{kind}' AND name = {literal(name)} COLLATE NOCASE"
    query = f"SELECT {word} (SELECT 1 FROM sqlite_schema WHERE {where})"
    return Condition(query, f"the {kind} {name} is {'there' if there else 'gone'}")


def _column(relation: Relation, name: str, there: bool) -> Condition:
    word = "EXISTS" if there else "NOT EXISTS"
    inside = f"SELECT 1 FROM pragma_table_xinfo({literal(relation.name)}) WHERE name = {literal(name)} COLLATE NOCASE"
    return Condition(f"SELECT {word} ({inside})", f"{relation} has {'the' if there else 'no'} column {name}")


def planner(before: Sequence[MigrationFile]) -> Callable[[Step, Survey | None], Iterator[ChangeStep]]:
    """What turns the statements of a plan into steps, one after the other. `before` is DDL of what exists."""
    twin = Twin(before)

    def planned(place: Step, survey: Survey | None) -> Iterator[ChangeStep]:
        for step in steps(place, twin):
            twin.take(step)
            yield step

    return planned


def steps(place: Step, twin: Twin) -> Iterator[ChangeStep]:
    """The steps for one statement, not yet numbered."""
    statement = place.statement
    if not statement.understood:
        yield not_understood(_ddl(""), statement)
        return
    actions = tuple(a for a in statement.actions if a.op not in _SESSION)
    if not actions:
        return
    action = actions[0]
    if not fresh(place.schema, action.relation):
        if action.op in ("drop table", "drop view"):
            kind = action.op.removeprefix("drop ")
            gone = _object(kind, action.relation.name, there=False)
            yield _wait(f"deploy code that does not use {action.relation} any more", action.relation, gone)
        if action.op in ("drop column", "rename column", "rename table"):
            yield _wait_for_code(action)
        if action.op == "drop column":
            yield from _indexes_first(place, action)
    if _needs_rebuild(place, action):
        yield replace(_rebuild(place, action, twin), foreseen=_foreseen(place, action))
    elif action.op in ("update", "delete"):
        yield _write(place, action)
    else:
        yield replace(_as_written(place, action, twin), foreseen=_foreseen(place, action))


def _foreseen(place: Step, action: Action) -> tuple[Condition, ...]:
    """What the rows of a table in use must be like."""
    made, index, relation = action.constraint, action.index, action.relation
    if index is not None and index.unique and not index.partial and "" not in index.columns:
        made, relation = ConstraintDef("unique", columns=index.columns), index.table
    if action.op == "set not null":
        made = ConstraintDef("not null", columns=(action.name,))
    if made is None or fresh(place.schema, relation):
        return ()
    return rows.obeyed(relation, made, place.statement.sql, _ENGINE)


def _wait(title: str, relation: Relation, gone: Condition) -> ChangeStep:
    why = "code that names it fails as soon as it is gone"
    return application(title, why, phase=Phase.CONTRACT, relation=relation, superseded=gone)


def _wait_for_code(action: Action) -> ChangeStep:
    relation = action.relation
    if action.op == "rename table":
        title = f"deploy code that works with {relation} and with {action.new_name}"
        return _wait(title, relation, _object("table", relation.name, there=False))
    title = (
        f"deploy code that neither reads nor writes {relation}.{action.name}"
        if action.op == "drop column"
        else f"deploy code that works with {action.name} and with {action.new_name} of {relation}"
    )
    return _wait(title, relation, _column(relation, action.name, there=False))


def _ddl(title: str, *statements: str) -> ChangeStep:
    return ChangeStep(0, Kind.DDL, title, statements=statements, lock_timeout=LOCK_TIMEOUT, retries=RETRIES)


def _as_written(place: Step, action: Action, twin: Twin) -> ChangeStep:
    """The user's own statement, with how to see that it ran and how to undo it."""
    relation = action.relation
    title = action.op + (f" {action.name or (action.index.name if action.index else '')}").rstrip() + (
        f" of {relation}" if action.name or action.index else f" {relation}"
    )  # fmt: skip
    step = replace(_ddl(title, place.statement.sql), relation=relation, verbatim=True)
    table = _name(relation)
    if action.op == "add column" and action.column is not None:
        name = action.column.name
        down = f"ALTER TABLE {table} DROP COLUMN {quoted(name, _ENGINE)}"
        return replace(step, postconditions=(_column(relation, name, there=True),), down=(down,))
    if action.op in ("create table", "create view", "create trigger"):
        kind = action.op.removeprefix("create ")
        name = action.name if kind == "trigger" else relation.name
        down = f"DROP {kind.upper()} IF EXISTS {quoted(name, _ENGINE)}"
        return replace(step, postconditions=(_object(kind, name, there=True),), down=(down,))
    if action.op == "create index" and action.index is not None:
        name = action.index.name
        down = f"DROP INDEX IF EXISTS {quoted(name, _ENGINE)}"
        return replace(step, postconditions=(_object("index", name, there=True),), down=(down,), index=name)
    if action.op == "rename table":
        down = f"ALTER TABLE {quoted(action.new_name, _ENGINE)} RENAME TO {quoted(relation.name, _ENGINE)}"
        return replace(step, postconditions=(_object("table", action.new_name, there=True),), down=(down,))
    if action.op == "rename column":
        old, new = quoted(action.name, _ENGINE), quoted(action.new_name, _ENGINE)
        down = f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}"
        return replace(step, postconditions=(_column(relation, action.new_name, there=True),), down=(down,))
    return _lossy(action, step, twin)


def _lossy(action: Action, step: ChangeStep, twin: Twin) -> ChangeStep:
    """What takes something away, and what cannot be seen in the catalog."""
    relation = action.relation
    if action.op == "drop column":
        gone = (_column(relation, action.name, there=False),)
        return replace(
            step,
            phase=Phase.CONTRACT,
            postconditions=gone,
            reversibility=Reversibility.IMPOSSIBLE,
            destructive=True,
        )
    if action.op in ("drop table", "drop view", "drop index", "drop trigger"):
        kind = action.op.removeprefix("drop ")
        text = twin.text(kind, action.name or relation.name)
        table = kind == "table"
        return replace(
            step,
            phase=Phase.CONTRACT,
            postconditions=(_object(kind, action.name or relation.name, there=False),),
            down=(text,) if text and not table else (),
            reversibility=Reversibility.IMPOSSIBLE
            if table
            else Reversibility.FREE
            if text
            else Reversibility.NEEDS_DATA,
            destructive=table,
        )
    if action.op == "insert":
        return replace(step, kind=Kind.DATA, phase=Phase.BACKFILL, reversibility=Reversibility.IMPOSSIBLE)
    if action.op == "vacuum":
        return replace(step, transaction=Transaction.EACH)
    return replace(step, notes=("no way back can be written for it",), reversibility=Reversibility.NEEDS_DATA)


def _indexes_first(place: Step, action: Action) -> Iterator[ChangeStep]:
    """SQLite drops no column that an index reads."""
    known = place.schema.table(action.relation)
    for index in known.indexes if known is not None else ():
        if action.name in index.columns and not index.constraint:
            title = f"drop the index {index.name}, which reads {action.name}"
            yield replace(
                _ddl(title, f"DROP INDEX {quoted(index.name, _ENGINE)}"),
                relation=action.relation,
                phase=Phase.CONTRACT,
                down=(index.text,) if index.text else (),
                postconditions=(_object("index", index.name, there=False),),
                why="SQLite drops no column that an index reads",
            )  # fmt: skip


def _needs_rebuild(place: Step, action: Action) -> bool:
    made = action.constraint
    if action.op in _NEVER_NATIVE:
        check = action.op == "add constraint" and made is not None and made.kind == "check"
        return not (place.version >= (3, 53) and (action.op in _NATIVE_353 or check))
    column = action.column
    if action.op == "add column" and column is not None:
        default = column.default
        moving = default is not None and default.volatility not in (Volatility.NULL, Volatility.CONSTANT)
        return bool(
            column.has("unique") or column.has("primary key") or moving or column.generated == "stored"
        )
    if action.op == "drop column":
        known = place.schema.table(action.relation)
        users = known.constraints if known is not None else ()
        return place.version < (3, 35) or any(action.name in (*c.columns, *c.mentions) for c in users)
    return False


def _rebuild(place: Step, action: Action, twin: Twin) -> ChangeStep:
    """One transaction: a new table, all rows over, the old one dropped, names, indexes and triggers as before."""
    relation, sql = action.relation, place.statement.sql
    written = twin.written(relation)
    text = table_text(written.table) if written is not None else None
    after = altered(text, sql) if text is not None else None
    if written is None or text is None or after is None:
        why = (
            "the table's own CREATE TABLE is not known here"
            if written is None
            else "its form is not known here"
        )
        note = f"SQLite refuses this statement, and it could not be turned into a rebuild: {why}"
        return replace(
            _ddl(f"{action.op} of {relation}", sql), relation=relation, verbatim=True, notes=(note,)
        )
    keys = Condition(
        "SELECT NOT EXISTS (SELECT 1 FROM pragma_foreign_key_check)", "no foreign key is broken", True
    )
    as_known = _written_as(relation, written.table, "is as this plan knows it", blanks=False)
    lost = action.op == "drop column"
    filled = (rows.no_null(relation, action.name, _ENGINE),) if action.op == "set not null" else ()
    return ChangeStep(
        0,
        Kind.DDL,
        f"rebuild {relation}: {action.op}{f' {action.name}' if action.name else ''}",
        Phase.CONTRACT if lost else Phase.EXPAND,
        statements=_twelve(relation, written, text, after),
        before=("PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON"),
        after=("PRAGMA legacy_alter_table = OFF", "PRAGMA foreign_keys = ON"),
        lock_timeout=LOCK_TIMEOUT,
        retries=RETRIES,
        relation=relation,
        preconditions=(as_known, keys, *filled),
        postconditions=(_written_as(relation, after.create("x"), "is as it should be"),),
        down=(
            "PRAGMA foreign_keys = OFF", "PRAGMA legacy_alter_table = ON", "BEGIN IMMEDIATE",
            *_twelve(relation, written, after, text), "COMMIT", "PRAGMA legacy_alter_table = OFF",
            "PRAGMA foreign_keys = ON",
        ),
        down_transaction=Transaction.EACH,
        reversibility=Reversibility.IMPOSSIBLE if lost else Reversibility.NEEDS_DATA,
        destructive=lost,
        why=f"ALTER TABLE of SQLite cannot do it; the user's words: {sql}",
        notes=("nobody else can write to the file until it is done",),
    )  # fmt: skip


def _written_as(relation: Relation, create: str, means: str, *, blanks: bool = True) -> Condition:
    """Whether the file has a table written down so, after its name. Without `blanks` spaces and lines may differ."""
    kept, wanted = "substr(sql, instr(sql, '(') + 1)", create.partition("(")[2]
    if not blanks:
        wanted = "".join(wanted.split())
        for blank in ("' '", "char(9)", "char(10)", "char(13)"):
            kept = f"replace({kept}, {blank}, '')"
    named = f"type = 'table' AND name = {literal(relation.name)} COLLATE NOCASE"
    query = f"SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE {named} AND {kept} = {literal(wanted)})"
    return Condition(query, f"{relation} {means}")


def _twelve(relation: Relation, written: Written, was: TableText, now: TableText) -> tuple[str, ...]:
    """Steps 4 to 10 of the twelve; 1, 2, 11 and 12 are the transaction and the pragmas around it."""
    made = Relation(f"new_{relation.name}", relation.schema)
    old, new = _name(relation), _name(made)
    before = {column_of(item).casefold() for item in was.items if column_of(item)}
    shared = [
        quoted(column_of(item), _ENGINE)
        for item in now.items
        if column_of(item) and column_of(item).casefold() in before and not is_generated(item)
    ]
    names = ", ".join(shared)
    return (
        now.create(new),
        f"INSERT INTO {new} ({names}) SELECT {names} FROM {old}",
        *_numbered_on(relation, made, now),
        f"DROP TABLE {old}",
        f"ALTER TABLE {new} RENAME TO {quoted(relation.name, _ENGINE)}",
        *written.indexes,
        *written.triggers,
        "CREATE TEMP TABLE broken_keys (count INTEGER CHECK (count = 0))",
        "INSERT INTO broken_keys SELECT count(*) FROM pragma_foreign_key_check",
        "DROP TABLE temp.broken_keys",
    )


def _numbered_on(relation: Relation, made: Relation, now: TableText) -> tuple[str, ...]:
    """With AUTOINCREMENT no number is given twice: the new table counts on where the old one was."""
    if not any(is_autoincrement(item) for item in now.items):
        return ()
    old, new = literal(relation.name), literal(made.name)
    return (
        f"DELETE FROM sqlite_sequence WHERE name = {new}",
        f"INSERT INTO sqlite_sequence (name, seq) SELECT {new}, seq FROM sqlite_sequence WHERE name = {old}",
    )


def _write(place: Step, action: Action) -> ChangeStep:
    """Batches by the primary key or the row's number: other writers come in between."""
    relation, sql = action.relation, place.statement.sql
    text = write_text(sql, _ENGINE)
    known = place.schema.table(relation)
    key = known.primary_key.columns if known is not None and known.primary_key is not None else ()
    base = replace(
        _ddl(f"{action.op} {relation}", sql),
        kind=Kind.DATA,
        phase=Phase.BACKFILL,
        relation=relation,
        verbatim=True,
        reversibility=Reversibility.IMPOSSIBLE,
        destructive=action.op == "delete" and "where" not in action.options,
    )
    if text is None or fresh(place.schema, relation):
        return base
    query = f"SELECT NOT EXISTS (SELECT 1 FROM {_name(relation)} WHERE {text.where or '1'})"
    done = (
        (Condition(query, f"no row of {relation} is left to do", costly=True),)
        if text.verb == "delete"
        else ()
    )
    return replace(
        base,
        kind=Kind.BACKFILL,
        title=f"{text.verb} {relation} in batches",
        statements=(),
        transaction=Transaction.BATCHES,
        verbatim=False,
        postconditions=done,
        backfill=Backfill(
            relation, key, text.assignments, text.where, text.verb, repeatable=text.verb == "delete"
        ),
        why=f"one statement would lock the file to its end; the user's words: {sql}",
    )
