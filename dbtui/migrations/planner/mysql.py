"""MySQL and MariaDB: each change says the algorithm and lock that it counts on, and fails rather than do worse.

What needs more than the server can do beside its writers is the command of an online schema change tool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from dbtui.migrations import effects_mysql
from dbtui.migrations.planner import conditions_mysql as conditions
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.clauses import write_text
from dbtui.migrations.planner.mysql_online import online
from dbtui.migrations.planner.one import (
    LOCK_TIMEOUT,
    RETRIES,
    application,
    check,
    fresh,
    key_of,
    not_understood,
)
from dbtui.migrations.planner.outcome_mysql import index_name, outcome, target_of
from dbtui.model.change import Backfill, ChangeStep, Condition, Kind, Phase, Reversibility, Transaction
from dbtui.model.migration import Action, Effects, Engine, Relation, Statement
from dbtui.model.survey import Survey
from dbtui.rules.migration.step import Step, quoted, sql_name

REBUILD_BELOW = (
    1 << 30
)  # bytes up to which a table is rebuilt in place: replicas wait for all of it in one piece
COPY_BELOW = 16 << 20  # bytes up to which a copy that stops the writers is a matter of a second
ROW_VERSIONS = (
    64  # instant changes of columns that InnoDB keeps before it wants the table rebuilt (8.0.29 on)
)
_SESSION = {"set", "use", "begin", "commit", "rollback", "show", "lock tables", "unlock tables"}


def steps(place: Step, survey: Survey | None) -> Iterator[ChangeStep]:
    """The steps for one statement, not yet numbered."""
    statement = place.statement
    if not statement.understood:
        yield not_understood(_ddl("", statement.sql), statement)
        return
    actions = tuple(a for a in statement.actions if a.op not in _SESSION)
    if not actions:
        return
    first = actions[0]
    if first.op in ("update", "delete", "insert"):
        yield _write(place, first)
    elif first.op == "rename table" and not fresh(place.schema, first.relation) and len(actions) == 1:
        yield from _rename_table(first, place.engine)
    elif first.op in ("drop table", "drop view") and not fresh(place.schema, first.relation):
        gone = tuple(conditions.table_gone(a.relation) for a in actions)
        yield _wait(f"deploy code that does not use {_names(actions)} any more", first.relation, gone[0])
        yield _whole(place, actions)
    elif fresh(place.schema, target_of(first)) or not _alters(place, actions):
        yield _whole(place, actions)
    else:
        yield from _altering(place, actions, survey)


def _names(actions: Sequence[Action]) -> str:
    return ", ".join(str(action.relation) for action in actions)


def _alters(place: Step, actions: Sequence[Action]) -> bool:
    words = place.statement.sql.upper()
    return bool(place.effects.algorithm) and (words.startswith(("ALTER", "CREATE", "DROP INDEX", "OPTIMIZE")))


def _ddl(title: str, sql: str, **more: object) -> ChangeStep:
    base = ChangeStep(
        0, Kind.DDL, title, statements=(sql,), transaction=Transaction.EACH, lock_timeout=LOCK_TIMEOUT,
        retries=RETRIES, down_transaction=Transaction.EACH,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def _wait(title: str, relation: Relation, gone: Condition) -> ChangeStep:
    return application(
        title,
        "code that names it fails as soon as it is gone",
        phase=Phase.CONTRACT,
        relation=relation,
        superseded=gone,
    )


def _whole(place: Step, actions: Sequence[Action]) -> ChangeStep:
    title = actions[0].op + (f" {actions[0].relation}" if actions[0].relation.name else "")
    relation = target_of(actions[0]) if target_of(actions[0]).name else None
    return outcome(_ddl(title, place.statement.sql, relation=relation, verbatim=True), actions, place.schema)


def _altering(place: Step, actions: Sequence[Action], survey: Survey | None) -> Iterator[ChangeStep]:
    """One statement for each algorithm that the server needs: what is instant does not wait for what is not."""
    whole = _effects(place, actions)
    for action in actions:
        yield from _before(place, action)
    groups = [tuple(actions)]
    if len(actions) > 1 and (whole.algorithm != "INSTANT") and all(a.text for a in actions):
        groups = [tuple(g) for _, g in groupby(actions, key=lambda a: _class(place, actions, a))]
    for group in groups:
        yield from _group(
            place, group, whole if len(groups) == 1 else _effects(place, group), survey, len(groups) == 1
        )


def _effects(place: Step, actions: Sequence[Action]) -> Effects:
    """What the server does for these actions alone, without the algorithm that the user may have asked for."""
    bare = tuple(
        replace(a, options={k: v for k, v in a.options.items() if k not in ("algorithm", "lock")})
        for a in actions
    )
    statement = Statement(place.statement.sql, actions=bare)
    settings = {**place.settings, **({"foreign_key_checks": "0"} if _adds_key(actions) else {})}
    return effects_mysql.effects(statement, place.schema, place.engine, place.version, settings)[0]


def _adds_key(actions: Sequence[Action]) -> bool:
    return any(a.constraint is not None and a.constraint.kind == "foreign key" for a in actions)


def _class(place: Step, actions: Sequence[Action], action: Action) -> str:
    """Actions of one class go together; those of a primary key and of its replacement must."""
    if "primary key" in action.op or (
        action.constraint is not None and action.constraint.kind == "primary key"
    ):
        return "primary key"
    return _effects(place, (action,)).algorithm or ""


def _before(place: Step, action: Action) -> Iterator[ChangeStep]:
    """What must be true, or must have been deployed, before an action."""
    relation, made = action.relation, action.constraint
    if action.op == "drop column":
        gone = conditions.column_gone(relation, action.name)
        yield _wait(f"deploy code that neither reads nor writes {relation}.{action.name}", relation, gone)
    if action.op == "rename column":
        done = conditions.column_gone(relation, action.name)
        yield _wait(
            f"deploy code that works with {action.name} and with {action.new_name} of {relation}",
            relation,
            done,
        )
    index = action.index
    key = (
        index.columns
        if index is not None and index.unique and not index.lengths and "" not in index.columns
        else ()
    )
    if made is not None and made.kind == "unique":
        key = made.columns
    if key and not _empty(place, key):
        name = index.name if index is not None else made.name if made is not None else ""
        there = conditions.index_there(relation, name) if name else None
        yield check(
            f"no duplicates stand in the way of {name or 'the unique key'}",
            rows.no_duplicates(relation, key, engine=place.engine),
            relation=relation,
            superseded=there,
            why="a duplicate is found only at the end of the build",
        )
    if (
        made is not None
        and made.kind == "foreign key"
        and made.references is not None
        and made.referenced_columns
        and not _empty(place, made.columns)
    ):
        yield check(
            f"every row of {relation} refers to a row of {made.references}",
            rows.orphans_absent(
                relation, made.columns, made.references, made.referenced_columns, place.engine
            ),
            relation=relation,
            why="the key is added without a look at the rows, so that the table need not be copied",
        )
    if made is not None and made.kind == "check" and made.enforced:
        yield check(
            f"every row of {relation} keeps {made.name or 'the check'}",
            *rows.obeyed(relation, made, action.text, place.engine),
            relation=relation,
            why="a row that does not is found only while the table is copied",
        )
    known = place.schema.table(relation)
    old = known.columns.get(action.name) if known is not None else None
    stricter = action.column is not None and action.column.not_null and old is not None and not old.not_null
    if action.op == "change column" and stricter:
        yield check(
            f"every row of {relation} has a value in {action.name}",
            rows.no_null(relation, action.name, place.engine),
            relation=relation,
            why="a row without one makes the change fail, or becomes 0 or '' where sql_mode is not strict",
        )


def _empty(place: Step, columns: Iterable[str]) -> bool:
    """Whether one of the columns comes with the same statement and holds no value: such a key breaks on no row."""
    added = (a.column for a in place.statement.actions if a.op == "add column" and a.column is not None)
    bare = {column.name for column in added if column.default is None and not column.not_null}
    return not bare.isdisjoint(columns)


def _group(
    place: Step, group: Sequence[Action], effects: Effects, survey: Survey | None, sole: bool
) -> Iterator[ChangeStep]:
    relation = target_of(group[0])
    facts = survey.table(relation) if survey is not None else None
    size = facts.bytes if facts is not None else None
    algorithm, lock = effects.algorithm or "", effects.locks[0].mode if effects.locks else ""
    rebuilt = bool(effects.rewrites)
    title = _titled(group[0]) + (f" and {len(group) - 1} more" if len(group) > 1 else "")
    if rebuilt and lock != "NONE" and (size is None or size > COPY_BELOW):
        yield _online(
            place, group, survey, f"{algorithm} stops the writers until all of {relation} is copied", title
        )
        return
    if rebuilt and size is not None and size > REBUILD_BELOW:
        yield _online(
            place, group, survey, f"replicas would wait until all of {relation} is built anew", title
        )
        return
    if facts is not None and (facts.row_versions or 0) >= ROW_VERSIONS and algorithm == "INSTANT":
        yield _rebuild_first(relation)
    sql = place.statement.sql if sole else _alter(relation, group)
    asserted = _asserting(sql, group, algorithm, lock, place.engine)
    step = _ddl(title, asserted, relation=relation, verbatim=asserted == place.statement.sql)
    if _adds_key(group):
        step = replace(
            step,
            before=("SET SESSION foreign_key_checks = 0",),
            after=("SET SESSION foreign_key_checks = 1",),
            notes=("needs a session of its own: not through a pooler",),
        )
    if any(a.op == "change column" for a in group):
        strict = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
        step = replace(step, before=(*step.before, strict))
    notes = list(_beside_parents(place, relation)) if algorithm == "COPY" else []
    if rebuilt:
        notes.append("replicas wait for all of it; for a table over 1 GB use an online tool")
    why = f"{algorithm} with LOCK={lock}: refused rather than done in a worse way" if asserted != sql else ""
    built = any(a.op == "create index" for a in group)
    step = replace(step, kind=Kind.INDEX if built else Kind.DDL, notes=(*step.notes, *notes), why=why)
    if built and (name := index_name(group[0], place.schema)):
        step = replace(step, index=quoted(name, place.engine))
    yield outcome(step, group, place.schema)


def _beside_parents(place: Step, relation: Relation) -> tuple[str, ...]:
    """MySQL 9.7: the copying of a child and changes of its parent's rows wait for each other until one gives up."""
    known = place.schema.table(relation)
    if place.engine is not Engine.MYSQL or known is None:
        return ()
    parents = sorted({str(made.references) for made in known.constraints if made.references is not None})
    return (
        (f"writers of {', '.join(parents)} wait for it too, and it for them: its foreign keys",)
        if parents
        else ()
    )


