"""The object tree of a PostgreSQL server: databases, schemas, relations, and what they are made of.

Paths are (database, schema, relation); below a relation comes the name of a folder, then of what is in it.
What is no relation of its schema has "" in the relation's place, a name that no relation can have. Lists
never wait for locks; what was read is kept until `forget()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dbtui.engines.postgres import facts, pools, structure
from dbtui.engines.postgres.connection import Connection, Connector, Work
from dbtui.engines.postgres.ddl import qualified
from dbtui.engines.postgres.queries import load
from dbtui.engines.postgres.rows import as_text
from dbtui.engines.postgres.structure import Structure
from dbtui.errors import DbtuiError, PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Detail, Fact, Kind, Name, Node, Table
from dbtui.model.result import Page
from dbtui.sql.split import Statement

RELATIONS = {
    "r": Kind.TABLE,
    "p": Kind.PARTITIONED,
    "f": Kind.FOREIGN,
    "v": Kind.VIEW,
    "m": Kind.MATERIALIZED,
    "S": Kind.SEQUENCE,
}
_WHOLE_SCHEMA = 300  # relations, up to which the structure of a schema is read at once
_LIST_TIMEOUT = 15.0  # seconds
_NO_ACCESS = "no access"


class PostgresCatalog:
    """See `engines.base.Catalog`."""

    def __init__(self, connector: Connector, work: Work) -> None:
        self._connector = connector
        self._work = work
        self._databases: dict[str, Node] = {}
        self._schemas: dict[str, tuple[Node, ...]] = {}
        self._relations: dict[tuple[str, str], tuple[Node, ...]] = {}
        self._partitions: dict[tuple[str, ...], tuple[Node, ...]] = {}
        self._structures: dict[tuple[str, str], dict[str, Structure]] = {}
        self._functions: dict[tuple[str, str], dict[Node, int]] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the server."""
        for kept in (
            self._databases,
            self._schemas,
            self._relations,
            self._partitions,
            self._structures,
            self._functions,
        ):
            kept.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the databases for None. One round trip, none where it was read before."""
        if node is None or node.kind is Kind.SERVER:
            return await self._list_databases()
        if node.leaf:
            return ()
        if node.kind is Kind.DATABASE:
            return await self._list_schemas(node.path[0])
        if node.kind is Kind.SCHEMA:
            return _browsed(await self._list_relations(*node.path[:2]))
        if node.kind is Kind.FOLDER:
            return await self._list_folder(node)
        return await self._list_parts(node)

    async def detail(self, node: Node) -> Detail:
        """Facts and DDL of a node. What cannot be had (a lock, a privilege) is said among the facts."""
        if node.kind is Kind.FOLDER:
            return Detail(node, ())
        self._check_access(node.path[0])
        async with self._work.use(node.path[0]) as connection:
            if node.kind is Kind.DATABASE:
                detail = await facts.database(connection, node)
                return replace(detail, facts=(*await self._pools(node), *detail.facts))
            if node.kind is Kind.SCHEMA:
                return await facts.schema(connection, node)
            if node.kind is Kind.FUNCTION:
                return await facts.function(connection, node, await self._function_oid(connection, node))
            if node.kind is Kind.SEQUENCE:
                return await facts.sequence(connection, node)
            made = await self._structure_of(connection, *node.path[:3])
            if node.kind in RELATIONS.values():
                return await facts.relation(connection, node, made.table)
            return await facts.part(connection, node, made)

    async def _pools(self, node: Node) -> list[Fact]:
        """How the pools of a database stand; none without PgBouncer, or where the user may not ask it."""
        if self._connector.server.pooler != "pgbouncer":
            return []
        try:
            return pools.facts(await self._connector.pools(), node.name)
        except DbtuiError as error:
            return [("Pools", f"not shown: {error.message}")]

    async def names(self, database: str) -> Sequence[Name]:
        """All relations of a database, those of users first."""
        self._check_access(database)
        async with self._work.use(database) as connection:
            records = await connection.fetch(load("catalog_names"), timeout=_LIST_TIMEOUT)
            database = connection.database
        return [Name(RELATIONS[kind], (database, schema, name)) for schema, name, kind in records]

    async def table(self, path: tuple[str, str, str]) -> Table:
        """Columns, indexes and constraints of one relation. Raises QueryError when there is none."""
        self._check_access(path[0])
        async with self._work.use(path[0]) as connection:
            return (await self._structure_of(connection, *path)).table

    async def tables(self, database: str, schema: str) -> Sequence[Table]:
        """The structure of all relations of a schema, in one round trip."""
        self._check_access(database)
        async with self._work.use(database) as connection:
            made = await structure.read(connection, database, schema, None)
        self._structures.setdefault((database, schema), {}).update(made)
        return [one.table for one in made.values()]

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some rows of a relation, as they lie. Waits at most 1 s for a lock, 10 s in all."""
        if node.kind not in RELATIONS.values():
            raise QueryError(f"a {node.kind} has no rows", "choose a table or a view")
        self._check_access(node.path[0])
        sql = f"SELECT * FROM {qualified(*node.path[1:3])} LIMIT {int(limit) + 1}"  # noqa: S608
        async with (
            self._work.use(node.path[0]) as connection,
            connection.reading(timeout=10.0, lock_timeout=1.0) as raw,
        ):
            query = await as_text(raw, Statement(sql, 0, len(sql)), 10.0)
            rows = [tuple(record) for record in await raw.fetch(query.sql, timeout=10.0)]
        shown = tuple(rows[:limit])
        return Page(query.columns, shown, len(rows) > limit, f"SELECT {len(shown)}")

    # ---- lists

    def _check_access(self, database: str) -> None:
        node = self._databases.get(database)
        if node is not None and node.note == _NO_ACCESS:
            user = self._connector.server.user
            remedy = f"GRANT CONNECT ON DATABASE {qualified(database)} TO {qualified(user)};"
            raise PermissionDenied(
                f"user {user} may not connect to database {database}", remedy, remedy=remedy
            )

    async def _list_databases(self) -> Sequence[Node]:
        if not self._databases:
            async with self._work.use() as connection:
                try:
                    records = await connection.fetch(load("catalog_databases"), True, timeout=1.0)
                except QueryTimeout:  # adding up many files is slow; the list is worth more than its sizes
                    records = await connection.fetch(load("catalog_databases"), False)
            for name, allowed, size in records:
                self._databases[name] = Node(
                    Kind.DATABASE,
                    name,
                    (name,),
                    size=size,
                    leaf=not allowed,
                    note="" if allowed else _NO_ACCESS,
                )
        return tuple(self._databases.values())

    async def _list_schemas(self, database: str) -> Sequence[Node]:
        if database not in self._schemas:
            self._check_access(database)
            async with self._work.use(database) as connection:
                records = await connection.fetch(load("catalog_schemas"), timeout=_LIST_TIMEOUT)
            self._schemas[database] = tuple(
                Node(
                    Kind.SCHEMA,
                    name,
                    (database, name),
                    note="" if allowed else _NO_ACCESS,
                    detail="system" if system else "",
                )
                for name, allowed, system in records
            )
        return self._schemas[database]

    async def _list_relations(self, database: str, schema: str) -> tuple[Node, ...]:
        """The relations of a schema, and its folder of functions when it has any."""
        key = (database, schema)
        if key not in self._relations:
            self._check_access(database)
            async with self._work.use(database) as connection:
                records = await connection.fetch(load("catalog_relations"), schema, timeout=_LIST_TIMEOUT)
            own: list[Node] = []
            partitions: dict[tuple[str, ...], list[Node]] = {}
            for home, name, kind, rows, size, parent_schema, parent, readable in records:
                if kind == "functions":
                    if rows:
                        own.append(_folder((database, schema, "", "functions"), "Functions", int(rows)))
                    continue
                node = Node(
                    RELATIONS[kind],
                    name,
                    (database, home, name),
                    size=size,
                    rows=None if rows is None else int(rows),
                    leaf=kind == "S",
                    note=_NO_ACCESS if readable is False else "",
                )
                if parent is not None and parent_schema == schema:  # of others not all are here
                    partitions.setdefault((database, parent_schema, parent), []).append(node)
                if home == schema and (parent is None or parent_schema != schema):
                    own.append(node)
            self._partitions.update((path, tuple(nodes)) for path, nodes in partitions.items())
            self._relations[key] = tuple(own)
        return self._relations[key]

    async def _list_folder(self, node: Node) -> Sequence[Node]:
        database, schema, relation, folder = node.path
        if relation:
            if folder == "partitions":
                await self._list_relations(database, schema)
                return self._partitions.get((database, schema, relation), ())
            async with self._work.use(database) as connection:
                made = await self._structure_of(connection, database, schema, relation)
            return made.nodes(folder)
        if folder == "sequences":
            listed = await self._list_relations(database, schema)
            return tuple(node for node in listed if node.kind is Kind.SEQUENCE)
        async with self._work.use(database) as connection:
            return tuple(await self._list_functions(connection, database, schema))

    async def _list_parts(self, node: Node) -> Sequence[Node]:
        """Columns first, since they are what is looked for most; then a folder for each other kind."""
        database, schema, relation = node.path
        async with self._work.use(database) as connection:
            made = await self._structure_of(connection, database, schema, relation)
        folders = [
            _folder((*node.path, folder), folder.capitalize(), len(made.nodes(folder)))
            for folder in ("indexes", "constraints", "triggers")
            if made.nodes(folder)
        ]
        if node.kind is Kind.PARTITIONED:
            await self._list_relations(database, schema)
            partitions = self._partitions.get(node.path, ())
            folders.append(_folder((*node.path, "partitions"), "Partitions", len(partitions)))
        return (*made.nodes("columns"), *folders)

    async def _list_functions(self, connection: Connection, database: str, schema: str) -> dict[Node, int]:
        key = (database, schema)
        if key not in self._functions:
            records = await connection.fetch(load("catalog_functions"), schema, timeout=_LIST_TIMEOUT)
            self._functions[key] = {
                Node(
                    Kind.FUNCTION,
                    f"{name}({arguments})",
                    (database, schema, "", "functions", f"{name}({arguments})"),
                    detail=result,
                    leaf=True,
                    note={"p": "procedure", "a": "aggregate", "w": "window function"}.get(kind, ""),
                ): oid
                for name, arguments, result, kind, oid in records
            }
        return self._functions[key]

    async def _function_oid(self, connection: Connection, node: Node) -> int:
        for function, oid in (await self._list_functions(connection, *node.path[:2])).items():
            if function.path == node.path:
                return oid
        raise QueryError(f"the function {node.name} is no longer there", "reload the tree")

    async def _structure_of(self, connection: Connection, database: str, schema: str, name: str) -> Structure:
        """What a relation is made of; of a small schema, that of all its relations is read along."""
        known = self._structures.setdefault((database, schema), {})
        if name not in known:
            listed = self._relations.get((database, schema))
            whole = listed is not None and len(listed) <= _WHOLE_SCHEMA
            known.update(await structure.read(connection, database, schema, None if whole else [name]))
        if name not in known:
            raise QueryError(f"{schema}.{name} is no longer there", "reload the tree")
        made = known[name]
        if made.locked:
            del known[name]  # what the lock hid is asked for again
        return made


def _folder(path: tuple[str, ...], name: str, count: int) -> Node:
    return Node(Kind.FOLDER, name, path, rows=count)


def _browsed(listed: tuple[Node, ...]) -> tuple[Node, ...]:
    """What the tree shows of a schema: its relations, then a folder of sequences and one of functions."""
    sequences = [node for node in listed if node.kind is Kind.SEQUENCE]
    shown = [node for node in listed if node.kind not in (Kind.SEQUENCE, Kind.FOLDER)]
    folders = [node for node in listed if node.kind is Kind.FOLDER]
    if sequences:
        database, schema = sequences[0].path[:2]
        folders.insert(0, _folder((database, schema, "", "sequences"), "Sequences", len(sequences)))
    return (*shown, *folders)
