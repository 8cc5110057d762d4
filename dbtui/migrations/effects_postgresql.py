"""What PostgreSQL does for a statement: each action finds its cell of the matrix, given what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dbtui.migrations.locks import Cell, cell
from dbtui.migrations.types_postgresql import cost_of_type_change
from dbtui.model.migration import (
    Action,
    ColumnDef,
    ConstraintDef,
    Effects,
    IndexDef,
    KnownTable,
    Lock,
    Relation,
    Schema,
    Statement,
    Volatility,
)

STRENGTH = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)


@dataclass(frozen=True, slots=True)
class Session:
    """Settings of the script's session that change what a statement costs."""

    version: tuple[int, ...]
    utc: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """One cell applied to relations."""

    cell: str
    table: Relation | None = None
    others: tuple[Relation, ...] = ()
    index: Relation | None = None


class NotSupportedError(Exception):
    """The server version does not have this operation."""


def effects(statement: Statement, schema: Schema, session: Session) -> Effects:
    """Locks, rewrites and scans of a statement. Raises NotSupportedError for what the version refuses to parse."""
    gathered = _Gathered(schema)
    dropped = frozenset(a.name for a in statement.actions if a.op == "drop constraint")
    for action in statement.actions:
        if action.op == "lock table":
            gathered.lock(action.relation, action.name)
            continue
        for use in uses(action, schema, session, dropped):
            found = cell("postgresql", use.cell, session.version)
            if found is None:
                raise NotSupportedError(
                    f"{use.cell} needs another version than PostgreSQL {session.version[0]}"
                )
            gathered.add(use, found)
    return gathered.effects()


class _Gathered:
    """Effects of several cells on the same relations: the strongest lock wins."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.locks: dict[str, str] = {}
        self.rewrites: dict[str, None] = {}
        self.scans: dict[str, None] = {}
        self.cells: list[str] = []

    def lock(self, target: Relation, mode: str) -> None:
        name = str(target)
        held = self.locks.get(name)
        if mode and (held is None or STRENGTH.index(mode) > STRENGTH.index(held)):
            self.locks[name] = mode

    def add(self, use: Use, found: Cell) -> None:
        self.cells.append(use.cell)
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
        return Effects(locks, tuple(self.rewrites), tuple(self.scans), None, tuple(self.cells))


_RECURSIVE = {
    "add column", "drop column", "rename column", "set type", "set default", "drop default", "set not null",
    "drop not null", "add constraint", "drop constraint", "set expression", "drop expression",
}  # fmt: skip


def uses(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    """The cells of one action, on its relation and on known partitions and children."""
    reader = _READERS.get(action.op)
    if reader is None:
        return
    made = tuple(reader(action, schema, session, dropped))
    yield from made
    if action.op not in _RECURSIVE or "only" in action.options:
        return
    for child in schema.children(action.relation):
        for use in made:
            if use.table == action.relation:
                yield Use(use.cell, child.relation, use.others)


Reader = Callable[[Action, Schema, Session, frozenset[str]], Iterator[Use]]


def _add_column(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    column, table = action.column, action.relation
    assert column is not None
    known = schema.table(table)
    if action.if_not_exists and known is not None and column.name in known.columns:
        yield Use("add column", table)
        return
    yield Use(_column_cell(column, schema), table)
    for constraint in column.constraints:
        if constraint.kind == "check":
            yield Use("add column check", table)
        elif constraint.kind in ("unique", "primary key"):
            yield Use("add column unique", table)
        elif constraint.kind == "foreign key" and constraint.references is not None:
            filled = not _is_null(column)
            yield Use("add column references default" if filled else "add column references", table,
                      (constraint.references,))  # fmt: skip


def _is_null(column: ColumnDef) -> bool:
    return column.default is None or column.default.volatility is Volatility.NULL


def _column_cell(column: ColumnDef, schema: Schema) -> str:
    if column.generated:
        return f"add column {column.generated}"
    if column.serial or column.identity or is_constrained_domain(column, schema):
        return "add column computed"
    if _is_null(column):
        return "add column"
    return "add column computed" if is_volatile(column, schema) else "add column default"


def is_constrained_domain(column: ColumnDef, schema: Schema) -> bool:
    """Whether a column's type is a domain that is known to have a constraint."""
    declared = column.type
    name = f"{declared.schema}.{declared.name}" if declared.schema else declared.name
    return schema.domains.get(name, False)


