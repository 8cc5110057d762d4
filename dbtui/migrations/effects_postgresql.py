"""What PostgreSQL does for a statement: each action finds its cell of the matrix, given what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dbtui.migrations import uses_postgresql_columns, uses_postgresql_relations
from dbtui.migrations.locks import Cell, cell
from dbtui.migrations.uses_postgresql import Place, Reader, Use
from dbtui.model.locks import STRENGTH
from dbtui.model.migration import Action, Effects, KnownTable, Lock, Relation, Schema, Statement


class NotSupportedError(Exception):
    """The server version does not have this operation."""


def effects(statement: Statement, place: Place) -> Effects:
    """Locks, rewrites and scans of a statement. Raises NotSupportedError for what the version refuses to parse."""
    gathered = _Gathered(place.schema)
    here = replace(place, dropped=frozenset(a.name for a in statement.actions if a.op == "drop constraint"))
    for action in statement.actions:
        used: list[str] = []
        for use in uses(action, here):
            found = cell("postgresql", use.cell, place.version)
            if found is None:
                raise NotSupportedError(
                    f"{use.cell} needs another version than PostgreSQL {place.version[0]}"
                )
            gathered.add(use, found)
            used.append(use.cell)
        gathered.by_action.append(tuple(used))
        if action.op == "lock table":
            for target in _locked(action, place.schema):
                gathered.lock(target, action.name)
    return gathered.effects()


def _locked(action: Action, schema: Schema) -> Iterator[Relation]:
    """What LOCK TABLE locks: a table with its children, unless ONLY, a view with what it reads."""
    yield action.relation
    if "only" not in action.options:
        yield from (child.relation for child in schema.children(action.relation))
    known = schema.table(action.relation)
    if known is not None and known.kind == "view":
        yield from known.reads


class _Gathered:
    """Effects of several cells on the same relations: the strongest lock wins."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.locks: dict[str, str] = {}
        self.rewrites: dict[str, None] = {}
        self.scans: dict[str, None] = {}
        self.by_action: list[tuple[str, ...]] = []

    def lock(self, target: Relation, mode: str) -> None:
        name = str(target)
        held = self.locks.get(name)
        if mode and (held is None or STRENGTH.index(mode) > STRENGTH.index(held)):
            self.locks[name] = mode

    def add(self, use: Use, found: Cell) -> None:
        if use.index is not None:
            self.lock(use.index, found.index)
        if use.table is not None:
            self.lock(use.table, found.table)
            if found.rewrite and self.has_rows(use.table):
                self.rewrites[str(use.table)] = None
            if found.scan in ("table", "both") and self.has_rows(use.table):
                self.scans[str(use.table)] = None
        for other in use.others:
            self.lock(other, found.other)
            if found.scan in ("other", "both") and self.has_rows(other):
                self.scans[str(other)] = None

    def has_rows(self, target: Relation) -> bool:
        """A partitioned table has none of its own."""
        known = self.schema.table(target)
        return known is None or not known.partitioned

    def effects(self) -> Effects:
        locks = tuple(Lock(name, mode) for name, mode in self.locks.items())
        return Effects(locks, tuple(self.rewrites), tuple(self.scans), None, tuple(self.by_action))


_RECURSIVE = {
    "add column", "drop column", "rename column", "set type", "set default", "drop default", "set not null",
    "drop not null", "add constraint", "drop constraint", "set expression", "drop expression", "set statistics",
    "set storage",
}  # fmt: skip


def uses(action: Action, place: Place) -> Iterator[Use]:
    """The cells of one action, on its relation and on known partitions and children."""
    reader = _READERS.get(action.op)
    if reader is None:
        return
    made = tuple(reader(action, place))
    yield from made
    if action.op not in _RECURSIVE or "only" in action.options:
        return
    for child in place.schema.children(action.relation):
        for use in made:
            name = _cell_of_child(use, action, child, place)
            if use.table == action.relation and name:
                yield Use(name, child.relation, use.others)


def _cell_of_child(use: Use, action: Action, child: KnownTable, place: Place) -> str:
    """The cell of a parent's action on a partition or child; "" where the action stays with the parent.

    Children that inherit get of a primary key only its NOT NULL, of other keys and of CHECK … NO INHERIT
    nothing; from 18 on they are locked all the same.
    """
    made = action.constraint
    known = place.schema.table(action.relation)
    if made is None or (made.kind in ("check", "not null") and not made.no_inherit):
        return use.cell
    if known is not None and known.partitioned:
        return "add unique of partition" if use.cell == "add unique" else use.cell
    if made.kind == "primary key":
        filled = all(child.columns[name].not_null for name in made.columns if name in child.columns)
        return "set not null already" if filled else "set not null"
    if place.version < (18,):
        return ""
    return "add foreign key not valid" if made.kind == "foreign key" else "add check not valid"


def _on_table(name: str) -> Reader:
    def read(action: Action, place: Place) -> Iterator[Use]:
        if action.relation.name:
            yield Use(name, action.relation, action.others)

    return read


def _on_index(name: str) -> Reader:
    def read(action: Action, place: Place) -> Iterator[Use]:
        yield Use(name, index=action.relation, others=action.others)

    return read


def _on_others(name: str) -> Reader:
    def read(action: Action, place: Place) -> Iterator[Use]:
        yield Use(name, None, action.others)

    return read


_READERS: dict[str, Reader] = {
    **uses_postgresql_columns.READERS,
    **uses_postgresql_relations.READERS,
    "detach partition finalize": _on_table("set options"),
    "set column options": _on_table("set options"),
    "set statistics": _on_table("set statistics"),
    "cluster on": _on_table("set options"),
    "drop trigger": _on_table("drop trigger"),
    "rename trigger": _on_table("drop trigger"),
    "rename index": _on_index("rename index"),
    "index set options": _on_index("index options"),
    "index set statistics": _on_index("index options"),
    "index set tablespace": _on_index("index metadata"),
    "inherit": _on_table("inherit"),
    "no inherit": _on_table("no inherit"),
    "comment": _on_table("statistics"),
    "create statistics": _on_table("statistics"),
    "create publication": _on_others("publication"),
    "alter publication": _on_others("publication"),
    "alter publication drop": _on_others("publication"),
    "grant": _on_others("grant"),
    "revoke": _on_others("grant"),
    "alter sequence": _on_table("alter sequence"),
    "select": _on_others("read"),
    "select for update": _on_others("read for update"),
    "set compression": _on_table("set compression"),
    "set tablespace": _on_table("copy table"),
    **dict.fromkeys(("rename table", "rename column", "rename constraint"), _on_table("rename")),
    **dict.fromkeys(
        (
            "set schema", "owner", "set default", "drop default", "drop not null", "drop expression", "add identity",
            "set identity", "drop identity", "set storage", "replica identity", "of type", "not of type", "drop oids",
            "sequence owner", "sequence set logged", "sequence set unlogged",
        ),
        _on_table("metadata"),
    ),
    **dict.fromkeys(("drop view", "rename view", "drop materialized view", "alter view"), _on_table("view metadata")),
    **dict.fromkeys(("vacuum full", "cluster"), _on_table("rewrite table")),
    **dict.fromkeys(
        (
            "enable row security", "disable row security", "force row security", "no force row security",
            "create policy", "alter policy", "drop policy", "rename policy",
        ),
        _on_table("row security"),
    ),
    **dict.fromkeys(("create rule", "drop rule", "rename rule", "enable rule"), _on_table("rule")),
    **dict.fromkeys(("update", "delete", "insert", "merge", "copy"), _on_table("write")),
}  # fmt: skip
