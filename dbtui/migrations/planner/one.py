"""One action of the user's statement in its place: what every part of the planner is handed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dbtui.model.change import ChangeStep, Condition, Kind, Phase, Transaction
from dbtui.model.migration import (
    Action,
    ConstraintDef,
    Effects,
    Engine,
    KnownTable,
    Relation,
    Schema,
    Statement,
)
from dbtui.rules.migration.step import short

LOCK_TIMEOUT = 2.0  # seconds that others may have to queue behind a statement of ours that waits itself
RETRIES = 30
BUILD_RETRIES = 3  # of an index that is built concurrently


@dataclass(frozen=True, slots=True)
class One:
    """One action. `effects` are those of this action alone, `text` a statement that holds nothing else."""

    action: Action
    effects: Effects
    schema: Schema  # as it was before the statement
    engine: Engine
    version: tuple[int, ...]
    sql: str  # the user's whole statement
    text: str  # the same, or what of it is this action's
    sole: bool = True  # whether the statement holds this action alone

    @property
    def relation(self) -> Relation:
        return self.action.relation

    @property
    def known(self) -> KnownTable | None:
        return self.schema.table(self.action.relation)

    @property
    def fresh(self) -> bool:
        """Whether the plan itself makes the table, so that nobody uses it yet."""
        return fresh(self.schema, self.action.relation)

    @property
    def harmless(self) -> bool:
        """Whether nothing is read or written whole."""
        return not self.effects.scans and not self.effects.rewrites


def fresh(schema: Schema, relation: Relation) -> bool:
    known = schema.table(relation)
    return known is not None and (known.temporary or known.file != "")


Steps = tuple[ChangeStep, ...]


def ddl(title: str, *statements: str, **more: object) -> ChangeStep:
    """A short change of the catalog in one transaction that gives up rather than queue."""
    base = ChangeStep(0, Kind.DDL, title, statements=statements, lock_timeout=LOCK_TIMEOUT, retries=RETRIES)
    return replace(base, **more)  # type: ignore[arg-type]


def check(title: str, *conditions: Condition, **more: object) -> ChangeStep:
    """What must be true before the plan goes on."""
    base = ChangeStep(
        0, Kind.CHECK, title, Phase.PREPARE, preconditions=conditions, postconditions=conditions
    )
    return replace(base, **more)  # type: ignore[arg-type]


def application(title: str, why: str, **more: object) -> ChangeStep:
    """What people do in between."""
    return replace(ChangeStep(0, Kind.APPLICATION, title, why=why), **more)  # type: ignore[arg-type]


def command(title: str, line: str, **more: object) -> ChangeStep:
    """A program that people run; dbtui shows the line and looks for what it leaves."""
    base = ChangeStep(0, Kind.COMMAND, title, command=line, transaction=Transaction.EACH)
    return replace(base, **more)  # type: ignore[arg-type]


def until(steps: Iterable[ChangeStep], done: Condition) -> Steps:
    """Steps whose own traces a later one removes: they are done when `done` holds, too."""
    return tuple(replace(step, superseded=_either(step.superseded, done)) for step in steps)


def _either(first: Condition | None, second: Condition) -> Condition:
    """What holds when one of two does: what removed a step's traces may have its own removed."""
    if first is None:
        return second
    query = f"SELECT ({first.query}) OR ({second.query})"
    return Condition(query, f"{first.means}, or {second.means}", first.costly or second.costly)


def not_understood(base: ChangeStep, statement: Statement) -> ChangeStep:
    """A step of the user's own words of which nothing is known; never called safe."""
    return replace(
        base,
        title=f"run as written what was not understood: {statement.sql.splitlines()[0][:60]}",
        statements=(statement.sql,),
        verbatim=True,
        why=f"{statement.error}; nothing is known of its locks and its time",
        notes=("not understood: approve it only if you know what it does",),
    )


def constraint_name(relation: Relation, made: ConstraintDef) -> str:
    """The constraint's name, or the one that the server would give it."""
    ends = {"foreign key": "fkey", "unique": "key", "primary key": "pkey", "exclude": "excl"}
    named = () if made.kind == "primary key" else made.columns or tuple(sorted(made.mentions))[:1]
    return made.name or short(relation.name, *named, ends.get(made.kind, made.kind.replace(" ", "_")))


def key_of(known: KnownTable | None) -> tuple[str, ...]:
    """The columns by which a backfill goes: the primary key, else a unique key that is NOT NULL, else ()."""
    if known is None:
        return ()
    if known.primary_key is not None and known.primary_key.columns:
        return known.primary_key.columns
    for index in known.indexes:
        whole = index.unique and index.valid and not index.partial and "" not in index.columns
        if whole and all(name in known.columns and known.columns[name].not_null for name in index.columns):
            return index.columns
    return ()
