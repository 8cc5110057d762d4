"""PostgreSQL: a statement of the user's as steps that hurt nobody.

What is safe runs as it was written. What is not gets the sequence that reaches the same end; where there is
none, the user's words stay, with what they lock and for how long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby

from dbtui.migrations import effects_postgresql
from dbtui.migrations.planner import conditions_rows as rows
from dbtui.migrations.planner.one import One, Steps, application, ddl, not_understood
from dbtui.migrations.planner.outcome_postgresql import outcome
from dbtui.migrations.planner.postgresql_columns import add_column
from dbtui.migrations.planner.postgresql_constraints import (
    add_constraint,
    domain_constraint,
    set_not_null,
    values_of_domain,
)
from dbtui.migrations.planner.postgresql_indexes import create_index, drop_index, reindex
from dbtui.migrations.planner.postgresql_partitions import (
    attach_partition,
    create_partition,
    detach_partition,
)
from dbtui.migrations.planner.postgresql_replace import rename_column, set_type
from dbtui.migrations.planner.postgresql_tables import (
    add_enum_value,
    as_written,
    drop_column,
    drop_table,
    refresh,
    rename_enum_value,
    rename_table,
    rewrite_table,
    summary,
    write,
)
from dbtui.migrations.uses_postgresql import at
from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Transaction
from dbtui.model.migration import Action, Effects, Statement
from dbtui.rules.migration.step import Step, sql_name

SESSION = {"begin", "commit", "rollback", "savepoint", "release", "prepare", "show", "reset"}
_ALONE = {
    "vacuum", "create database", "drop database", "alter system", "create tablespace", "drop tablespace",
    "reindex database", "reindex schema", "reindex system",
}  # fmt: skip

_PLANNERS: dict[str, Callable[[One], Steps | None]] = {
    "add column": add_column,
    "add constraint": add_constraint,
    "add enum value": add_enum_value,
    "attach partition": attach_partition,
    "cluster": rewrite_table,
    "create index": create_index,
    "create table": create_partition,
    "delete": write,
    "detach partition": detach_partition,
    "domain add constraint": domain_constraint,
    "drop column": drop_column,
    "drop index": drop_index,
    "drop table": drop_table,
    "drop view": drop_table,
    "insert": write,
    "refresh materialized view": refresh,
    "reindex index": reindex,
    "reindex table": reindex,
    "rename column": rename_column,
    "rename enum value": rename_enum_value,
    "rename table": rename_table,
    "set not null": set_not_null,
    "set type": set_type,
    "update": write,
    "vacuum full": rewrite_table,
}


def steps(place: Step) -> Iterator[ChangeStep]:
    """The steps for one statement, not yet numbered. Settings of the session become part of those that need them."""
    statement = place.statement
    if not statement.understood:
        yield _unknown(statement)
        return
    actions = tuple(a for a in statement.actions if a.op not in SESSION and a.op != "set")
    if not actions:
        return
    before = _settings(place)
    for step in _of_actions(place, actions):
        yield replace(step, before=(*before, *step.before)) if step.statements or step.backfill else step


def _settings(place: Step) -> tuple[str, ...]:
    """The script's own search_path, role and time zone: each step may run on a connection of its own."""
    kept = {"search_path", "role", "timezone", "session_authorization", "work_mem", "maintenance_work_mem"}
    return tuple(f"SET {name} = {value}" for name, value in place.settings.items() if name in kept and value)


def _of_actions(place: Step, actions: tuple[Action, ...]) -> Iterator[ChangeStep]:
    ones = [_one(place, action, len(actions) == 1) for action in actions]
    planned = [_PLANNERS.get(one.action.op, _as_it_is)(one) for one in ones]
    if all(found is None for found in planned):
        yield _whole(place, ones)
        return
    pairs = list(zip(ones, planned, strict=True))
    for own, group in groupby(pairs, key=lambda pair: pair[1] is None):
        if not own:
            for _, found in group:
                yield from found or ()
            continue
        together = [one for one, _ in group]
        if any(not one.action.text for one in together):
            yield from (as_written(one) for one in together)
        else:
            yield _joined(together)


