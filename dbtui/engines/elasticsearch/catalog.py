"""The tree of a cluster: folders of what belongs to the cluster, then its indices with their fields and shards.

Paths are (cluster, index, field, …) and (cluster, folder, name). A folder's element begins with a slash, which no
index can have in its name. What was read is kept until `forget()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.engines.elasticsearch import facts
from dbtui.engines.elasticsearch.connection import Connection
from dbtui.engines.elasticsearch.failures import lacks
from dbtui.engines.elasticsearch.folders import FOLDERS, Folder
from dbtui.engines.elasticsearch.mapping import fields
from dbtui.engines.elasticsearch.query import shown
from dbtui.engines.elasticsearch.wire import TOO_LARGE
from dbtui.engines.elasticsearch.words import own
from dbtui.engines.work import Work
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.catalog import Column, Detail, Kind, Name, Node, Table
from dbtui.model.result import Page

SHARDS = "/shards"
_LACKING = "not on this server"  # short: it stands in the tree
_LIST = 15.0  # seconds
_SAMPLE_BYTES = 8 * 2**20  # of rows to look at; above it fewer are asked for
_INDICES = "health,status,index,docs.count,docs.deleted,store.size,pri,rep,creation.date"
_DATA = frozenset({Kind.TABLE, Kind.VIEW, Kind.STREAM})


class ElasticCatalog:
    """See `engines.base.Catalog`."""

    def __init__(self, work: Work[Connection]) -> None:
        self._work = work
        self._indices: tuple[Mapping[str, Any], ...] = ()
        self._fields: dict[str, tuple[Column, ...]] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the server."""
        self._indices = ()
        self._fields.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the cluster for None. One round trip."""
        async with self._work.use() as connection:
            if node is None or node.kind is Kind.SERVER:
                name = connection.server.database
                return [Node(Kind.DATABASE, name, (name,), detail="cluster")]
            if node.leaf:
                return ()
            if node.kind is Kind.DATABASE:
                return await self._below_cluster(connection, node.path[0])
            if node.kind is Kind.NODE:
                return [
                    Node(Kind.REPORT, title, (*node.path, title), leaf=True, detail=about)
                    for title, about in facts.REPORTS
                ]
            if node.path[-1] == SHARDS:
                return await facts.shards(connection, node)
            if node.kind is Kind.FOLDER:
                return await _listed(connection, FOLDERS[node.path[1]], node.path)
            return await self._parts(connection, node)

    async def detail(self, node: Node) -> Detail:
        """Facts of a node, and the request that would make it. What cannot be had is said among the facts."""
        async with self._work.use() as connection:
            if node.kind is Kind.DATABASE:
                return await facts.cluster(connection, node)
            if node.kind in _DATA:
                columns = await self._columns(connection, node)
                return await facts.index(connection, node, columns)
            if node.kind is Kind.COLUMN:
                return await self._field(connection, node)
            if node.kind is Kind.NODE:
                return await facts.node(connection, node)
            if node.kind is Kind.REPORT:
                return await facts.report(connection, node)
            if node.kind is Kind.SHARD:
                return await facts.shard(connection, node)
            folder = FOLDERS.get(node.path[1]) if len(node.path) > 2 else None
            return Detail(node, ()) if folder is None else await facts.definition(connection, node, folder)

    async def names(self, database: str) -> Sequence[Name]:
        """All indices."""
        async with self._work.use() as connection:
            cluster = connection.server.database
            await self._list(connection)
        return [Name(Kind.TABLE, (cluster, str(entry.get("index") or ""))) for entry in self._indices]

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some documents, in no order. Of large documents fewer are read, or their ids alone."""
        if node.kind not in _DATA:
            raise QueryError(f"a {node.kind} has no documents", "choose an index, an alias or a data stream")
        async with self._work.use() as connection:
            for count, whole in ((limit, True), (5, True), (limit, False)):
                body = {"size": count, "_source": whole, "track_total_hits": False}
                request = own("GET", node.name, "_search", body=body)
                try:
                    answer = await connection.send(request, timeout=10.0, largest=_SAMPLE_BYTES)
                except QueryError as error:
                    if error.code != TOO_LARGE or not whole:
                        raise
                    continue
                columns, rows = shown(request, answer)
                note = "" if count == limit else ": more of them would be too large"
                note = note if whole else ", which are too large to be shown"
                return Page(columns, tuple(rows), len(rows) == count, f"{len(rows)} documents{note}")
        raise QueryError("the documents are too large to be shown", "ask for some fields with _source")

    # ---- inside

    async def _below_cluster(self, connection: Connection, cluster: str) -> Sequence[Node]:
        await self._list(connection)
        folders = [Node(Kind.FOLDER, folder.title, (cluster, name)) for name, folder in FOLDERS.items()]
        return [*folders, *(_index_node(cluster, entry) for entry in self._indices)]

    async def _list(self, connection: Connection) -> None:
        if not self._indices:
            found = await connection.get(
                "_cat", "indices", timeout=_LIST, format="json", bytes="b", h=_INDICES, expand_wildcards="all"
            )
            entries = (
                [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
            )
            entries.sort(key=lambda entry: (str(entry.get("index")).startswith("."), str(entry.get("index"))))
            self._indices = tuple(entries)

    async def _parts(self, connection: Connection, node: Node) -> Sequence[Node]:
        """The fields of an index, then a folder of its shards."""
        made = [
            Node(Kind.COLUMN, column.name, (*node.path, column.name), detail=column.type, leaf=True)
            for column in await self._columns(connection, node)
        ]
        if node.kind is Kind.TABLE:
            made.append(Node(Kind.FOLDER, "Shards", (*node.path, SHARDS)))
        return made

    async def _columns(self, connection: Connection, node: Node) -> tuple[Column, ...]:
        if node.name not in self._fields:
            answer = await connection.get(node.name, "_mapping", timeout=_LIST)
            self._fields[node.name] = fields(answer)
        return self._fields[node.name]

    async def _field(self, connection: Connection, node: Node) -> Detail:
        """One field among the others of its index, alias or data stream."""
        place = next(at for at, part in enumerate(node.path[1:], 1) if not part.startswith("/"))
        whole = Node(Kind.TABLE, node.path[place], node.path[: place + 1])
        table = Table(whole.kind, whole.path, await self._columns(connection, whole))
        return Detail(node, (("Type", node.detail),), table=table)


async def _listed(connection: Connection, folder: Folder, path: tuple[str, ...]) -> Sequence[Node]:
    """What is in a folder of the cluster. Raises QueryError that says so where the product has nothing like it."""
    product = connection.server.product
    segments = folder.paths.get(product, ())
    if not segments:
        raise QueryError(_LACKING)
    try:
        answer = await connection.get(*segments, timeout=_LIST, **folder.parameters)
    except PermissionDenied:
        raise
    except QueryError as error:
        if error.code == "404":
            return []
        if lacks(error):
            raise QueryError(_LACKING) from None
        raise
    return [
        Node(
            folder.kind,
            name,
            (*path, name),
            detail=about,
            leaf=folder.kind not in (Kind.NODE, Kind.STREAM, Kind.VIEW),
        )
        for name, about in folder.entries(answer)
    ]


_HEALTH = {"red": "red", "yellow": "yellow"}


def _index_node(cluster: str, entry: Mapping[str, Any]) -> Node:
    name = str(entry.get("index") or "")
    closed = entry.get("status") == "close"
    pieces = [
        f"{entry.get('pri', '?')} shards" if entry.get("pri") != "1" else "",
        "hidden" if name.startswith(".") else "",
    ]
    return Node(
        Kind.TABLE,
        name,
        (cluster, name),
        detail=", ".join(filter(None, pieces)),
        size=_whole(entry.get("store.size")),
        rows=_whole(entry.get("docs.count")),
        note="closed" if closed else _HEALTH.get(str(entry.get("health")), ""),
    )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None
