"""The facts and the DDL of one node of the tree."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from dbtui import text
from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.ddl import (
    column_ddl,
    constraint_ddl,
    identifier,
    qualified,
    relation_ddl,
)
from dbtui.engines.postgres.queries import load
from dbtui.engines.postgres.structure import Structure
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Detail, Fact, Kind, Node, Table, filled
from dbtui.sql.quoting import postgres_literal as literal

_LOCK_WAIT = 0.3  # seconds; who looks at a table must not join the queue behind a lock for long
_TIMEOUT = 5.0  # seconds
_PERSISTENCE = {"u": "unlogged", "t": "temporary"}
_LOCKED = "not read: another session holds or awaits an ACCESS EXCLUSIVE lock"


async def relation(connection: Connection, node: Node, table: Table) -> Detail:
    """A table, view or the like."""
    known = await _known(connection, node)
    sizes, trouble = await _sizes(connection, node)
    made, why = await _made(connection, node)
    shown = [*_sizes_shown(sizes, trouble, known), *_relation_facts(known, table)]
    if why:
        shown.append(("DDL", why))
    return Detail(node, tuple(shown), relation_ddl(made) if made else "", table)


async def sequence(connection: Connection, node: Node) -> Detail:
    """A sequence, with its last value where this role may see it."""
    known = await _known(connection, node)
    made, why = await _made(connection, node)
    shown = [("Owner", str(known["owner"]))]
    if made:
        options = made["sequence"]
        labels = ("type", "start", "increment", "min", "max", "cache", "cycle")
        shown += [(label.capitalize(), str(options[label]).lower()) for label in labels]
        if options["owner"]:
            shown.append(("Owned by", qualified(*options["owner"])))
    shown += await _last_value(connection, node)
    shown += _privileges(known["privileges"])
    if why:
        shown.append(("DDL", why))
    return Detail(node, tuple(shown), relation_ddl(made) if made else "")


async def part(connection: Connection, node: Node, structure: Structure) -> Detail:
    """A column, index, constraint or trigger."""
    table = structure.table
    shown: list[Fact] = [("Table", qualified(*table.path[1:]))]
    if node.kind is Kind.INDEX:
        index = next((i for i in table.indexes if i.name == node.name), None)
        if index is not None:
            shown += [("Columns", ", ".join(index.columns)), ("Method", index.method)]
            shown += [("Size", text.size(index.size)), ("Scans", text.count(index.scans))]
            return Detail(node, filled([*shown, ("State", node.note)]), f"{index.definition};\n", table)
    if node.kind is Kind.TRIGGER:
        definition = next((t.definition for t in structure.triggers if t.name == node.name), "")
        return Detail(node, filled([*shown, ("State", node.note)]), f"{definition};\n", table)
    made, why = await _made(connection, node)
    shown.append(("Type" if node.kind is Kind.COLUMN else "Definition", node.detail))
    column = (
        next((c for c in table.columns if c.name == node.name), None) if node.kind is Kind.COLUMN else None
    )
    if column is not None:
        shown += [("Nullable", "yes" if column.nullable else "no"), ("Default", column.default or "")]
        shown += [("Identity", column.identity), ("Generated", column.generated), ("Comment", column.comment)]
    writer = column_ddl if node.kind is Kind.COLUMN else constraint_ddl
    shown.append(("DDL", why))
    return Detail(node, filled(shown), writer(made, node.name) if made else "", table)


async def database(connection: Connection, node: Node) -> Detail:
    """A database, as seen from inside it."""
    known = json.loads(str(await connection.fetchval(_DATABASE, timeout=_TIMEOUT)), strict=False)
    shown = [
        ("Owner", known["owner"]),
        ("Size", text.size(node.size)),
        ("Encoding", known["encoding"]),
        ("Collation", known["collate"]),
        ("Connections", str(known["connections"])),
        ("Connection limit", "" if known["limit"] < 0 else str(known["limit"])),
        ("Age of oldest transaction", text.count(known["age"])),
        ("Extensions", ", ".join(known["extensions"] or ())),
        ("Settings", ", ".join(known["settings"] or ())),
        ("Comment", known["comment"] or ""),
        *_privileges(known["privileges"]),
    ]
    ddl = (
        f"CREATE DATABASE {identifier(node.name)} ENCODING {literal(known['encoding'])} TEMPLATE template0;\n"
    )
    return Detail(node, filled(shown), ddl)


async def schema(connection: Connection, node: Node) -> Detail:
    """A schema."""
    body = await connection.fetchval(_SCHEMA, node.path[1], timeout=_TIMEOUT)
    if body is None:
        raise QueryError(f"the schema {node.name} is no longer there", "reload the tree")
    known = json.loads(body, strict=False)
    shown = [("Owner", known["owner"]), ("Relations", text.count(known["relations"]))]
    shown += [("Comment", known["comment"] or ""), *_privileges(known["privileges"])]
    return Detail(node, filled(shown), f"CREATE SCHEMA {identifier(node.name)};\n")


async def function(connection: Connection, node: Node, oid: int) -> Detail:
    """A function or procedure; aggregates have no definition that the server prints."""
    body = await connection.fetchval(_FUNCTION, oid, timeout=_TIMEOUT)
    if body is None:
        raise QueryError(f"the function {node.name} is no longer there", "reload the tree")
    known = json.loads(body, strict=False)
    shown = [("Owner", known["owner"]), ("Language", known["language"]), ("Returns", node.detail)]
    shown += [("Volatility", known["volatility"]), ("Security", known["security"])]
    shown += [("Comment", known["comment"] or ""), *_privileges(known["privileges"])]
    definition = known["definition"]
    return Detail(node, filled(shown), f"{definition.rstrip()};\n" if definition else "")


async def _known(connection: Connection, node: Node) -> Mapping[str, Any]:
    body = await connection.fetchval(load("catalog_facts"), *node.path[1:3], timeout=_TIMEOUT)
    if body is None:
        raise QueryError(f"{qualified(*node.path[1:3])} is no longer there", "reload the tree")
    known: Mapping[str, Any] = json.loads(body, strict=False)
    return known


async def _sizes(connection: Connection, node: Node) -> tuple[tuple[int, int, int] | None, str]:
    """Heap, indexes and TOAST in bytes, or why they could not be measured."""
    try:
        async with connection.reading(timeout=_TIMEOUT, lock_timeout=_LOCK_WAIT) as raw:
            record = await raw.fetchrow(load("catalog_sizes"), *node.path[1:3], timeout=_TIMEOUT)
    except QueryTimeout:
        return None, "not measured: another session holds or awaits an ACCESS EXCLUSIVE lock"
    except PermissionDenied as error:
        return None, error.message
    return (None if record is None else tuple(record)), ""


async def _made(connection: Connection, node: Node) -> tuple[Mapping[str, Any] | None, str]:
    """What the DDL is written from, or why it could not be read."""
    try:
        async with connection.reading(timeout=_TIMEOUT, lock_timeout=_LOCK_WAIT) as raw:
            await raw.execute("SET LOCAL search_path TO ''", timeout=_TIMEOUT)
            body = await raw.fetchval(load("catalog_ddl"), *node.path[1:3], timeout=_TIMEOUT)
    except QueryTimeout:
        return None, _LOCKED
    except PermissionDenied as error:
        return None, error.message
    return (None, "") if body is None else (json.loads(body, strict=False), "")


async def _last_value(connection: Connection, node: Node) -> list[Fact]:
    value = await connection.fetchval(_LAST_VALUE, *node.path[1:3], timeout=_TIMEOUT)
    return [("Last value", str(value))] if value is not None else []


def _sizes_shown(
    sizes: tuple[int, int, int] | None, trouble: str, known: Mapping[str, Any]
) -> Iterator[Fact]:
    if sizes is not None:
        heap, indexes, toast = sizes
        yield (
            "Size",
            f"{text.size(heap + indexes)}: table {text.size(heap - toast)}, indexes {text.size(indexes)}"
            + (f", TOAST {text.size(toast)}" if toast else ""),
        )
    elif trouble:
        yield "Size", trouble
    if sizes is None and (known["pages"] or 0) > 0:  # a partitioned table has -1
        yield "Size at last analyze", text.size(known["pages"] * known["block_size"])


def _relation_facts(known: Mapping[str, Any], table: Table) -> tuple[Fact, ...]:
    parents = ", ".join(qualified(*parent) for parent in known["parents"] or ())
    stored = table.kind in (Kind.TABLE, Kind.MATERIALIZED)
    shown = [
        ("Rows", "never analyzed" if known["rows"] in (None, -1) and stored else _estimate(known["rows"])),
        ("Owner", str(known["owner"])),
        ("Partition of" if known["partition"] else "Inherits", parents),
        ("Kind", _PERSISTENCE.get(known["persistence"], "")),
        (
            "Live and dead rows",
            f"{text.count(known['live'])} / {text.count(known['dead'])}" if stored else "",
        ),
        ("Changed since analyze", text.count(known["changed"]) if stored else ""),
        ("Last vacuum", known["vacuum"] or ""),
        ("Last autovacuum", known["autovacuum"] or ""),
        ("Last analyze", known["analyze"] or ""),
        ("Last autoanalyze", known["autoanalyze"] or ""),
        ("Sequential scans", text.count(known["seq_scans"]) if stored else ""),
        ("Age of oldest transaction", text.count(known["frozen_age"])),
        ("Row security", "on" if known["row_security"] else ""),
        ("Options", ", ".join(known["options"] or ())),
        ("Tablespace", known["tablespace"] or ""),
        ("Comment", known["comment"] or ""),
        *_privileges(known["privileges"]),
    ]
    return filled(shown)


def _estimate(rows: float | None) -> str:
    return "" if rows is None or rows < 0 else f"{text.count(rows)} (estimate)"


def _privileges(granted: list[str] | None) -> list[Fact]:
    """Each entry of an access list is grantee=privileges/grantor; an empty grantee is PUBLIC."""
    return [("Privileges", item if not item.startswith("=") else f"PUBLIC{item}") for item in granted or ()]


_DATABASE = """
select json_build_object(
         'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
         'collate', d.datcollate, 'limit', d.datconnlimit, 'age', age(d.datfrozenxid),
         'privileges', d.datacl::text[], 'comment', shobj_description(d.oid, 'pg_database'),
         'connections', (select count(*) from pg_stat_activity a where a.datid = d.oid),
         'extensions', (select json_agg(e.extname || ' ' || e.extversion order by e.extname)
                          from pg_extension e),
         'settings', (select json_agg(s) from pg_db_role_setting r, unnest(r.setconfig) s
                       where r.setdatabase = d.oid and r.setrole = 0))::text
  from pg_database d where d.datname = current_database()
"""
_SCHEMA = """
select json_build_object(
         'owner', pg_get_userbyid(n.nspowner), 'privileges', n.nspacl::text[],
         'comment', obj_description(n.oid, 'pg_namespace'),
         'relations', (select count(*) from pg_class c
                        where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')))::text
  from pg_namespace n where n.nspname = $1::text
"""
_FUNCTION = """
select json_build_object(
         'owner', pg_get_userbyid(p.proowner), 'language', l.lanname, 'privileges', p.proacl::text[],
         'volatility', case p.provolatile when 'i' then 'immutable'
                                          when 's' then 'stable' else 'volatile' end,
         'security', case when p.prosecdef then 'definer' else '' end,
         'comment', obj_description(p.oid, 'pg_proc'),
         'definition', case when p.prokind <> 'a' then pg_get_functiondef(p.oid) end)::text
  from pg_proc p join pg_language l on l.oid = p.prolang where p.oid = $1::int8::oid
"""
_LAST_VALUE = """
select s.last_value::int8 from pg_sequences s where s.schemaname = $1::text and s.sequencename = $2::text
"""
