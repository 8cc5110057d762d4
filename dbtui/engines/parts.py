"""What a table is made of, as nodes of the object tree: the same for every engine with tables."""

from __future__ import annotations

from dbtui.model.catalog import Column, Index, Kind, Node, Table


def part(
    table: Table, kind: Kind, folder: str, name: str, detail: str, note: str = "", size: int | None = None
) -> Node:
    """One part below a table, in one of its folders."""
    return Node(kind, name, (*table.path, folder, name), detail, size, leaf=True, note=note)


def columns(table: Table) -> tuple[Node, ...]:
    """Each column with its type, and whether it is of the primary key or never NULL."""
    keys = (
        *(i.columns for i in table.indexes if i.primary),
        *(c.columns for c in table.constraints if c.kind == "primary key"),
    )
    primary = {name for key in keys for name in key}
    return tuple(
        part(table, Kind.COLUMN, "columns", c.name, c.type, _column_note(c, c.name in primary))
        for c in table.columns
    )


def indexes(table: Table, *, unused: str) -> tuple[Node, ...]:
    """Each index; `unused` is what the server calls one that it does not use."""
    return tuple(
        part(table, Kind.INDEX, "indexes", i.name, _index_detail(i), "" if i.valid else unused, i.size)
        for i in table.indexes
    )


def constraints(table: Table, *, unheld: str) -> tuple[Node, ...]:
    """All but NOT NULL, which stands at the column; `unheld` is what the server calls one that may be broken."""
    return tuple(
        part(table, Kind.CONSTRAINT, "constraints", c.name, c.definition, "" if c.validated else unheld)
        for c in table.constraints
        if c.kind != "not null"
    )


def _column_note(column: Column, primary: bool) -> str:
    if primary:
        return "primary key"
    return "" if column.nullable else "not null"


def _index_detail(index: Index) -> str:
    kind = "primary key " if index.primary else "unique " if index.unique else ""
    method = "" if index.method in ("", "btree") else f"{index.method} "
    where = f" where {index.predicate}" if index.predicate else ""
    return f"{kind}{method}({', '.join(index.columns)}){where}"
