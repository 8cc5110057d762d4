"""The object tree: databases, namespaces of keys, keys.

Paths are (database, namespace, …, key). Each namespace and key is whole in its element and written as `words.shown`
writes it, so that a path leads back to the same bytes. Keys come from SCAN with a budget: below what it has found
stands a node that scans on. What was read is kept until `forget()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbtui import text
from dbtui.engines.redis import facts, values
from dbtui.engines.redis.connection import Connection, Connector
from dbtui.engines.redis.info import numbered, pairs, sections, whole
from dbtui.engines.redis.keys import Keyspace, Look, above, level
from dbtui.engines.redis.words import raw_of, shown
from dbtui.engines.work import Work
from dbtui.errors import DbtuiError, QueryError
from dbtui.model.catalog import Detail, Kind, Name, Node
from dbtui.model.result import Page

DESCRIBED = 500  # keys of one list whose type, time to live and memory are asked for
_ON = '"scan '  # begins the path element of a node that scans on; no key is shown so: its quote is not closed


class RedisCatalog:
    """See `engines.base.Catalog`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work
        self._keyspaces: dict[str, Keyspace] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the server."""
        self._keyspaces.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the databases for None. Three round trips at most."""
        if node is None or node.kind is Kind.SERVER:
            return await self._databases()
        if node.leaf:
            return ()
        database, *inner = node.path
        number = sum(part.startswith(_ON) for part in inner)
        prefix = raw_of(inner[-1]) if node.kind is Kind.NAMESPACE else b""
        async with self._work.use(database) as connection:
            look = await self._keyspace(database).look(connection, number)
            below = level(look.keys, prefix)
            described = await _describe(connection, below.keys[:DESCRIBED])
        nodes = [_namespace(node, name, count, look) for name, count in below.namespaces]
        nodes += [_key(node, key, prefix, described.get(key, ())) for key in below.keys]
        if node.kind is not Kind.NAMESPACE and not look.complete:
            nodes.append(_scan_on(node, number + 1, look))
        return nodes

    async def detail(self, node: Node) -> Detail:
        """Facts of a node, and the command that would read a key's value."""
        database = node.path[0]
        if node.kind is Kind.FOLDER:
            return Detail(node, ())
        async with self._work.use(database) as connection:
            if node.kind is Kind.DATABASE:
                return await facts.database(connection, node)
            if node.kind is Kind.NAMESPACE:
                number = sum(part.startswith(_ON) for part in node.path)
                look = await self._keyspace(database).look(connection, number)
                return await facts.namespace(connection, node, raw_of(node.path[-1]), look)
            return await facts.key(connection, node, raw_of(node.path[-1]))

    async def names(self, database: str) -> Sequence[Name]:
        """The keys that have been scanned so far, of at least one look."""
        database = database or self._connector.server.database
        async with self._work.use(database) as connection:
            keyspace = self._keyspace(database)
            await keyspace.look(connection, 0)
        found = []
        for number, look in enumerate(keyspace.looks):
            start = (database, *(f"{_ON}{n}" for n in range(1, number + 1)))
            found += [Name(Kind.KEY, (*start, *map(shown, above(key)), shown(key))) for key in look.keys]
        return found

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """The first elements of a key's value, about `limit` of them; of a string the first 64 kB."""
        if node.kind is not Kind.KEY:
            raise QueryError(f"a {node.kind} has no value", "choose a key")
        key = raw_of(node.path[-1])
        async with self._work.use(node.path[0]) as connection:
            kind = facts.known(await connection.ask("TYPE", key), key)
            part = await values.part(connection, key, kind, 0, limit)
        cut = len(part.rows) > limit and kind != "string"
        rows = part.rows[:limit] if cut else part.rows
        return Page(part.columns, rows, cut or part.next is not None, f"{len(rows)} of the value")

    # ---- inside

    def _keyspace(self, database: str) -> Keyspace:
        return self._keyspaces.setdefault(database, Keyspace())

    async def _databases(self) -> Sequence[Node]:
        """Those with keys, and the one of the URL."""
        async with self._work.use() as connection:
            answer = await connection.ask("INFO", "keyspace")
        found = dict(numbered(sections(answer), "db"))
        own = self._connector.server.database
        found.setdefault(own, pairs(""))
        return [
            Node(
                Kind.DATABASE,
                f"db{name}",
                (name,),
                rows=whole(each.get("keys")),
                detail=_keys(whole(each.get("keys"))),
            )
            for name, each in sorted(found.items(), key=lambda item: whole(item[0]))
        ]


def _keys(count: int, *, complete: bool = True) -> str:
    many = "key" if complete and count == 1 else "keys"
    return f"{text.count(count)}{'' if complete else '+'} {many}"


def _namespace(parent: Node, name: bytes, count: int, look: Look) -> Node:
    return Node(
        Kind.NAMESPACE,
        shown(name),
        (*parent.path, shown(name)),
        detail=_keys(count, complete=look.complete),
        rows=count,
    )


def _key(parent: Node, key: bytes, prefix: bytes, described: Sequence[Any]) -> Node:
    kind, ttl, memory = described or ("", None, None)
    rest = key[len(prefix) :] if prefix else key
    return Node(
        Kind.KEY,
        shown(rest) if rest else shown(key),
        (*parent.path, shown(key)),
        detail=" ".join(filter(None, (kind, facts.remaining(ttl)))),
        size=memory,
        leaf=True,
    )


def _scan_on(parent: Node, number: int, look: Look) -> Node:
    return Node(Kind.FOLDER, f"{scanned(look)} scanned", (*parent.path, f"{_ON}{number}"), note="scan on")


def scanned(look: Look) -> str:
    """How far the scan has come: "10.0k of 1.2M"."""
    return f"{text.count(look.seen)} of {text.count(max(look.total, look.seen))}"


async def _describe(
    connection: Connection, keys: Sequence[bytes]
) -> dict[bytes, tuple[str, int | None, int | None]]:
    """Type, milliseconds to live (negative without an end) and bytes of keys, as far as they may be known."""
    if not keys:
        return {}
    asked = [
        question for key in keys for question in (("TYPE", key), ("PTTL", key), ("MEMORY", "USAGE", key))
    ]
    answers = await connection.ask_all(asked, timeout=10.0)
    found = {}
    for at, key in enumerate(keys):
        kind, ttl, memory = (
            None if isinstance(each, DbtuiError) else each for each in answers[3 * at : 3 * at + 3]
        )
        found[key] = (kind.decode("utf-8", "replace") if isinstance(kind, bytes) else "", ttl, memory)
    return found
