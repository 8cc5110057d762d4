"""What relations are made of, read for one or for a whole schema in one round trip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines.postgres.connection import Connection
from dbtui.engines.postgres.queries import load
from dbtui.model.catalog import Column, Constraint, Index, Kind, Node, Table

_KINDS = {
    "r": Kind.TABLE,
    "p": Kind.PARTITIONED,
    "f": Kind.FOREIGN,
    "v": Kind.VIEW,
    "m": Kind.MATERIALIZED,
}
_CONSTRAINTS = {
    "p": "primary key",
    "u": "unique",
    "f": "foreign key",
    "c": "check",
    "x": "exclusion",
    "n": "not null",
}
_IDENTITY = {"a": "always", "d": "by default"}
_LOCKED = "not shown: its table is being locked"


@dataclass(frozen=True, slots=True)
class Trigger:
    name: str
    definition: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """A relation's parts. `locked`: an ACCESS EXCLUSIVE lock kept expressions from being read."""

    table: Table
    triggers: tuple[Trigger, ...]
    locked: bool

    def nodes(self, folder: str) -> tuple[Node, ...]:
        """The nodes of one of "columns", "indexes", "constraints", "triggers"."""
        makers = {
            "columns": self._columns,
            "indexes": self._indexes,
            "constraints": self._constraints,
            "triggers": self._triggers,
        }
        return makers[folder]()

    def _node(
        self, kind: Kind, folder: str, name: str, detail: str, note: str, size: int | None = None
    ) -> Node:
        return Node(kind, name, (*self.table.path, folder, name), detail, size, leaf=True, note=note)

    def _columns(self) -> tuple[Node, ...]:
        primary = {name for index in self.table.indexes if index.primary for name in index.columns}
        return tuple(
            self._node(Kind.COLUMN, "columns", c.name, c.type, _column_note(c, c.name in primary))
            for c in self.table.columns
        )

    def _indexes(self) -> tuple[Node, ...]:
        return tuple(
            self._node(Kind.INDEX, "indexes", i.name, _index_detail(i), "" if i.valid else "invalid", i.size)
            for i in self.table.indexes
        )

    def _constraints(self) -> tuple[Node, ...]:
        """All but NOT NULL, which stands at the column."""
        return tuple(
            self._node(
                Kind.CONSTRAINT, "constraints", c.name, c.definition, "" if c.validated else "not validated"
            )
            for c in self.table.constraints
            if c.kind != "not null"
        )

    def _triggers(self) -> tuple[Node, ...]:
        return tuple(
            self._node(Kind.TRIGGER, "triggers", t.name, t.definition, "" if t.enabled else "disabled")
            for t in self.triggers
        )


async def read(
    connection: Connection, database: str, schema: str, names: Sequence[str] | None
) -> dict[str, Structure]:
    """By name, the structure of the relations of a schema: all, or those named. Waits for no lock."""
    chosen = None if names is None else list(names)
    records = await connection.fetch(load("catalog_structure"), schema, chosen, timeout=15.0)
    parts: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for part, relation, _position, body in records:
        parts.setdefault(relation, {}).setdefault(part, []).append(json.loads(body, strict=False))
    return {
        name: _structure((database, schema, name), found)
        for name, found in parts.items()
        if "relation" in found
    }


def _structure(path: tuple[str, str, str], found: Mapping[str, list[Mapping[str, Any]]]) -> Structure:
    (relation,) = found["relation"]
    return Structure(
        Table(
            _KINDS[relation["kind"]],
            path,
            tuple(_column(body) for body in found.get("column", ())),
            tuple(_index(body) for body in found.get("index", ())),
            tuple(_constraint(body) for body in found.get("constraint", ())),
            relation["comment"] or "",
        ),
        tuple(
            Trigger(body["name"], body["definition"] or _LOCKED, body["enabled"] != "D")
            for body in found.get("trigger", ())
        ),
        relation["locked"],
    )


def _column(body: Mapping[str, Any]) -> Column:
    generated = body["default"] or "" if body["generated"] else ""
    return Column(
        body["name"],
        body["type"],
        body["nullable"],
        None if body["generated"] else body["default"],
        _IDENTITY.get(body["identity"], ""),
        generated,
        body["comment"] or "",
    )


def _index(body: Mapping[str, Any]) -> Index:
    return Index(
        body["name"],
        body["definition"] or _LOCKED,
        tuple(body["columns"] or ()),
        unique=body["unique"],
        primary=body["primary"],
        valid=body["valid"],
        predicate=body["predicate"],
        method=body["method"],
        size=body["size"],
        scans=body["scans"],
    )


def _constraint(body: Mapping[str, Any]) -> Constraint:
    return Constraint(
        body["name"],
        _CONSTRAINTS[body["kind"]],
        body["definition"] or _LOCKED,
        tuple(body["columns"] or ()),
        tuple(body["references"] or ()),
        body["validated"],
    )


def _column_note(column: Column, primary: bool) -> str:
    if primary:
        return "primary key"
    return "" if column.nullable else "not null"


def _index_detail(index: Index) -> str:
    kind = "primary key " if index.primary else "unique " if index.unique else ""
    method = "" if index.method == "btree" else f"{index.method} "
    where = f" where {index.predicate}" if index.predicate else ""
    return f"{kind}{method}({', '.join(index.columns)}){where}"
