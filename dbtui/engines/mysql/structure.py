"""What relations are made of, read for one or for a whole database in one round trip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines import parts
from dbtui.engines.mysql.connection import Connection
from dbtui.engines.mysql.lex import identifier, literal
from dbtui.engines.mysql.server import Probe
from dbtui.model.catalog import Column, Constraint, Index, Kind, Node, Table

KINDS = {
    "BASE TABLE": Kind.TABLE,
    "SYSTEM VERSIONED": Kind.TABLE,
    "SEQUENCE": Kind.SEQUENCE,
    "VIEW": Kind.VIEW,
    "SYSTEM VIEW": Kind.VIEW,
}


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    when: str  # "BEFORE INSERT"


@dataclass(frozen=True, slots=True)
class Partition:
    name: str
    bounds: str  # "RANGE < 2025"
    rows: int | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Structure:
    """A relation's parts."""

    table: Table
    triggers: tuple[Trigger, ...]
    partitions: tuple[Partition, ...]

    def nodes(self, folder: str) -> tuple[Node, ...]:
        """The nodes of one of "columns", "indexes", "constraints", "triggers", "partitions"."""
        if folder == "triggers":
            return tuple(parts.part(self.table, Kind.TRIGGER, folder, t.name, t.when) for t in self.triggers)
        if folder == "partitions":
            return self._partitions()
        if folder == "indexes":
            return parts.indexes(self.table, unused="invisible")
        if folder == "constraints":
            return parts.constraints(self.table, unheld="not enforced")
        return parts.columns(self.table)

    def _partitions(self) -> tuple[Node, ...]:
        return tuple(
            Node(
                Kind.TABLE,
                p.name,
                (*self.table.path, "partitions", p.name),
                p.bounds,
                p.size,
                p.rows,
                leaf=True,
            )
            for p in self.partitions
        )


async def read(
    connection: Connection, probe: Probe, database: str, names: Sequence[str] | None
) -> dict[str, Structure]:
    """By name, the structure of the relations of a database: all, or those named."""
    records = await connection.fetch(_question(probe, database, names), timeout=15.0)
    of: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for part, relation, body in records:
        of.setdefault(relation, {}).setdefault(part, []).append(json.loads(body, strict=False))
    return {name: _structure((database, name), found) for name, found in of.items() if "relation" in found}