def _alter(relation: Relation, group: Sequence[Action]) -> str:
    texts = ", ".join(action.text for action in group)
    return f"ALTER TABLE {sql_name(relation, Engine.MYSQL)} {texts}"


def _asserting(sql: str, group: Sequence[Action], algorithm: str, lock: str, engine: Engine) -> str:
    """The statement with ALGORITHM= and LOCK=, unless it says them itself or has no place for them."""
    if any("algorithm" in a.options or "lock" in a.options for a in group) or any(
        a.op == "rename table" for a in group
    ):
        return sql
    words = sql.lstrip().upper()
    partitions = any("partition" in a.op for a in group)
    if engine is Engine.MARIADB and words.startswith("DROP"):  # its DROP INDEX takes no such clause
        return sql
    if (
        algorithm not in ("INSTANT", "NOCOPY", "INPLACE", "COPY")
        or partitions
        or words.startswith("OPTIMIZE")
    ):
        return sql
    # MySQL takes no LOCK= beside INSTANT.
    clauses = [f"ALGORITHM={algorithm}", *([f"LOCK={lock}"] if algorithm != "INSTANT" else [])]
    return sql + (", " + ", ".join(clauses) if words.startswith("ALTER") else " " + " ".join(clauses))


def _titled(action: Action) -> str:
    """What an action does to what: "change column orders.amount", "add constraint one_email of users"."""
    named = (action.index, action.constraint, action.column)
    name = action.name or next((one.name for one in named if one is not None and one.name), "")
    if not name:
        return f"{action.op} of {action.relation}"
    if "column" in action.op:
        return f"{action.op} {action.relation}.{name}"
    return f"{action.op} {name} of {action.relation}"


