"""What SQLite does for a statement: which rows it reads or writes while the file is locked."""

from __future__ import annotations

from dbtui.migrations.locks import cell
from dbtui.model.migration import Action, Effects, Lock, Schema, Statement

_METADATA = {
    "create table", "drop table", "rename table", "rename column", "create view", "drop view", "create trigger",
    "drop trigger", "drop index", "drop constraint", "drop not null", "create virtual table",
}  # fmt: skip
_SCANS = {"create index", "set not null", "add constraint", "reindex"}
_REWRITES = {"drop column", "vacuum"}
_WRITES = {"insert", "update", "delete", "create table as", "analyze"}


def effects(statement: Statement, schema: Schema, version: tuple[int, ...]) -> Effects:
    """One lock, on the file (`main` or the schema that is named), and the tables that are read or written."""
    locks: dict[str, str] = {}
    rewrites: list[str] = []
    scans: list[str] = []
    by_action: list[tuple[str, ...]] = []
    for action in statement.actions:
        name = _cell(action)
        by_action.append((name,) if name else ())
        if not name:
            continue
        found = cell("sqlite", name, version)
        assert found is not None
        locks[action.relation.schema or "main"] = found.lock
        if action.relation.name and found.rewrite:
            rewrites.append(str(action.relation))
        if action.relation.name and found.scan:
            scans.append(str(action.relation))
    held = tuple(Lock(file, mode) for file, mode in locks.items())
    return Effects(held, tuple(rewrites), tuple(scans), None, tuple(by_action))


def _cell(action: Action) -> str:
    column = action.column
    if action.op == "add column" and column is not None:
        # A NOT NULL or CHECK makes SQLite look at each row; otherwise only the schema's text changes.
        return "scan" if column.has("check") or (column.not_null and column.generated) else "metadata"
    if action.op in _METADATA:
        return "metadata"
    if action.op in _SCANS:
        return "scan"
    if action.op in _REWRITES:
        return "rewrite"
    return "write" if action.op in _WRITES else ""
