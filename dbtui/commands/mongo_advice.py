"""Index advice for MongoDB: the commands are read as its own engine reads them, the indexes are those it lists."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.advice.mongodb import needs, reasoned
from dbtui.engines.base import Engine
from dbtui.errors import QueryError
from dbtui.model.advice import Advice, Facts, Query, TableFacts
from dbtui.model.catalog import Kind, Node


async def advise_commands(engine: Engine, queries: Sequence[Query], database: str, most: int) -> Advice:
    """The advice for commands of one database. Raises QueryError and its kinds."""
    commands = [command_of(query.text) for query in queries]
    wanted = {need.collection for command in commands if command for need in needs(command)}
    assert engine.catalog is not None
    tables = []
    for name in await engine.catalog.names(database):
        if name.path[-1] in wanted and name.kind is Kind.TABLE:
            detail = await engine.catalog.detail(Node(name.kind, name.path[-1], name.path))
            indexes = detail.table.indexes if detail.table is not None else ()
            tables.append(TableFacts("", name.path[-1], {}, indexes))
    facts = Facts("mongodb", tuple(tables), search_path=("",))
    return reasoned(queries, commands, facts, most)


def command_of(text: str) -> Mapping[str, Any] | None:
    """A command as a document; None for what is none."""
    from dbtui.engines.mongodb.shell import parse

    with contextlib.suppress(QueryError):
        return parse(text).document
    return None
