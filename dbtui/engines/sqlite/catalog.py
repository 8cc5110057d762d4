"""The object tree of a file: its tables and views, and what they are made of.

Paths are (file, relation); below a relation comes the name of a folder, then of what is in it. Tables of SQLite
itself and of virtual tables lie in a folder of their own, (file, "", "internal", relation).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dbtui.engines.sqlite import facts, space, statistics, structure
from dbtui.engines.sqlite.connection import Connection, Connector
from dbtui.engines.sqlite.place import size_of
from dbtui.engines.sqlite.query import connect_tables
from dbtui.engines.sqlite.structure import Structure
from dbtui.engines.sqlite.values import columns_of, row_text
from dbtui.engines.work import Work
from dbtui.errors import QueryError
from dbtui.model.catalog import Detail, Kind, Name, Node
from dbtui.model.result import Page
from dbtui.sql.quoting import identifier

RELATIONS = frozenset({Kind.TABLE, Kind.VIEW})
_INTERNAL = ("", "internal")
_TIMEOUT = 15.0  # seconds for a list
_LIST = "select name, type, wr, strict from pragma_table_list where schema = 'main' order by name collate nocase, name"


class SqliteCatalog:
    """See `engines.base.Catalog`. What was read is kept until `forget()`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work
        self._listed: tuple[Node, ...] | None = None
        self._sizes: Mapping[str, int] | None = None
        self._structures: dict[str, Structure] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the file."""
        self._listed = None
        self._sizes = None
        self._structures.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the one database for None."""
        if node is None or node.kind is Kind.SERVER:
            place = self._connector.place
            return (Node(Kind.DATABASE, place.name, (place.name,), size=size_of(place.path)),)
        if node.leaf:
            return ()
        if node.kind is Kind.DATABASE:
            return _browsed(await self._list())
        if node.path[1:] == _INTERNAL:
            return tuple(one for one in await self._list() if _is_internal(one))
        made = await self._structure(_relation_of(node), node.path[: _depth(node)])
        return _parts(made, node)

    async def detail(self, node: Node) -> Detail:
        """Facts and DDL of a node."""
        if node.kind is Kind.FOLDER:
            return Detail(node, ())
        if node.kind is Kind.DATABASE:
            async with self._work.use() as connection:
                place = connection.place
                return await connection.run(lambda raw: facts.database(raw, node, place), timeout=_TIMEOUT)
        name = _relation_of(node)
        made = await self._structure(name, node.path[: _depth(node)])
        if node.kind not in RELATIONS:
            return facts.part(node, made)
        async with self._work.use() as connection:
            size = await space.of_one(connection, name)
            return await connection.run(
                lambda raw: facts.relation(raw, node, name, made, size), timeout=_TIMEOUT
            )

    async def names(self, database: str) -> Sequence[Name]:
        """All relations, those of users first."""
        listed = await self._list()
        return [Name(one.kind, one.path) for one in sorted(listed, key=_is_internal)]

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some rows of a relation, as they lie; 10 s at most."""
        if node.kind not in RELATIONS:
            raise QueryError(f"a {node.kind} has no rows", "choose a table or a view")
        sql = f"SELECT * FROM main.{identifier(_relation_of(node))} LIMIT {int(limit) + 1}"  # noqa: S608
        async with self._work.use() as connection:

            def read(raw: sqlite3.Connection) -> Page:
                connect_tables(raw, connection.guard, sql)
                cursor = raw.execute(sql)
                found = cursor.fetchall()
                shown = tuple(row_text(row) for row in found[:limit])
                columns = columns_of(cursor.description, found)
                return Page(columns, shown, len(found) > limit, f"SELECT {len(shown)}")

            return await connection.run(read, timeout=10.0, mode="user")

    async def _list(self) -> tuple[Node, ...]:
        if self._listed is None:
            async with self._work.use() as connection:
                name = connection.place.name
                nodes = await connection.run(lambda raw: _relations(raw, name), timeout=_TIMEOUT)
                self._sizes = await space.of_all(connection)
            sizes = self._sizes
            self._listed = tuple(replace(one, size=sizes.get(one.path[-1])) for one in nodes)
        return self._listed

    async def _structure(self, name: str, path: tuple[str, ...]) -> Structure:
        if name not in self._structures:
            async with self._work.use() as connection:
                made = await connection.run(lambda raw: structure.read(raw, name, path), timeout=_TIMEOUT)
            self._structures[name] = made
        return self._structures[name]


def _relations(raw: sqlite3.Connection, database: str) -> list[Node]:
    rows = statistics.collected(raw)
    made = []
    for name, kind, without_rowid, strict in raw.execute(_LIST):
        internal = kind == "shadow" or name.startswith("sqlite_")
        if name == "sqlite_schema":
            continue
        options = [word for word, there in (("STRICT", strict), ("WITHOUT ROWID", without_rowid)) if there]
        note = "virtual" if kind == "virtual" else ""
        path = (database, *_INTERNAL, name) if internal else (database, name)
        made.append(
            Node(
                Kind.VIEW if kind == "view" else Kind.TABLE,
                name,
                path,
                detail=", ".join(options),
                rows=rows.get(name),
                note=note,
            )
        )
    return made


def _browsed(listed: Sequence[Node]) -> tuple[Node, ...]:
    """Tables, then views, then a folder of what SQLite keeps for itself."""
    own = [one for one in listed if not _is_internal(one)]
    own.sort(key=lambda one: one.kind is Kind.VIEW)
    internal = len(listed) - len(own)
    if internal:
        own.append(Node(Kind.FOLDER, "Internal", (listed[0].path[0], *_INTERNAL), rows=internal))
    return tuple(own)


def _is_internal(node: Node) -> bool:
    return len(node.path) > 3 and node.path[1:3] == _INTERNAL


def _depth(node: Node) -> int:
    """How much of a node's path is its relation's."""
    return 4 if _is_internal(node) else 2


def _relation_of(node: Node) -> str:
    return node.path[_depth(node) - 1]


def _parts(made: Structure, node: Node) -> tuple[Node, ...]:
    """Below a relation: its columns, and a folder for each other kind; below a folder what is in it."""
    path = node.path[: _depth(node)]
    if node.kind is Kind.FOLDER:
        return facts.nodes(made, node.path[-1])
    folders = [
        Node(Kind.FOLDER, folder.capitalize(), (*path, folder), rows=len(found))
        for folder in ("indexes", "constraints", "triggers")
        if (found := facts.nodes(made, folder))
    ]
    return (*facts.nodes(made, "columns"), *folders)
