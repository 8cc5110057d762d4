"""PostgreSQL: a transaction of the user's in which one table takes another's name stays one step.

Apart, the name would be nobody's in between, and a view would be put where the other table is to go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from dbtui.migrations.planner import conditions_postgresql as conditions
from dbtui.migrations.planner.one import ddl
from dbtui.migrations.planner.postgresql import SESSION, as_it_stands
from dbtui.model.change import ChangeStep, Condition, Reversibility
from dbtui.model.migration import Action, Relation
from dbtui.rules.migration.step import Step


@dataclass(slots=True)
class _Part:
    """A statement of a transaction, as it stands."""

    source: int
    step: ChangeStep
    actions: tuple[Action, ...]


class Swaps:
    """The transactions of a script, of which those that swap names are kept together."""

    def __init__(self) -> None:
        self._blocks: dict[int, list[_Part]] = {}

    def take(self, source: int, place: Step) -> None:
        """Look at a statement before the schema moves on."""
        actions = tuple(action for action in place.statement.actions if action.op not in SESSION)
        if place.transaction and actions:
            placed = tuple(replace(action, relation=_placed(action.relation, place)) for action in actions)
            block = self._blocks.setdefault(place.transaction, [])
            block.append(_Part(source, as_it_stands(place), placed))

    def joined(self, drafts: Sequence[ChangeStep]) -> list[ChangeStep]:
        """The steps, those of each swap as one."""
        made = list(drafts)
        for block in self._blocks.values():
            names = _swapped(block)
            if not names:
                continue
            own = {part.source for part in block}
            first = next(at for at, step in enumerate(made) if step.source in own)
            swap = _joined(block, names)
            before = [_used_up(step, names, swap) for step in made[:first]]
            made = [*before, swap, *(step for step in made[first:] if step.source not in own)]
        return made


def _placed(relation: Relation, place: Step) -> Relation:
    return (
        replace(relation, schema=relation.schema or place.schema.search_path) if relation.name else relation
    )


def _swapped(block: Iterable[_Part]) -> frozenset[Relation]:
    """The names that one table gives up and another one takes, with those that these come from and go to."""
    freed: dict[Relation, Relation] = {}
    taken: set[Relation] = set()
    for action in (action for part in block for action in part.actions):
        if action.op == "rename table":
            new = freed[action.relation] = Relation(action.new_name, action.relation.schema)
            if new in freed:
                taken |= {new, freed[new], action.relation}
        elif action.op.startswith("create table") and action.relation in freed:
            taken |= {action.relation, freed[action.relation]}
    return frozenset(taken)


def _joined(block: Sequence[_Part], names: frozenset[Relation]) -> ChangeStep:
    renames = [part for part in block if part.actions[0].op == "rename table"]
    table = renames[0].actions[0].relation
    there = (name for name in sorted(names, key=str) if name != renames[-1].actions[0].relation)
    after = block[block.index(renames[-1]) + 1 :]
    done = [*map(conditions.table_there, there), *(one for part in after for one in part.step.postconditions)]
    created = {part.actions[0].relation for part in block if part.actions[0].op.startswith("create table")}
    known = all(part.step.down or not _wants_undoing(part, created) for part in block)
    return ddl(
        f"another table takes the name {table}",
        *(statement for part in block for statement in part.step.statements),
        relation=table,
        source=block[0].source,
        down=tuple(text for part in reversed(block) for text in part.step.down) if known else (),
        reversibility=Reversibility.NEEDS_DATA,
        postconditions=tuple(dict.fromkeys(done)),
        why="in one transaction, as it was written: nobody finds the name without a table",
        notes=() if known else ("no way back can be written for it; write one by hand where it matters",),
    )


def _wants_undoing(part: _Part, created: Set[Relation]) -> bool:
    """Whether anything of a statement is left when the tables that the block makes are dropped again."""
    action = part.actions[0]
    return (
        part.step.reversibility is not Reversibility.FREE
        and action.relation not in created
        and action.op not in ("select", "grant")
    )


def _used_up(step: ChangeStep, names: frozenset[Relation], swap: ChangeStep) -> ChangeStep:
    """A step whose traces the swap moves to another name is done when the swap is."""
    if step.superseded or step.relation is None or not swap.postconditions:
        return step
    if not any(step.relation.name == name.name for name in names):
        return step
    parts = " AND ".join(f"({one.query})" for one in swap.postconditions)
    return replace(step, superseded=Condition(f"SELECT {parts}", "the tables were swapped"))
