"""Advised indexes that are on the server already, invisible to all but who asks for them: its own planner tries them.

MySQL's invisible indexes are kept up to date and planned with under use_invisible_indexes alone:
https://dev.mysql.com/doc/refman/8.4/en/invisible-indexes.html. MariaDB plans with an ignored index for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.advice.candidates import quoted
from dbtui.commands.server_plans import explain_on, invisible_plan
from dbtui.engines.base import Engine, PlansInvisible
from dbtui.errors import QueryError
from dbtui.model.advice import Advice, Facts, Help, IndexAdvice, Query
from dbtui.model.catalog import Index
from dbtui.model.plan import Plan

TRIED = "an invisible index: the server's own plan"


async def tried(engine: Engine, advice: Advice, facts: Facts, database: str) -> Advice:
    """The advice with what the server itself says of those indexes; one that it would not use is a note."""
    explainer: object = engine.explain
    if facts.dialect != "mysql" or not isinstance(explainer, PlansInvisible):
        return advice
    indexes: list[IndexAdvice] = []
    notes = list(advice.notes)
    for index in advice.indexes:
        there = _invisible(index, facts)
        if there is None:
            indexes.append(index)
        elif (helps := await _helps(engine, index, there.name, advice.queries, database)) is None:
            drop = f"DROP INDEX {quoted(there.name, '`')} ON {index.table}"
            notes.append(f"{there.name} is there, invisible, and the server would not use it: {drop}")
        else:
            indexes.append(_shown(index, there.name, helps))
    return replace(advice, indexes=tuple(indexes), notes=tuple(notes), verified=_verified(advice, indexes))


def _verified(advice: Advice, indexes: Sequence[IndexAdvice]) -> str:
    told = {index.verified == TRIED for index in indexes}
    if told == {True}:
        return TRIED
    return f"{advice.verified}; where it is there already, {TRIED}" if True in told else advice.verified


def _invisible(advised: IndexAdvice, facts: Facts) -> Index | None:
    table = facts.find("", advised.table.strip("`"))
    wanted = [key.strip("`").lower() for key in advised.keys]
    indexes = table.indexes if table is not None else ()
    return next((one for one in indexes if not one.valid and [*map(_column, one.columns)] == wanted), None)


def _column(key: str) -> str:
    """A key without its direction: the server's planner says whether it serves."""
    return key.removesuffix(" DESC").lower()


async def _helps(
    engine: Engine, advised: IndexAdvice, name: str, queries: tuple[Query, ...], database: str
) -> tuple[Help, ...] | None:
    """What it does for each query; None where none is planned with it. A query that has no plan keeps its place."""
    helps, used = [], False
    for help_ in advised.helps:
        text = queries[help_.query].text
        try:
            before = await explain_on(engine, text, database=database)
            after = await invisible_plan(engine, text, database)
        except QueryError:
            helps.append(help_)
            continue
        uses = any(node.index == name for node in after.nodes)
        used = used or uses
        helps.append(Help(help_.query, _cost(before), _cost(after if uses else before)))
    return tuple(helps) if used else None


def _cost(plan: Plan) -> float | None:
    return plan.nodes[0].total_cost


def _shown(advised: IndexAdvice, name: str, helps: tuple[Help, ...]) -> IndexAdvice:
    """The same advice, whose index only wants to be made visible: its upkeep is paid already."""
    alter = f"ALTER TABLE {advised.table} ALTER INDEX {quoted(name, '`')}"
    return replace(
        advised,
        sql=f"{alter} VISIBLE",
        undo=f"{alter} INVISIBLE",
        verified=TRIED,
        helps=helps,
        because="it is there and kept up to date already, invisible",
        write_overhead=0.0,
        supersedes=tuple(one for one in advised.supersedes if one != name),
        verify=(),
    )