def is_volatile(column: ColumnDef, schema: Schema) -> bool:
    """Whether the default differs from row to row, as far as is known."""
    value = column.default
    if value is None or value.volatility is not Volatility.VOLATILE:
        return False
    names = (name.rpartition(".")[2] for name in value.functions)
    return not all(schema.functions.get(name) in ("immutable", "stable") for name in names)


def _drop_column(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    known = schema.table(action.relation)
    others = [
        c.references
        for c in (known.constraints if known else ())
        if c.references and action.name in c.columns
    ]
    yield Use("drop column", action.relation, tuple(others))


def _set_not_null(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    known = schema.table(action.relation)
    column = known.columns.get(action.name) if known else None
    if known is not None and column is not None and column.not_null:
        yield Use("set not null already", action.relation)
    elif known is not None and known.proves_not_null(action.name, but=dropped):
        yield Use("set not null proved", action.relation)
    else:
        yield Use("set not null", action.relation)


def _set_type(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    new, table = action.column, action.relation
    assert new is not None
    known = schema.table(table)
    old = known.columns.get(action.name) if known else None
    if known is None or old is None:
        yield Use("set type rewrite", table)
        return
    cost = cost_of_type_change(old, new, schema, using_expression=action.options.get("using") == "expression")
    if cost == "zone":
        yield Use("set type zone utc" if session.utc else "set type rewrite", table)
    elif cost == "rewrite":
        yield Use("set type rewrite", table)
    elif cost == "index" and any(action.name in index.columns for index in known.indexes):
        yield Use("set type index", table)
    elif any(action.name in c.mentions for c in known.constraints if c.kind == "check"):
        yield Use("set type free checked", table)
    else:
        yield Use("set type free", table)


def _add_constraint(
    action: Action, schema: Schema, session: Session, dropped: frozenset[str]
) -> Iterator[Use]:
    made, table = action.constraint, action.relation
    assert made is not None
    if made.kind == "foreign key":
        yield from _foreign_key(made, table, schema)
    elif made.kind == "check":
        yield Use("add check" if made.valid else "add check not valid", table)
    elif made.kind == "not null":
        known = schema.table(table)
        proved = known is not None and all(
            known.proves_not_null(name, but=dropped) or getattr(known.columns.get(name), "not_null", False)
            for name in made.columns
        )
        state = "add not null" if made.valid else "add not null not valid"
        yield Use("add not null proved" if proved and made.valid else state, table)
    elif made.kind == "exclude":
        yield Use("add exclude", table)
    elif made.using_index:
        yield from _using_index(made, table, schema)
    else:
        yield Use("add unique", table)


def _foreign_key(made: ConstraintDef, table: Relation, schema: Schema) -> Iterator[Use]:
    assert made.references is not None
    others = (made.references, *(child.relation for child in schema.children(made.references)))
    yield Use("add foreign key" if made.valid else "add foreign key not valid", table, others)


def _using_index(made: ConstraintDef, table: Relation, schema: Schema) -> Iterator[Use]:
    known = schema.table(table)
    index = Relation(made.using_index, table.schema)
    if made.kind == "primary key" and known is not None:
        columns = next((i.columns for i in known.indexes if i.name == made.using_index), ())
        nullable = [
            name
            for name in columns
            if name in known.columns and not known.columns[name].not_null and not known.proves_not_null(name)
        ]
        if nullable:
            yield Use("add primary key using index nullable", table, index=index)
            return
    renamed = bool(made.name) and made.name != made.using_index
    yield Use("add using index" if renamed else "add using index as it is", table, index=index)


def _validate(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    found = _constraint(schema.table(action.relation), action.name)
    if found is not None and found.valid:
        yield Use("validate done", action.relation)
    elif found is not None and found.references is not None:
        yield Use("validate foreign key", action.relation, (found.references,))
    else:
        yield Use("validate check", action.relation)


def _constraint(known: KnownTable | None, name: str) -> ConstraintDef | None:
    return next((c for c in known.constraints if c.name == name), None) if known else None


def _drop_constraint(
    action: Action, schema: Schema, session: Session, dropped: frozenset[str]
) -> Iterator[Use]:
    found = _constraint(schema.table(action.relation), action.name)
    if found is not None and found.references is not None:
        yield Use("drop foreign key", action.relation, (found.references,))
        return
    others: tuple[Relation, ...] = ()
    if action.cascade and found is not None and found.kind in ("primary key", "unique"):
        others = tuple(table.relation for table, _ in schema.referencing(action.relation))
    yield Use("drop constraint", action.relation, others)


def _alter_constraint(
    action: Action, schema: Schema, session: Session, dropped: frozenset[str]
) -> Iterator[Use]:
    found = _constraint(schema.table(action.relation), action.name)
    others = (found.references,) if found is not None and found.references is not None else ()
    enforced = action.options.get("enforced")
    names = {"yes": "alter constraint enforced", "no": "alter constraint not enforced"}
    yield Use(names.get(enforced or "", "alter constraint"), action.relation, others if enforced else ())


def _create_index(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    index, table = action.index, action.relation
    assert index is not None
    known = schema.table(table)
    exists = known is not None and action.if_not_exists and any(i.name == index.name for i in known.indexes)
    if index.concurrently:
        yield Use("create index concurrently exists" if exists else "create index concurrently", table)
    elif exists:
        yield Use("create index exists", table)
    elif index.only:
        yield Use("create index only", table)
    elif known is not None and known.partitioned:
        yield Use("create index partitioned", table, tuple(c.relation for c in schema.children(table)))
    else:
        yield Use("create index", table)


def _drop_index(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    found = schema.index(action.relation)
    name = "drop index concurrently" if action.concurrently else "drop index"
    yield Use(name, found[0].relation if found else None, index=action.relation)


def _reindex(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    if action.op in ("reindex schema", "reindex database", "reindex system"):
        return
    whole = action.op == "reindex table"
    found = None if whole else schema.index(action.relation)
    table = action.relation if whole else (found[0].relation if found else None)
    index = None if whole else action.relation
    yield Use("reindex concurrently" if action.concurrently else action.op, table, index=index)


def missing_indexes(action: Action, schema: Schema) -> tuple[IndexDef, ...]:
    """Indexes of the parent that ATTACH PARTITION must build on the child, as far as both are known."""
    parent, child = schema.table(action.relation), schema.table(action.others[0])
    if parent is None or child is None:
        return ()
    there = {(index.columns, index.unique) for index in child.indexes}
    return tuple(index for index in parent.indexes if (index.columns, index.unique) not in there)


def _attach_index(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    yield Use("attach index", None, action.others, action.relation)
    found = [schema.index(index) for index in (action.relation, *action.others)]
    yield Use("read", None, tuple(one[0].relation for one in found if one is not None))


def _attach(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    child = schema.table(action.others[0])
    # The bound is not compared with the check: a validated check on the child is taken as its proof.
    proved = child is not None and any(c.kind == "check" and c.valid for c in child.constraints)
    fresh = child is not None and child.file != ""
    complete = not missing_indexes(action, schema)
    name = "attach partition proved" if proved and complete and not fresh else "attach partition"
    yield Use(name, action.relation, action.others)
    yield from _default_partition(action.relation, schema)


def _default_partition(parent: Relation, schema: Schema) -> Iterator[Use]:
    for child in schema.children(parent):
        if child.default_partition:
            yield Use("default partition scan", child.relation)


def _detach(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    name = "detach partition concurrently" if action.concurrently else "detach partition"
    yield Use(name, action.relation, action.others)
    if not action.concurrently:
        for child in schema.children(action.relation):
            if child.default_partition:
                yield Use("metadata", child.relation)


def _create_table(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    if action.if_not_exists and schema.table(action.relation) is not None:
        return
    if "partition" in action.options:
        yield Use("create partition of", None, action.others)
        yield from _default_partition(action.others[0], schema)
    elif "inherits" in action.options:
        yield Use("create inherits", None, action.others)
    elif "like" in action.options:
        yield Use("create like", None, action.others)
    for constraint in action.constraints:
        other = constraint.references
        if other is not None and not schema.same(other, action.relation):
            yield Use("create references", None, (other,))


def _drop_table(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    known = schema.table(action.relation)
    others = [c.references for c in (known.constraints if known else ()) if c.references]
    if known is not None and known.parent is not None:
        others.append(known.parent)
    if action.cascade:
        others += [table.relation for table, _ in schema.referencing(action.relation)]
    others += [child.relation for child in schema.children(action.relation)] if known else []
    yield Use("drop table", action.relation, tuple(o for o in others if not schema.same(o, action.relation)))


def _truncate(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    others = [child.relation for child in schema.children(action.relation)]
    if action.cascade:
        others += [table.relation for table, _ in schema.referencing(action.relation)]
    yield Use("truncate", action.relation, tuple(others))


def _set_options(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    exclusive = "user_catalog_table" in action.options
    yield Use("set options exclusive" if exclusive else "set options", action.relation)


def _set_expression(
    action: Action, schema: Schema, session: Session, dropped: frozenset[str]
) -> Iterator[Use]:
    known = schema.table(action.relation)
    column = known.columns.get(action.name) if known else None
    virtual = column is not None and column.generated == "virtual"
    yield Use("set expression virtual" if virtual else "set expression", action.relation)


def _refresh(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    known = schema.table(action.relation)
    reads = known.reads if known else ()
    yield Use("refresh concurrently" if action.concurrently else "refresh", action.relation, reads)


def _create_view(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    replaces = "replace" in action.options and schema.table(action.relation) is not None
    yield Use(
        "replace view" if replaces else "create view", action.relation if replaces else None, action.others
    )


def _domain(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    if action.constraint is not None and not action.constraint.valid:
        return
    name = str(action.relation)
    using = [
        table.relation
        for table in schema.tables.values()
        if any(
            name in (column.type.name, f"{column.type.schema}.{column.type.name}")
            for column in table.columns.values()
        )
    ]
    yield Use("domain check", None, tuple(using))


def _trigger(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
    yield Use("trigger", action.relation, action.others)


def _on_table(name: str) -> Reader:
    def read(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
        if action.relation.name:
            yield Use(name, action.relation, action.others)

    return read


def _on_index(name: str) -> Reader:
    def read(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
        yield Use(name, index=action.relation, others=action.others)

    return read


def _on_others(name: str) -> Reader:
    def read(action: Action, schema: Schema, session: Session, dropped: frozenset[str]) -> Iterator[Use]:
        yield Use(name, None, action.others)

    return read


_READERS: dict[str, Reader] = {
    "add column": _add_column,
    "drop column": _drop_column,
    "set not null": _set_not_null,
    "set type": _set_type,
    "add constraint": _add_constraint,
    "validate constraint": _validate,
    "drop constraint": _drop_constraint,
    "alter constraint": _alter_constraint,
    "create index": _create_index,
    "drop index": _drop_index,
    "attach partition": _attach,
    "detach partition": _detach,
    "detach partition finalize": _on_table("set options"),
    "create table": _create_table,
    "create table as": _on_others("create table as"),
    "create materialized view": _on_others("create table as"),
    "drop table": _drop_table,
    "truncate": _truncate,
    "set options": _set_options,
    "set column options": _on_table("set options"),
    "set statistics": _on_table("set statistics"),
    "cluster on": _on_table("set options"),
    "set expression": _set_expression,
    "refresh materialized view": _refresh,
    "create view": _create_view,
    "create trigger": _trigger,
    "enable trigger": _trigger,
    "disable trigger": _trigger,
    "drop trigger": _on_table("drop trigger"),
    "rename trigger": _on_table("drop trigger"),
    "rename index": _on_index("rename index"),
    "index set options": _on_index("index options"),
    "index set statistics": _on_index("index options"),
    "index set tablespace": _on_index("index metadata"),
    "attach index": _attach_index,
    "inherit": _on_table("inherit"),
    "no inherit": _on_table("no inherit"),
    "vacuum": _on_table("statistics"),
    "analyze": _on_table("statistics"),
    "comment": _on_table("statistics"),
    "create statistics": _on_table("statistics"),
    "create publication": _on_others("publication"),
    "alter publication": _on_others("publication"),
    "alter publication drop": _on_others("publication"),
    "grant": _on_others("grant"),
    "revoke": _on_others("grant"),
    "alter sequence": _on_table("alter sequence"),
    "domain add constraint": _domain,
    "domain set not null": _domain,
    "select": _on_others("read"),
    **dict.fromkeys(("reindex index", "reindex table", "reindex schema", "reindex database"), _reindex),
    **dict.fromkeys(("rename table", "rename column", "rename constraint"), _on_table("rename")),
    **dict.fromkeys(
        (
            "set schema", "owner", "set default", "drop default", "drop not null", "drop expression", "add identity",
            "set identity", "drop identity", "set storage", "set compression", "replica identity", "of type",
            "not of type", "drop oids",
        ),
        _on_table("metadata"),
    ),
    **dict.fromkeys(("drop view", "rename view", "drop materialized view", "alter view"), _on_table("view metadata")),
    **dict.fromkeys(("vacuum full", "cluster", "set logged", "set unlogged", "set access method"),
                    _on_table("rewrite table")),
    "set tablespace": _on_table("copy table"),
    **dict.fromkeys(
        (
            "enable row security", "disable row security", "force row security", "no force row security",
            "create policy", "alter policy", "drop policy", "rename policy",
        ),
        _on_table("row security"),
    ),
    **dict.fromkeys(("create rule", "drop rule", "enable rule"), _on_table("rule")),
    **dict.fromkeys(("update", "delete", "insert", "merge", "copy"), _on_table("write")),
}  # fmt: skip