def _rebuild_first(relation: Relation) -> ChangeStep:
    table = sql_name(relation, Engine.MYSQL)
    return _ddl(
        f"rebuild {relation}, which was changed instantly {ROW_VERSIONS} times",
        f"ALTER TABLE {table} FORCE, ALGORITHM=INPLACE, LOCK=NONE",
        relation=relation,
        why="InnoDB refuses further instant changes until the table is rebuilt",
    )


def _online(place: Step, group: Sequence[Action], survey: Survey | None, why: str, title: str) -> ChangeStep:
    step = online(place, group, target_of(group[0]), survey)
    return outcome(
        replace(step, title=f"{title}, by {step.command.split()[0]}", why=why), group, place.schema
    )


def _rename_table(action: Action, engine: Engine) -> Iterator[ChangeStep]:
    """A view of the new name, code that uses it, then table and view change places in one moment."""
    old, new = action.relation, Relation(action.new_name, action.relation.schema)
    aside = Relation(f"{action.new_name}_view", old.schema)
    was, now, view = (sql_name(one, engine) for one in (old, new, aside))
    done = conditions.base_table_there(new)
    yield _ddl(
        f"let {old} be used as {new}, too",
        f"CREATE VIEW {now} AS SELECT * FROM {was}",
        relation=old,
        down=(f"DROP VIEW IF EXISTS {now}",),
        postconditions=(conditions.table_there(new),),
        superseded=done,
        why="a view of one table takes INSERT, UPDATE and DELETE, so old and new code run side by side",
    )
    yield _wait(f"deploy code that uses {new} instead of {old}", old, done)
    yield _ddl(
        f"{new} becomes the table",
        f"RENAME TABLE {now} TO {view}, {was} TO {now}",
        relation=old,
        phase=Phase.CONTRACT,
        down=(f"RENAME TABLE {now} TO {was}, {view} TO {now}",),
        postconditions=(done,),
        why="both names change in one moment",
    )
    yield _ddl(
        f"drop the view {aside}",
        f"DROP VIEW IF EXISTS {view}",
        relation=old,
        phase=Phase.CONTRACT,
        down=(f"CREATE VIEW {view} AS SELECT * FROM {now}",),
        postconditions=(conditions.table_gone(aside),),
        why="it reads the old name, which is gone",
    )


