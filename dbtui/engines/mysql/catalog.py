"""The object tree of a MySQL or MariaDB server: databases, relations, and what they are made of.

Paths are (database, relation); below a relation comes the name of a folder, then of what is in it. What is no
relation of its database has "" in the relation's place. What was read is kept until `forget()`.
"""

from __future__ import annotations

from collections.abc import Sequence

from dbtui.engines.mysql import facts, structure
from dbtui.engines.mysql.connection import Connection, Connector
from dbtui.engines.mysql.lex import identifier, literal
from dbtui.engines.mysql.structure import KINDS, Structure
from dbtui.engines.mysql.wire import shown
from dbtui.engines.work import Work
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Detail, Kind, Name, Node, Table
from dbtui.model.result import Page

SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
_RELATIONS = frozenset({Kind.TABLE, Kind.PARTITIONED, Kind.VIEW, Kind.SEQUENCE})
_WHOLE_DATABASE = 300  # relations, up to which the structure of a database is read at once
_LIST_TIMEOUT = 15.0  # seconds
_SIZES_TIMEOUT = 2.0  # seconds; MariaDB opens every table for them, and the list is worth more


class MysqlCatalog:
    """See `engines.base.Catalog`."""

    def __init__(self, connector: Connector, work: Work[Connection]) -> None:
        self._connector = connector
        self._work = work
        self._databases: tuple[Node, ...] = ()
        self._relations: dict[str, tuple[Node, ...]] = {}
        self._structures: dict[str, dict[str, Structure]] = {}
        self._routines: dict[str, tuple[Node, ...]] = {}

    def forget(self) -> None:
        """Drop what was read, so that the next call asks the server."""
        self._databases = ()
        for kept in (self._relations, self._structures, self._routines):
            kept.clear()

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`; the databases for None. None where it was read before."""
        if node is None or node.kind is Kind.SERVER:
            return await self._list_databases()
        if node.leaf:
            return ()
        if node.kind is Kind.DATABASE:
            return await self._list_relations(node.path[0])
        if node.kind is Kind.FOLDER:
            return await self._list_folder(node)
        return await self._list_parts(node)

    async def detail(self, node: Node) -> Detail:
        """Facts and DDL of a node. What cannot be had (a lock, a privilege) is said among the facts."""
        if node.kind is Kind.FOLDER:
            return Detail(node, ())
        async with self._work.use() as connection:
            if node.kind is Kind.DATABASE:
                return await facts.database(connection, node)
            if node.kind is Kind.FUNCTION:
                return await facts.routine(connection, node)
            if node.kind is Kind.SEQUENCE:
                return await facts.sequence(connection, node)
            made = await self._structure_of(connection, *node.path[:2])
            if len(node.path) == 2:
                return await facts.relation(connection, node, made.table)
            return await facts.part(connection, node, made.table)

    async def names(self, database: str) -> Sequence[Name]:
        """All relations of a database; of the connection's own for ""."""
        async with self._work.use() as connection:
            chosen = database or connection.database
            rows = await connection.fetch(_names(chosen), timeout=_LIST_TIMEOUT)
        return [Name(KINDS.get(kind, Kind.TABLE), (chosen, name)) for name, kind in rows]

    async def table(self, path: tuple[str, str]) -> Table:
        """Columns, indexes and constraints of one relation. Raises QueryError when there is none."""
        async with self._work.use() as connection:
            return (await self._structure_of(connection, *path)).table

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some rows of a relation or partition, as they lie. Waits at most 3 s for a lock, 10 s in all."""
        if node.kind not in _RELATIONS:
            raise QueryError(f"a {node.kind} has no rows", "choose a table or a view")
        partition = f" PARTITION ({identifier(node.path[3])})" if len(node.path) == 4 else ""
        sql = f"SELECT * FROM {facts.qualified(node)}{partition} LIMIT {int(limit) + 1}"
        async with self._work.use() as connection, connection.reading(timeout=10.0):
            answer = await connection.counted(sql, 10.0)
        rows = tuple(shown(row, answer.fields) for row in answer.rows[:limit])
        columns = tuple(field.column for field in answer.fields)
        return Page(columns, rows, len(answer.rows) > limit, f"SELECT {len(rows)}")

    # ---- lists

    async def _list_databases(self) -> Sequence[Node]:
        if not self._databases:
            async with self._work.use() as connection:
                names = [row[0] for row in await connection.fetch("SHOW DATABASES", timeout=_LIST_TIMEOUT)]
                sizes = await self._quick(connection, _DATABASE_SIZES)
            known = {row[0]: int(row[1] or 0) for row in sizes or ()}
            names.sort(key=lambda name: (name.lower() in SYSTEM, name))
            self._databases = tuple(
                Node(
                    Kind.DATABASE,
                    name,
                    (name,),
                    size=known.get(name),
                    detail="system" if name.lower() in SYSTEM else "",
                )
                for name in names
            )
        return self._databases

    async def _quick(self, connection: Connection, sql: str) -> list[tuple[str, ...]] | None:
        """The rows of a SELECT, None where the server would need long for it."""
        if self._connector.probe.mariadb:
            limited = f"SET STATEMENT max_statement_time = {_SIZES_TIMEOUT:g} FOR {sql}"
        else:
            limited = sql.replace(
                "SELECT", f"SELECT /*+ MAX_EXECUTION_TIME({int(_SIZES_TIMEOUT * 1000)}) */", 1
            )
        try:
            return await connection.fetch(limited, timeout=_LIST_TIMEOUT)
        except (QueryTimeout, PermissionDenied):
            if connection.closed:
                raise
            return None

    async def _list_relations(self, database: str) -> tuple[Node, ...]:
        """The relations of a database, then folders of what else it has."""
        if database not in self._relations:
            async with self._work.use() as connection:
                rows = await self._quick(connection, _relations(database))
                if rows is None:
                    names = await connection.fetch(_names(database), timeout=_LIST_TIMEOUT)
                    rows = [(*row, "", "", "") for row in names]
                counts = await connection.fetch(_others(database), timeout=_LIST_TIMEOUT)
            nodes = [_relation(database, row) for row in rows]
            sequences = [node for node in nodes if node.kind is Kind.SEQUENCE]
            folders = [_folder((database, "", "sequences"), "Sequences", len(sequences))] if sequences else []
            folders += [
                _folder((database, "", folder), folder.capitalize(), int(count))
                for folder, count in counts
                if count != "0"
            ]
            own = [node for node in nodes if node.kind is not Kind.SEQUENCE]
            self._relations[database] = (*own, *folders)
            self._routines[database] = tuple(sequences)
        return self._relations[database]

    async def _list_folder(self, node: Node) -> Sequence[Node]:
        database, relation, folder = node.path[:3]
        if relation:
            async with self._work.use() as connection:
                return (await self._structure_of(connection, database, relation)).nodes(folder)
        if folder == "sequences":
            await self._list_relations(database)
            return self._routines[database]
        async with self._work.use() as connection:
            rows = await connection.fetch(_members(database, folder), timeout=_LIST_TIMEOUT)
        return tuple(_member((database, "", folder), *row) for row in rows)

    async def _list_parts(self, node: Node) -> Sequence[Node]:
        """Columns first, since they are what is looked for most; then a folder for each other kind."""
        async with self._work.use() as connection:
            made = await self._structure_of(connection, *node.path[:2])
        folders = [
            _folder((*node.path, folder), folder.capitalize(), len(made.nodes(folder)))
            for folder in ("indexes", "constraints", "triggers", "partitions")
            if made.nodes(folder)
        ]
        return (*made.nodes("columns"), *folders)

    async def _structure_of(self, connection: Connection, database: str, name: str) -> Structure:
        """What a relation is made of; of a small database, that of all its relations is read along."""
        known = self._structures.setdefault(database, {})
        if name not in known:
            listed = self._relations.get(database)
            whole = listed is not None and len(listed) <= _WHOLE_DATABASE and database.lower() not in SYSTEM
            chosen = None if whole else [name]
            known.update(await structure.read(connection, self._connector.probe, database, chosen))
        if name not in known:
            raise QueryError(f"{database}.{name} is no longer there", "reload the tree")
        return known[name]


_DATABASE_SIZES = """
SELECT TABLE_SCHEMA, SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES GROUP BY TABLE_SCHEMA
"""


def _relations(database: str) -> str:
    return (
        "SELECT TABLE_NAME, TABLE_TYPE, TABLE_ROWS, DATA_LENGTH + INDEX_LENGTH, CREATE_OPTIONS"
        f" FROM information_schema.TABLES WHERE TABLE_SCHEMA = {literal(database)} ORDER BY TABLE_NAME"
    )


def _names(database: str) -> str:
    return (
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = {literal(database)} ORDER BY TABLE_NAME"
    )


def _others(database: str) -> str:
    return (
        "SELECT 'routines', COUNT(*) FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_SCHEMA = {literal(database)}"
        f" UNION ALL SELECT 'events', COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {literal(database)}"
    )


def _members(database: str, folder: str) -> str:
    if folder == "events":
        return (
            "SELECT EVENT_NAME, 'EVENT', CONCAT_WS(' ', STATUS, 'every', INTERVAL_VALUE, INTERVAL_FIELD)"
            f" FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {literal(database)} ORDER BY EVENT_NAME"
        )
    return (
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER FROM information_schema.ROUTINES"
        f" WHERE ROUTINE_SCHEMA = {literal(database)} ORDER BY ROUTINE_NAME, ROUTINE_TYPE"
    )


def _relation(database: str, row: Sequence[str]) -> Node:
    name, kind, rows, size, options = row
    made = KINDS.get(kind, Kind.TABLE)
    if made is Kind.TABLE and "partitioned" in options:
        made = Kind.PARTITIONED
    return Node(
        made,
        name,
        (database, name),
        size=int(size) if size and made is not Kind.VIEW else None,
        rows=int(rows) if rows and made is not Kind.VIEW else None,
        leaf=made is Kind.SEQUENCE,
    )


def _member(folder: tuple[str, ...], name: str, kind: str, detail: str) -> Node:
    note = "" if kind == "FUNCTION" else kind.lower()
    return Node(Kind.FUNCTION, name, (*folder, name, kind.lower()), detail, leaf=True, note=note)


def _folder(path: tuple[str, ...], name: str, count: int) -> Node:
    return Node(Kind.FOLDER, name, path, rows=count)
