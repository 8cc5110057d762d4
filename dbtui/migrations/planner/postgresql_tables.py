"""PostgreSQL: tables that are renamed, dropped or written anew; types, views and data."""

from __future__ import annotations

import shlex
from dataclasses import replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import write_text
from dbtui.migrations.planner.one import (
    LOCK_TIMEOUT,
    RETRIES,
    One,
    Steps,
    application,
    check,
    command,
    ddl,
    key_of,
    until,
)
from dbtui.migrations.planner.outcome_postgresql import adding, outcome
from dbtui.migrations.tokens import tokens
from dbtui.model.change import Backfill, ChangeStep, Condition, Kind, Phase, Reversibility, Transaction
from dbtui.model.migration import Action, ConstraintDef, Engine, KnownTable, Relation
from dbtui.rules.migration.step import quoted, sql_name


def rename_table(one: One) -> Steps | None:
    """The new name, and in the same moment a view of the old name that can be written to."""
    if one.fresh or one.action.op != "rename table" or (one.known is not None and one.known.kind != "table"):
        return None
    old, new = one.relation, Relation(one.action.new_name, one.relation.schema)
    view, table = sql_name(old), sql_name(new)
    gone = conditions.table_gone(old)
    first = ddl(
        f"rename {old} to {new}, and leave a view of the old name",
        one.text,
        f"CREATE VIEW {view} AS SELECT * FROM {table}",
        relation=old,
        down=(f"DROP VIEW IF EXISTS {view}", f"ALTER TABLE {table} RENAME TO {quoted(old.name)}"),
        postconditions=(conditions.table_there(new), conditions.table_there(old)),
        why="a view of one table takes INSERT, UPDATE and DELETE, so old and new code run side by side",
        notes=(
            "COPY … FROM, TRUNCATE and LOCK do not work on the view; grants on the old name are to be given again",
        ),
    )
    last = ddl(
        f"drop the view {old}",
        f"DROP VIEW {view}",
        relation=old,
        phase=Phase.CONTRACT,
        down=(f"CREATE VIEW {view} AS SELECT * FROM {table}",),
        postconditions=(gone, conditions.table_there(new)),
        why="no code uses the old name any more",
    )
    wait = application(
        f"deploy code that uses {new} instead of {old}",
        "until then both names work",
        phase=Phase.CONTRACT,
        relation=new,
    )
    renamed = Condition(
        f"SELECT ({gone.query}) AND ({conditions.table_there(new).query})", f"{old} became {new}"
    )
    return (*until((first, wait), renamed), last)


def drop_column(one: One) -> Steps | None:
    """Code first, then its foreign keys, then the column."""
    if one.fresh:
        return None
    relation, name = one.relation, one.action.name
    gone = conditions.column_gone(relation, name)
    steps = [
        application(
            f"deploy code that neither reads nor writes {relation}.{name}",
            "code that names the column fails as soon as it is gone",
            phase=Phase.CONTRACT,
            relation=relation,
        )
    ]
    known = one.known
    column = known.columns.get(name) if known else None
    must = column is not None and column.not_null and column.default is None and not column.serial
    if must and not _in_key(known, name):
        steps.insert(0, _may_be_left_out(relation, name))
    if one.action.cascade:
        why = "CASCADE would drop it unasked; where it is to go, drop it by its name first"
        unread = conditions.no_view_reads(relation, name)
        steps.append(check(unread.means, unread, phase=Phase.CONTRACT, relation=relation, why=why))
    steps += [drop_foreign_key(known, c.name) for c in _keys_over(known, name)]
    end = replace(as_written(one), phase=Phase.CONTRACT, title=f"drop {relation}.{name}")
    return (*until(steps, gone), end)


def _may_be_left_out(relation: Relation, name: str) -> ChangeStep:
    table = sql_name(relation)
    return ddl(
        f"{relation}.{name} may be left out",
        f"ALTER TABLE {table} ALTER COLUMN {quoted(name)} DROP NOT NULL",
        relation=relation,
        down=(f"ALTER TABLE {table} ALTER COLUMN {quoted(name)} SET NOT NULL",),
        postconditions=(conditions.nullable(relation, name),),
        why="new code writes rows without the column while old code still runs",
    )


def _in_key(known: KnownTable | None, name: str) -> bool:
    return known is not None and known.primary_key is not None and name in known.primary_key.columns


def _keys_over(known: KnownTable | None, column: str = "") -> list[ConstraintDef]:
    return [
        c
        for c in (known.constraints if known else ())
        if c.references and (not column or column in c.columns)
    ]


def drop_table(one: One) -> Steps | None:
    """Code first; foreign keys by themselves, so that the tables they point to are locked for a moment only."""
    if one.fresh or (one.action.if_exists and one.known is None):
        return None
    relation = one.relation
    view = one.action.op == "drop view"
    steps = [
        application(
            f"deploy code that does not use {relation} any more",
            f"code that names the {'view' if view else 'table'} fails as soon as it is gone",
            phase=Phase.CONTRACT,
            relation=relation,
        )
    ]
    steps += [drop_foreign_key(one.known, c.name) for c in _keys_over(one.known)]
    end = replace(as_written(one), phase=Phase.CONTRACT, title=f"drop {relation}")
    return (*until(steps, conditions.table_gone(relation)), end)