def _question(probe: Probe, database: str, names: Sequence[str] | None) -> str:
    """One statement whose rows say what they are about, the relation, and a JSON object."""
    chosen = "" if names is None else f" AND {{}} IN ({', '.join(literal(name) for name in names)})"
    where = f"{{}} = {literal(database)}"
    expression = "s.EXPRESSION" if probe.has("STATISTICS", "expression") else "NULL"
    visible = "s.IS_VISIBLE" if probe.has("STATISTICS", "is_visible") else (
        "IF(s.IGNORED = 'YES', 'NO', 'YES')" if probe.has("STATISTICS", "ignored") else "'YES'"
    )  # fmt: skip
    check = (
        "SELECT 'check', c.TABLE_NAME, JSON_OBJECT('name', c.CONSTRAINT_NAME, 'clause', c.CHECK_CLAUSE,"
        " 'enforced', 'YES') FROM information_schema.CHECK_CONSTRAINTS c WHERE "
        + _filter(where, chosen, "c.CONSTRAINT_SCHEMA", "c.TABLE_NAME")
        if probe.mariadb
        else "SELECT 'check', t.TABLE_NAME, JSON_OBJECT('name', c.CONSTRAINT_NAME, 'clause', c.CHECK_CLAUSE,"
        " 'enforced', t.ENFORCED) FROM information_schema.TABLE_CONSTRAINTS t"
        " JOIN information_schema.CHECK_CONSTRAINTS c ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA"
        " AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME WHERE t.CONSTRAINT_TYPE = 'CHECK' AND "
        + _filter(where, chosen, "t.TABLE_SCHEMA", "t.TABLE_NAME")
    )
    return " UNION ALL ".join(
        (
            "SELECT 'relation', t.TABLE_NAME, JSON_OBJECT('type', t.TABLE_TYPE)"
            f" FROM information_schema.TABLES t WHERE {_filter(where, chosen, 't.TABLE_SCHEMA', 't.TABLE_NAME')}",
            "SELECT 'column', c.TABLE_NAME, JSON_OBJECT('at', c.ORDINAL_POSITION, 'name', c.COLUMN_NAME,"
            " 'type', c.COLUMN_TYPE, 'nullable', c.IS_NULLABLE, 'default', c.COLUMN_DEFAULT, 'extra', c.EXTRA,"
            " 'generated', c.GENERATION_EXPRESSION, 'comment', c.COLUMN_COMMENT, 'collation', c.COLLATION_NAME)"
            f" FROM information_schema.COLUMNS c WHERE {_filter(where, chosen, 'c.TABLE_SCHEMA', 'c.TABLE_NAME')}",
            "SELECT 'index', s.TABLE_NAME, JSON_OBJECT('name', s.INDEX_NAME, 'at', s.SEQ_IN_INDEX,"
            " 'unique', s.NON_UNIQUE = 0, 'column', s.COLUMN_NAME, 'part', s.SUB_PART, 'order', s.COLLATION,"
            f" 'method', s.INDEX_TYPE, 'visible', {visible}, 'expression', {expression})"
            f" FROM information_schema.STATISTICS s WHERE {_filter(where, chosen, 's.TABLE_SCHEMA', 's.TABLE_NAME')}",
            "SELECT 'foreign', k.TABLE_NAME, JSON_OBJECT('name', k.CONSTRAINT_NAME, 'at', k.ORDINAL_POSITION,"
            " 'column', k.COLUMN_NAME, 'schema', k.REFERENCED_TABLE_SCHEMA, 'table', k.REFERENCED_TABLE_NAME,"
            " 'to', k.REFERENCED_COLUMN_NAME, 'update', r.UPDATE_RULE, 'delete', r.DELETE_RULE)"
            " FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r"
            " ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME"
            " AND r.TABLE_NAME = k.TABLE_NAME"
            f" WHERE {_filter(where, chosen, 'k.TABLE_SCHEMA', 'k.TABLE_NAME')}",
            check,
            "SELECT 'trigger', g.EVENT_OBJECT_TABLE, JSON_OBJECT('name', g.TRIGGER_NAME,"
            " 'when', CONCAT(g.ACTION_TIMING, ' ', g.EVENT_MANIPULATION))"
            " FROM information_schema.TRIGGERS g"
            f" WHERE {_filter(where, chosen, 'g.EVENT_OBJECT_SCHEMA', 'g.EVENT_OBJECT_TABLE')}",
            "SELECT 'partition', p.TABLE_NAME, JSON_OBJECT('name', p.PARTITION_NAME,"
            " 'at', p.PARTITION_ORDINAL_POSITION, 'method', p.PARTITION_METHOD, 'bound', p.PARTITION_DESCRIPTION,"
            " 'rows', p.TABLE_ROWS, 'size', p.DATA_LENGTH + p.INDEX_LENGTH)"
            " FROM information_schema.PARTITIONS p WHERE p.PARTITION_NAME IS NOT NULL AND"
            f" {_filter(where, chosen, 'p.TABLE_SCHEMA', 'p.TABLE_NAME')}",
        )
    )


def _filter(where: str, chosen: str, schema: str, name: str) -> str:
    return where.format(schema) + chosen.format(name)


Found = Mapping[str, list[Mapping[str, Any]]]


