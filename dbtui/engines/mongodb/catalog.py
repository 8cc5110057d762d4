"""The object tree of a MongoDB server: databases, collections and views, their fields as sampled, their indexes.

Paths are (database, collection); below comes a folder, then what is in it. A collection has no declared columns:
its fields are inferred from a sample, which is bounded in documents, bytes and time. What was read is kept until
`forget()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dbtui import text
from dbtui.engines.mongodb import shape, structure
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.facts import cost_facts, database_facts, index_uses, storage_facts, storage_of
from dbtui.engines.mongodb.query import MongoCursor
from dbtui.engines.mongodb.session import Connection
from dbtui.engines.mongodb.shell import Command
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Column, Detail, Index, Kind, Name, Node, Table
from dbtui.model.result import Page

RELATIONS = frozenset({Kind.TABLE, Kind.VIEW})
SAMPLE = 100  # documents that a shape is inferred from
_SAMPLE_BYTES = 32 * 2**20  # where a sample stops, whatever it has
_LIST, _LOOK = 15.0, 5.0  # seconds


class MongoCatalog:
    """See `engines.base.Catalog`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._databases: tuple[Node, ...] = ()
        self._collections: dict[str, dict[str, Mapping[str, Any]]] = {}
        self._shapes: dict[tuple[str, str], shape.Shape] = {}
        self._indexes: dict[tuple[str, str], tuple[Index, ...]] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the server."""
        self._databases = ()
        for kept in (self._collections, self._shapes, self._indexes):
            kept.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the databases for None."""
        if node is None or node.kind is Kind.SERVER:
            return await self._list_databases()
        if node.leaf:
            return ()
        if node.kind is Kind.DATABASE:
            return await self._list_collections(node.path[0])
        database, collection = node.path[:2]
        if node.kind is Kind.FOLDER:
            return [_index_node(node.path, index) for index in await self._indexes_of(database, collection)]
        return await self._list_parts(node)

    async def detail(self, node: Node) -> Detail:
        """Facts and the commands that would make a node. What cannot be had is said among the facts."""
        connection = self._connector.work
        if node.kind is Kind.DATABASE:
            return Detail(node, await database_facts(connection, node.path[0]))
        if node.kind is Kind.FOLDER or len(node.path) < 2:
            return Detail(node, ())
        whole = await self._collection(connection, node)
        if node.kind in RELATIONS:
            return whole
        if node.kind is Kind.INDEX:
            return _index_detail(node, whole)
        shape_of = self._shapes.get((node.path[0], node.path[1]))
        documents = shape_of.documents if shape_of is not None else 0
        return replace(whole, node=node, facts=(("type", node.detail), ("sampled", f"{documents} documents")))

    async def names(self, database: str) -> Sequence[Name]:
        """All collections and views of a database."""
        await self._list_collections(database)
        return [
            Name(_kind(entry), (database, name))
            for name, entry in self._collections[database].items()
            if not name.startswith("system.")
        ]

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some documents of a collection, as they lie."""
        if node.kind not in RELATIONS:
            raise QueryError(f"a {node.kind} has no rows", "choose a collection or a view")
        command = Command({"find": node.path[1], "limit": limit + 1})
        cursor = MongoCursor(self._connector.work, command, node.path[0], 10.0)
        try:
            await cursor.started()
            page = await cursor.fetch(limit)
        finally:
            await cursor.close()
        return replace(page, status=f"{len(page.rows)} documents")

    # ---- lists

    async def _list_databases(self) -> Sequence[Node]:
        if not self._databases:
            connection = self._connector.work
            try:
                reply = await connection.command({"listDatabases": 1}, timeout=_LIST, role="readAnyDatabase")
            except PermissionDenied:  # the user's own can be had without a role
                reply = await connection.command(
                    {"listDatabases": 1, "authorizedDatabases": True, "nameOnly": True}
                )
            found = [
                Node(Kind.DATABASE, str(d["name"]), (str(d["name"]),), size=_size(d))
                for d in reply["databases"]
            ]
            own = connection.server.database
            if own not in {node.name for node in found} and connection.probe.database:
                found.append(Node(Kind.DATABASE, own, (own,), note="empty"))
            self._databases = tuple(sorted(found, key=lambda node: (node.name in _SYSTEM, node.name)))
        return self._databases

    async def _list_collections(self, database: str) -> Sequence[Node]:
        if database not in self._collections:
            asked: dict[str, Any] = {"listCollections": 1, "cursor": {}}
            connection = self._connector.work
            try:
                found = await connection.documents(asked, database=database, timeout=_LIST, most=100_000)
            except PermissionDenied:
                asked |= {"authorizedCollections": True, "nameOnly": True}
                found = await connection.documents(asked, database=database, timeout=_LIST, most=100_000)
            found.sort(key=lambda entry: (str(entry["name"]).startswith("system."), str(entry["name"])))
            self._collections[database] = {str(entry["name"]): entry for entry in found}
        return [
            _collection_node(database, name, entry) for name, entry in self._collections[database].items()
        ]

    async def _list_parts(self, node: Node) -> Sequence[Node]:
        """Fields first, then a folder of indexes. A sample that cannot be had does not hide the indexes."""
        database, collection = node.path[:2]
        parts: list[Node] = []
        try:
            made = await self._shape_of(database, collection)
            parts = [
                _field_node(node.path, column)
                for column in made.columns()
                if not {".", "["} & set(column.name)
            ]
        except QueryTimeout:
            parts.append(
                Node(Kind.COLUMN, "the sample took too long", (*node.path, ""), leaf=True, note="no sample")
            )
        if node.kind is Kind.TABLE:
            indexes = await self._indexes_of(database, collection)
            parts.append(Node(Kind.FOLDER, "Indexes", (*node.path, "indexes"), rows=len(indexes)))
        return parts

    async def _shape_of(self, database: str, collection: str) -> shape.Shape:
        key = (database, collection)
        if key not in self._shapes:
            view = _kind(self._collections.get(database, {}).get(collection, {})) is Kind.VIEW
            self._shapes[key] = shape.infer(
                await _sampled(self._connector.work, database, collection, view=view)
            )
        return self._shapes[key]

    async def _indexes_of(self, database: str, collection: str) -> tuple[Index, ...]:
        key = (database, collection)
        if key not in self._indexes:
            connection = self._connector.work
            specs = await connection.documents({"listIndexes": collection, "cursor": {}}, database=database)
            uses = await index_uses(connection, database, collection)
            storage = await storage_of(connection, database, collection)
            sizes = storage.get("indexSizes") if isinstance(storage.get("indexSizes"), Mapping) else {}
            building = [str(name) for name in storage.get("indexBuilds") or ()]
            self._indexes[key] = tuple(
                structure.index_of(spec, uses, sizes or {}, building) for spec in specs
            )
        return self._indexes[key]

    async def _collection(self, connection: Connection, node: Node) -> Detail:
        database, collection = node.path[:2]
        await self._list_collections(database)
        entry = self._collections[database].get(collection)
        if entry is None:
            raise QueryError(f"{database}.{collection} is no longer there", "reload the tree")
        kind, options = _kind(entry), entry.get("options") or {}
        facts: list[tuple[str, str]] = []
        if kind is Kind.TABLE:
            storage = await storage_of(connection, database, collection)
            facts += storage_facts(storage)
            facts += await cost_facts(connection, f"{database}.{collection}")
        columns: tuple[Column, ...] = ()
        try:
            made = await self._shape_of(database, collection)
            columns = made.columns()
            facts.append(("sampled", f"{made.documents} documents{', the first fields' if made.cut else ''}"))
        except QueryTimeout as error:
            facts.append(("fields", error.message))
        indexes = await self._indexes_of(database, collection) if kind is Kind.TABLE else ()
        table = Table(kind, (database, collection), columns, indexes, structure.constraints_of(options))
        return Detail(node, tuple(facts), ddl=structure.create(collection, options, indexes), table=table)


_SYSTEM = frozenset({"admin", "config", "local"})


def _size(database: Mapping[str, Any]) -> int | None:
    size = database.get("sizeOnDisk")
    return int(size) if isinstance(size, int | float) and size else None


def _kind(entry: Mapping[str, Any]) -> Kind:
    return Kind.VIEW if entry.get("type") == "view" else Kind.TABLE


def _collection_node(database: str, name: str, entry: Mapping[str, Any]) -> Node:
    options = entry.get("options") or {}
    kinds = (
        (options.get("capped"), "capped"),
        (options.get("timeseries"), "time series"),
        (options.get("clusteredIndex"), "clustered"),
    )
    detail = ", ".join(word for is_one, word in kinds if is_one)
    if entry.get("type") == "view":
        detail = f"of {options.get('viewOn', '')}"
    return Node(
        _kind(entry),
        name,
        (database, name),
        detail=detail,
        note="system" if name.startswith("system.") else "",
    )


def _field_node(path: tuple[str, ...], column: Column) -> Node:
    return Node(Kind.COLUMN, column.name, (*path, column.name), detail=column.type, leaf=True)


def _index_node(path: tuple[str, ...], index: Index) -> Node:
    note = "" if index.valid else "building"
    return Node(
        Kind.INDEX,
        index.name,
        (*path, index.name),
        detail=", ".join(index.columns),
        size=index.size,
        leaf=True,
        note=note,
    )


async def _sampled(
    connection: Connection, database: str, collection: str, *, view: bool
) -> list[Mapping[str, Any]]:
    """Documents of a collection at random; of a view, which would be computed whole, the first ones.

    $sample sorts in memory where the sample is a large part: with large documents that fails, and the first
    documents have to do.
    """
    first: dict[str, Any] = {"find": collection, "limit": SAMPLE, "batchSize": 10}
    pipeline = [{"$sample": {"size": SAMPLE}}]
    random: dict[str, Any] = {"aggregate": collection, "pipeline": pipeline, "cursor": {"batchSize": 10}}
    for asked in [first] if view else [random, first]:
        try:
            return await _bounded(connection, asked, database)
        except (QueryTimeout, PermissionDenied):
            raise
        except QueryError:
            if asked is first:
                raise
    return []


async def _bounded(
    connection: Connection, asked: Mapping[str, Any], database: str
) -> list[Mapping[str, Any]]:
    """The documents of a cursor until they are enough, or too many bytes."""
    batches = await connection.cursor(asked, database=database, timeout=_LOOK)
    found: list[Mapping[str, Any]] = []
    size = 0
    try:
        while len(found) < SAMPLE and size < _SAMPLE_BYTES:
            some = await batches.next(10, _LOOK)
            if not some:
                break
            found += some
            size += sum(len(document.raw) for document in some)
    finally:
        batches.close()
    return found


def _index_detail(node: Node, whole: Detail) -> Detail:
    """One index of a collection."""
    indexes = whole.table.indexes if whole.table is not None else ()
    index = next((one for one in indexes if one.name == node.name), None)
    if index is None:
        raise QueryError(f"the index {node.name} is no longer there", "reload the tree")
    uses = "not counted" if index.scans is None else f"{index.scans:,} times since the server's start"
    facts = (("used", uses), ("size", text.size(index.size)), ("kind", index.method))
    return Detail(node, facts, ddl=structure.create_index(node.path[1], index), table=whole.table)