def drop_foreign_key(known: KnownTable | None, name: str) -> ChangeStep:
    assert known is not None
    key = next(c for c in known.constraints if c.name == name)
    table = sql_name(known.relation)
    again = f"ALTER TABLE {table} {adding(key)} NOT VALID" if key.text else ""
    return ddl(
        f"drop the foreign key {name} by itself",
        f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}",
        relation=known.relation,
        phase=Phase.CONTRACT,
        down=(again,) if again else (),
        postconditions=(conditions.constraint_gone(known.relation, name),),
        why=f"{key.references} is locked along with it; so it is for a moment, not for the whole drop",
    )


def as_written(one: One) -> ChangeStep:
    """The user's own statement as a step; what follows from it is filled in by `outcome_postgresql`."""
    base = ddl(
        summary(one.action), one.text, relation=one.relation if one.relation.name else None, verbatim=one.sole
    )
    return outcome(base, (one.action,), one)


def summary(action: Action) -> str:
    """What an action does, for people: "add constraint orders_fk of orders"."""
    of = f" of {action.relation}" if action.relation.name else ""
    what = f" {action.name}" if action.name else ""
    return f"{action.op}{what}{of}" if what else f"{action.op}{of.replace(' of', '')}"


def refresh(one: One) -> Steps | None:
    """CONCURRENTLY where the view is known to have a unique index without a predicate."""
    known = one.known
    able = known is not None and any(
        i.unique and not i.partial and "" not in i.columns for i in known.indexes
    )
    if one.action.concurrently or not able or "nodata" in one.action.options:
        return None
    sql = one.sql
    found = list(tokens(sql, Engine.POSTGRESQL))
    end = next(t.end for t in found if t.upper == "VIEW")
    step = replace(as_written(one), statements=(f"{sql[:end]} CONCURRENTLY{sql[end:]}",), kind=Kind.DATA)
    return (replace(step, verbatim=False, why="readers go on with the old rows meanwhile"),)


def rewrite_table(one: One) -> Steps | None:
    """VACUUM FULL and CLUSTER have no native form that lets others work: pg_repack does."""
    if one.fresh or not one.relation.name or one.action.op not in ("vacuum full", "cluster"):
        return None
    table = f"{one.relation.schema or one.schema.search_path}.{one.relation.name}"
    line = shlex.join(["pg_repack", f"--table={table}"]) + ' "$PGDATABASE"'
    return (
        command(
            f"write {one.relation} anew beside readers and writers",
            line,
            relation=one.relation,
            why=f"{one.action.op.upper()} stops everybody while it writes the table; the user's words: {one.sql}",
            notes=("needs the extension pg_repack on the server, and disk for a second copy of the table",),
        ),
    )


def add_enum_value(one: One) -> Steps | None:
    """Outside a transaction, so that the value can be used by whatever comes next."""
    step = replace(as_written(one), transaction=Transaction.EACH, lock_timeout=None, retries=0)
    return (
        replace(
            step,
            reversibility=Reversibility.IMPOSSIBLE,
            postconditions=(conditions.enum_value_there(one.relation, one.action.name),),
            why="a value that is added in a transaction cannot be used before it ends",
            notes=("a value of an enum cannot be taken away again",),
        ),
    )


def rename_enum_value(one: One) -> Steps | None:
    there = conditions.enum_value_there(one.relation, one.action.new_name)
    wait = application(
        f"deploy code that knows both {one.action.name} and {one.action.new_name} of {one.relation}",
        "code that sends the old value fails as soon as it is renamed",
        phase=Phase.CONTRACT,
        superseded=there if one.action.new_name else None,
    )
    return (wait, as_written(one))


def _copied_once(one: One) -> tuple[str, ...]:
    """What a copy into a new table leaves out; the table's own way back takes the copy with it."""
    sources = [lock.relation for lock in one.effects.locks if lock.mode == "AccessShareLock"]
    return tuple(
        f"what {source} gets or changes afterwards is not copied: let the code write both before, or copy again"
        for source in sources
    )


def write(one: One) -> Steps | None:
    """UPDATE and DELETE of a whole table, or of many rows, in batches."""
    text = write_text(one.sql, Engine.POSTGRESQL)
    relation, known = one.relation, one.known
    base = replace(
        as_written(one), kind=Kind.DATA, phase=Phase.BACKFILL, lock_timeout=None, retries=0,
        reversibility=Reversibility.IMPOSSIBLE, destructive=one.action.op == "delete" and not (text and text.where),
    )  # fmt: skip
    if one.action.op == "insert" and one.fresh:
        return (replace(base, reversibility=Reversibility.FREE, notes=_copied_once(one)),)
    if one.action.op == "insert" or text is None or one.fresh:
        return (base,)
    key = key_of(known)
    target = (
        {t.split("=")[0].strip().strip('"') for t in text.assignments.split(",")}
        if text.assignments
        else set()
    )
    if target & set(key):
        return (
            replace(base, notes=("it changes the key by which batches would go, so it stays one statement",)),
        )
    return (
        replace(
            base,
            kind=Kind.BACKFILL,
            title=f"{text.verb} {relation} in batches",
            statements=(),
            transaction=Transaction.BATCHES,
            lock_timeout=LOCK_TIMEOUT,
            retries=RETRIES,
            verbatim=False,
            backfill=Backfill(
                relation, key, text.assignments, text.where, text.verb, repeatable=text.verb == "delete"
            ),
            postconditions=(rows.nothing_left(relation, text.where or "true"),)
            if text.verb == "delete"
            else (),
            why=f"one statement would hold all row locks to its end; the user's words: {one.sql}",
        ),
    )
