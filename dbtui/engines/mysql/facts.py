"""The facts and the DDL of one node of the tree."""

from __future__ import annotations

import re

from dbtui import text
from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.lex import identifier, literal
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Detail, Fact, Kind, Node, Table, filled

_TIMEOUT = 5.0  # seconds
_LOCKED = "not read: another session holds or awaits an exclusive metadata lock"

_TABLE = (
    ("Engine", "ENGINE"), ("Rows (estimate)", "TABLE_ROWS"), ("Data", "DATA_LENGTH"), ("Indexes", "INDEX_LENGTH"),
    ("Free", "DATA_FREE"), ("Row format", "ROW_FORMAT"), ("Collation", "TABLE_COLLATION"),
    ("Next auto_increment", "AUTO_INCREMENT"), ("Created", "CREATE_TIME"), ("Changed", "UPDATE_TIME"),
    ("Options", "CREATE_OPTIONS"), ("Comment", "TABLE_COMMENT"),
)  # fmt: skip
_VIEW = (
    ("Definer", "DEFINER"), ("Security", "SECURITY_TYPE"), ("Updatable", "IS_UPDATABLE"),
    ("Check option", "CHECK_OPTION"),
)  # fmt: skip
_SIZES = frozenset({"DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE"})


async def relation(connection: Connection, node: Node, table: Table) -> Detail:
    """A table or view."""
    view = node.kind is Kind.VIEW
    wanted, source = (_VIEW, "VIEWS") if view else (_TABLE, "TABLES")
    shown = await _columns_of(connection, node, wanted, source)
    if not view:
        shown.insert(1, ("Size", text.size(node.size)))
    built_in = node.path[0].lower() in ("information_schema", "performance_schema")
    ddl, why = await _made(connection, "VIEW" if view and not built_in else "TABLE", *node.path[:2])
    shown.append(("DDL", why))
    return Detail(node, filled(shown), ddl, table)


async def sequence(connection: Connection, node: Node) -> Detail:
    """A sequence of MariaDB, with where it stands."""
    ddl, why = await _made(connection, "SEQUENCE", *node.path[:2])
    shown: list[Fact] = [("DDL", why)]
    try:
        answer = await connection.ask(f"SELECT * FROM {qualified(node)}", timeout=_TIMEOUT)
    except (PermissionDenied, QueryTimeout) as error:
        shown.append(("State", str(error)))
    else:
        names = [field.column.name.replace("_", " ").capitalize() for field in answer.fields]
        shown += list(zip(names, (answer.texts() or [()])[0], strict=False))
    return Detail(node, filled(shown), ddl)


async def part(connection: Connection, node: Node, table: Table) -> Detail:
    """A column, index, constraint, trigger or partition."""
    shown: list[Fact] = [("Table", ".".join(table.path)), ("State", node.note)]
    if node.kind is Kind.TRIGGER:
        ddl, why = await _made(connection, "TRIGGER", table.path[0], node.name)
        return Detail(node, filled([*shown, ("Fires", node.detail), ("DDL", why)]), ddl, table)
    if node.kind is Kind.TABLE:
        shown += [
            ("Bounds", node.detail),
            ("Rows (estimate)", text.count(node.rows)),
            ("Size", text.size(node.size)),
        ]
        return Detail(node, filled(shown), "", table)
    index = next((i for i in table.indexes if i.name == node.name), None) if node.kind is Kind.INDEX else None
    if index is not None:
        shown += [("Columns", ", ".join(index.columns)), ("Method", index.method)]
        return Detail(node, filled(shown), f"{index.definition};\n", table)
    shown.append(("Type" if node.kind is Kind.COLUMN else "Definition", node.detail))
    column = (
        next((c for c in table.columns if c.name == node.name), None) if node.kind is Kind.COLUMN else None
    )
    if column is not None:
        shown += [("Nullable", "yes" if column.nullable else "no"), ("Default", column.default or "")]
        shown += [("Filled", column.identity), ("Generated", column.generated), ("Comment", column.comment)]
    ddl, why = await _made(connection, "TABLE", *table.path[:2])
    return Detail(node, filled([*shown, ("DDL", why)]), _line_of(ddl, node, table), table)


