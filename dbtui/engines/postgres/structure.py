"""What relations are made of, read for one or for a whole schema in one round trip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.engines import parts
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
        if folder == "triggers":
            return tuple(
                parts.part(
                    self.table, Kind.TRIGGER, folder, t.name, t.definition, "" if t.enabled else "disabled"
                )
                for t in self.triggers
            )
        if folder == "indexes":
            return parts.indexes(self.table, unused="invalid")
        if folder == "constraints":
            return parts.constraints(self.table, unheld="not validated")
        return parts.columns(self.table)


async def read(
    connection: Connection, database: str, schema: str, names: Sequence[str] | None
) -> dict[str, Structure]:
    """By name, the structure of the relations of a schema: all, or those named. Waits for no lock."""
    chosen = None if names is None else list(names)
    records = await connection.fetch(load("catalog_structure"), schema, chosen, timeout=15.0)
    of: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for part, relation, _position, body in records:
        of.setdefault(relation, {}).setdefault(part, []).append(json.loads(body, strict=False))
    return {
        name: _structure((database, schema, name), found) for name, found in of.items() if "relation" in found
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
