"""Steps whose result a later statement of the same plan changes, so that the catalog cannot prove them for long.

`DROP CONSTRAINT c; ADD CONSTRAINT c …` leaves a c that tells nothing of the first step, and a column that is added
and then renamed is there under another name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dbtui.migrations.planner.one import constraint_name
from dbtui.model.change import ChangeStep
from dbtui.model.migration import Action, Engine, Relation

_Thing = tuple[str, str, str]  # what it is, of which table, its name; an index is known by its name alone
_GONE = (
    "drop table", "rename table", "drop view", "rename view", "drop materialized view", "drop foreign table",
)  # fmt: skip


def passing(
    steps: Sequence[ChangeStep], actions: Sequence[Sequence[Action]], engine: Engine
) -> list[ChangeStep]:
    """The steps, those marked whose result passes. `actions` are those of each statement in `ChangePlan.source`."""
    marked: set[int] = set()
    made: set[_Thing] = set()  # by what comes later, like the other two
    taken: set[_Thing] = set()
    touched: set[Relation] = set()
    for number in reversed(range(len(actions))):
        for action in reversed(actions[number]):
            own, away = set(_made(action)), set(_taken(action))
            # A rebuild is proved by the text of its table, which every later change of it rewrites.
            again = engine is Engine.SQLITE and action.relation in touched
            if again or own & taken or away & made:
                marked.add(number)
            made |= own
            taken |= away
            touched.add(action.relation)
    return [replace(step, passing=True) if step.source in marked else step for step in steps]


def remade(actions: Sequence[Action]) -> bool:
    """Whether one of the actions takes what another makes: then a name tells nothing of before and after."""
    made = {thing for action in actions for thing in _made(action)}
    return any(thing in made for action in actions for thing in _taken(action))


def _made(action: Action) -> Iterator[_Thing]:
    """What there is by an action, under the name that it has then, and the table that it goes with."""
    table, op = str(action.relation), action.op
    if op in ("rename table", "rename view"):
        table = str(replace(action.relation, name=action.new_name))
    if op == "rename index":
        yield "index", "", action.new_name
        return
    if table and not op.startswith("drop "):
        yield "table", table, ""
    if op == "create trigger":
        yield "trigger", "", action.name
    if op == "create index" and action.index is not None:
        yield "index", "", action.index.name
    elif op == "add constraint" and action.constraint is not None:
        if action.constraint.kind == "primary key":
            yield "primary key", table, ""
        yield "constraint", table, constraint_name(action.relation, action.constraint)
    elif op == "rename constraint":
        yield "constraint", table, action.new_name
    elif op == "rename column":
        yield "column", table, action.new_name
    elif action.column is not None:
        yield "column", table, action.column.name
    elif op in ("set not null", "drop not null", "set default", "drop default"):
        yield "column", table, action.name


def _taken(action: Action) -> Iterator[_Thing]:
    """What is there no more after an action, or not under this name."""
    table, op = str(action.relation), action.op
    renamed = op == "change column" and action.column is not None and action.column.name != action.name
    if op in _GONE:
        yield "table", table, ""
    elif op == "drop trigger":
        yield "trigger", "", action.name or action.relation.name
    elif op == "drop primary key":
        yield "primary key", table, ""
    elif op in ("drop index", "rename index"):
        yield "index", "", action.relation.name
    elif op in ("drop column", "rename column") or renamed:
        yield "column", table, action.name
    elif op in ("drop constraint", "rename constraint"):
        yield "constraint", table, action.name