async def database(connection: Connection, node: Node) -> Detail:
    """A database."""
    sql = (
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
        f" WHERE SCHEMA_NAME = {literal(node.name)}"
    )
    rows = await connection.fetch(sql, timeout=_TIMEOUT)
    character_set, collation = rows[0] if rows else ("", "")
    shown = [("Size", text.size(node.size)), ("Character set", character_set), ("Collation", collation)]
    ddl, why = await _made(connection, "DATABASE", node.name)
    return Detail(node, filled([*shown, ("DDL", why)]), ddl)


async def routine(connection: Connection, node: Node) -> Detail:
    """A function, procedure or event."""
    database, _, folder, name, kind = node.path
    if folder == "events":
        wanted: tuple[Fact, ...] = (
            ("Status", "STATUS"), ("Definer", "DEFINER"), ("Starts", "STARTS"), ("Ends", "ENDS"),
            ("Last run", "LAST_EXECUTED"), ("Comment", "EVENT_COMMENT"),
        )  # fmt: skip
        where, source = ("EVENT_SCHEMA", "EVENT_NAME"), "EVENTS"
    else:
        wanted = (
            ("Returns", "DTD_IDENTIFIER"), ("Definer", "DEFINER"), ("Security", "SECURITY_TYPE"),
            ("Data", "SQL_DATA_ACCESS"), ("Deterministic", "IS_DETERMINISTIC"), ("Changed", "LAST_ALTERED"),
            ("Comment", "ROUTINE_COMMENT"),
        )  # fmt: skip
        where, source = ("ROUTINE_SCHEMA", "ROUTINE_NAME"), "ROUTINES"
    sql = (
        f"SELECT {', '.join(column for _, column in wanted)} FROM information_schema.{source}"
        f" WHERE {where[0]} = {literal(database)} AND {where[1]} = {literal(name)}"
    )
    rows = await connection.fetch(sql, timeout=_TIMEOUT)
    shown = [(label, value) for (label, _), value in zip(wanted, rows[0] if rows else (), strict=False)]
    ddl, why = await _made(connection, kind.upper(), database, name)
    return Detail(node, filled([*shown, ("DDL", why)]), ddl)


async def _columns_of(
    connection: Connection, node: Node, wanted: tuple[Fact, ...], source: str
) -> list[Fact]:
    sql = (
        f"SELECT {', '.join(column for _, column in wanted)} FROM information_schema.{source}"
        f" WHERE TABLE_SCHEMA = {literal(node.path[0])} AND TABLE_NAME = {literal(node.path[1])}"
    )
    rows = await connection.fetch(sql, timeout=_TIMEOUT)
    values = rows[0] if rows else ()
    return [
        (label, text.size(int(value)) if column in _SIZES and value else value)
        for (label, column), value in zip(wanted, values, strict=False)
    ]


async def _made(connection: Connection, kind: str, *names: str) -> tuple[str, str]:
    """What SHOW CREATE prints, and why there is none."""
    name = ".".join(map(identifier, names))
    try:
        answer = await connection.ask(f"SHOW CREATE {kind} {name}", timeout=_TIMEOUT)
    except QueryTimeout:
        if connection.closed:
            raise
        return "", _LOCKED
    except QueryError as error:
        return "", str(error)
    titles = [field.column.name.lower() for field in answer.fields]
    at = next((i for i, title in enumerate(titles) if title.startswith("create ") or title == "sql original statement"),
              None)  # fmt: skip
    if at is None or not answer.rows:
        return "", "the server shows none"
    found = answer.texts()[0][at]
    return (f"{found};\n", "") if found else ("", "not shown: it wants SHOW_ROUTINE, or to be the definer")


def _line_of(ddl: str, node: Node, table: Table) -> str:
    """The line of a column or constraint out of SHOW CREATE TABLE, as the ALTER TABLE that would add it."""
    quoted = re.escape(identifier(node.name))
    start = quoted if node.kind is Kind.COLUMN else f"CONSTRAINT {quoted}"
    match = re.search(rf"^\s+({start} .*?),?$", ddl, re.MULTILINE)
    if match is None:
        return ""
    what = "COLUMN " if node.kind is Kind.COLUMN else ""
    place = ".".join(map(identifier, table.path))
    return f"ALTER TABLE {place} ADD {what}{match[1]};\n"


def qualified(node: Node) -> str:
    """A relation's name with its database's."""
    return f"{identifier(node.path[0])}.{identifier(node.path[1])}"