def _structure(path: tuple[str, str], found: Found) -> Structure:
    (relation,) = found["relation"][:1]
    partitions = {body["name"]: body for body in _ordered(found, "partition")}
    kind = KINDS.get(relation["type"], Kind.TABLE)
    if partitions and kind is Kind.TABLE:
        kind = Kind.PARTITIONED
    table = Table(
        kind,
        path,
        tuple(_column(body) for body in _ordered(found, "column")),
        tuple(_indexes(path, found)),
        (*_foreign_keys(found), *_checks(found)),
    )
    return Structure(
        table,
        tuple(Trigger(body["name"], body["when"]) for body in found.get("trigger", ())),
        tuple(_partition(body) for body in partitions.values()),
    )


def _ordered(found: Found, part: str) -> list[Mapping[str, Any]]:
    return sorted(found.get(part, ()), key=lambda body: int(body["at"] or 0))


def _column(body: Mapping[str, Any]) -> Column:
    extra = (body["extra"] or "").lower()
    default = body["default"]
    return Column(
        body["name"],
        body["type"],
        body["nullable"] == "YES",
        None if default in (None, "NULL") else str(default),
        "auto_increment" if "auto_increment" in extra else "",
        body["generated"] or "",
        body["comment"] or "",
    )


def _grouped(found: Found, part: str) -> dict[str, list[Mapping[str, Any]]]:
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for body in _ordered(found, part):
        groups.setdefault(body["name"], []).append(body)
    return groups


def _indexes(path: tuple[str, str], found: Found) -> list[Index]:
    made = []
    for name, bodies in _grouped(found, "index").items():
        first = bodies[0]
        columns = tuple(_key_part(body) for body in bodies)
        unique, primary = bool(int(first["unique"])), name == "PRIMARY"
        kind = "UNIQUE " if unique else ""
        method = first["method"] or ""
        if method in ("FULLTEXT", "SPATIAL", "VECTOR"):
            kind = f"{method} "
        place = f"{identifier(path[0])}.{identifier(path[1])} ({', '.join(_key_part(b, quoted=True) for b in bodies)})"
        definition = (
            f"ALTER TABLE {place.partition(' (')[0]} ADD PRIMARY KEY ({place.partition(' (')[2]}"
            if primary
            else f"CREATE {kind}INDEX {identifier(name)} ON {place}"
        )
        made.append(
            Index(
                name,
                definition,
                columns,
                unique,
                primary,
                valid=first["visible"] != "NO",
                method=method.lower(),
            )
        )
    return made


def _key_part(body: Mapping[str, Any], *, quoted: bool = False) -> str:
    name = body["column"] or ""
    text = f"({body['expression']})" if body["expression"] else identifier(name) if quoted else name
    part = f"({body['part']})" if body["part"] else ""
    return f"{text}{part}{' DESC' if body['order'] == 'D' else ''}"


def _foreign_keys(found: Found) -> list[Constraint]:
    made = []
    for name, bodies in _grouped(found, "foreign").items():
        first = bodies[0]
        columns = ", ".join(identifier(body["column"]) for body in bodies)
        to = ", ".join(identifier(body["to"] or "") for body in bodies)
        rules = "".join(
            f" ON {verb.upper()} {first[verb]}"
            for verb in ("delete", "update")
            if first[verb] not in (None, "NO ACTION", "RESTRICT")
        )
        place = f"{identifier(first['schema'])}.{identifier(first['table'])}"
        definition = f"FOREIGN KEY ({columns}) REFERENCES {place} ({to}){rules}"
        own = tuple(body["column"] for body in bodies)
        made.append(Constraint(name, "foreign key", definition, own, (first["schema"], first["table"])))
    return made


def _checks(found: Found) -> list[Constraint]:
    return [
        Constraint(body["name"], "check", f"CHECK ({body['clause']})", validated=body["enforced"] != "NO")
        for body in found.get("check", ())
    ]


def _partition(body: Mapping[str, Any]) -> Partition:
    method = str(body["method"] or "")
    bound = body["bound"]
    bounds = method if bound is None else f"{method} {'<' if method.startswith('RANGE') else 'in'} {bound}"
    rows, size = body["rows"], body["size"]
    return Partition(
        body["name"], bounds, None if rows is None else int(rows), None if size is None else int(size)
    )