def _as_it_is(one: One) -> Steps | None:
    return None


def _one(place: Step, action: Action, sole: bool) -> One:
    statement = place.statement
    only = "ONLY " if "only" in action.options else ""
    text = statement.sql
    if not sole and action.text:
        text = f"ALTER TABLE {only}{sql_name(action.relation)} {action.text}"
    elif not sole and action.op.startswith("drop "):
        text = _single_drop(action)
    alone = Statement(text, statement.file, statement.line, (action,))
    try:
        effects = effects_postgresql.effects(alone, at(place.schema, place.version, place.settings))
    except effects_postgresql.NotSupportedError:
        effects = Effects()
    return One(action, effects, place.schema, place.engine, place.version, statement.sql, text, sole)


def _single_drop(action: Action) -> str:
    """One of several relations that a DROP names."""
    exists = "IF EXISTS " if action.if_exists else ""
    return f"{action.op.upper()} {exists}{sql_name(action.relation)}{' CASCADE' if action.cascade else ''}"


def as_it_stands(place: Step) -> ChangeStep:
    """The user's statement as one step, whatever a better sequence would be."""
    actions = place.statement.actions
    return _whole(place, [_one(place, action, len(actions) == 1) for action in actions])


def _whole(place: Step, ones: list[One]) -> ChangeStep:
    """The user's statement, as it stands, as one step."""
    actions = [one.action for one in ones]
    relation = next((a.relation for a in actions if a.relation.name), None)
    title = summary(actions[0]) + (f" and {len(actions) - 1} more" if len(actions) > 1 else "")
    step = ddl(title, place.statement.sql, relation=relation, verbatim=True)
    if actions[0].op == "validate constraint":
        step = replace(step, kind=Kind.VALIDATE, phase=Phase.VALIDATE)
    if actions[0].op in ("select", "copy", "merge", "call"):
        step = replace(step, kind=Kind.DATA, lock_timeout=None, retries=0)
    if any((a.concurrently and a.op != "refresh materialized view") or a.op in _ALONE for a in actions):
        step = replace(step, transaction=Transaction.EACH, lock_timeout=0.0, retries=0, kind=Kind.INDEX)
    foreseen = tuple(condition for one in ones for condition in _foreseen(one))
    return outcome(replace(step, foreseen=foreseen), actions, ones[0])


def _foreseen(one: One) -> tuple[Condition, ...]:
    """What the rows must be like for the user's own words."""
    op, made = one.action.op, one.action.constraint
    if op == "validate constraint":
        constraints = one.known.constraints if one.known is not None else ()
        made = next((each for each in constraints if each.name == one.action.name), None)
        return rows.obeyed(one.relation, made, made.text) if made is not None else ()
    if op == "domain set not null":
        return values_of_domain(one)
    if op == "add constraint" and made is not None and made.kind == "exclude" and not one.fresh:
        return rows.obeyed(one.relation, made, one.text)
    return ()


def _joined(ones: list[One]) -> ChangeStep:
    """Harmless actions of one ALTER TABLE that stood beside others, together."""
    first = ones[0].action
    only = "ONLY " if "only" in first.options else ""
    texts = ", ".join(one.action.text for one in ones)
    title = summary(first) + (f" and {len(ones) - 1} more" if len(ones) > 1 else "")
    step = ddl(title, f"ALTER TABLE {only}{sql_name(first.relation)} {texts}", relation=first.relation)
    return outcome(step, [one.action for one in ones], ones[0])


def _unknown(statement: Statement) -> ChangeStep:
    if statement.sql.startswith("\\"):
        return application(
            f"run by hand in psql: {statement.sql}",
            f"{statement.error}; it cannot be a step",
            phase=Phase.EXPAND,
        )
    return not_understood(ddl(""), statement)