def _write(place: Step, action: Action) -> ChangeStep:
    """UPDATE and DELETE of many rows in batches by the primary key; everything else as it stands."""
    statement, relation = place.statement, action.relation
    text = write_text(statement.sql, place.engine)
    key = key_of(place.schema.table(relation))
    base = _ddl(
        f"{action.op} {relation}", statement.sql, kind=Kind.DATA, phase=Phase.BACKFILL, relation=relation,
        verbatim=True, lock_timeout=None, retries=0, transaction=Transaction.ONE,
        reversibility=Reversibility.IMPOSSIBLE,
        destructive=action.op == "delete" and "where" not in action.options,
    )  # fmt: skip
    if text is None or not key or fresh(place.schema, relation):
        note = "no primary key is known to go by, so it stays one statement"
        return base if key or action.op == "insert" else replace(base, notes=(note,))
    done = (rows.nothing_left(relation, text.where or "1", place.engine),) if text.verb == "delete" else ()
    return replace(
        base,
        kind=Kind.BACKFILL,
        title=f"{text.verb} {relation} in batches",
        statements=(),
        transaction=Transaction.BATCHES,
        lock_timeout=LOCK_TIMEOUT,
        retries=RETRIES,
        verbatim=False,
        postconditions=done,
        backfill=Backfill(
            relation, key, text.assignments, text.where, text.verb, repeatable=text.verb == "delete"
        ),
        why=f"one statement would hold all row locks to its end; the user's words: {statement.sql}",
    )
