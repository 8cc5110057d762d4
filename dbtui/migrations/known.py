"""What the schema is after a statement: the memory that makes later verdicts aware of files and proofs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from dbtui.model.migration import (
    Action,
    ColumnDef,
    ConstraintDef,
    Domain,
    IndexDef,
    KnownTable,
    Relation,
    Schema,
    Statement,
)

_SUFFIX = {"primary key": "pkey", "unique": "key", "foreign key": "fkey", "check": "check", "exclude": "excl"}


def apply(schema: Schema, statement: Statement, *, file: str = "", transaction: int = 0) -> None:
    """Change `schema` as the statement would. What is not modelled leaves it as it is."""
    for action in statement.actions:
        op = action.op
        if op in ("create table", "create table as", "create materialized view", "create view"):
            _create(schema, action, file, transaction, statement.sql)
        elif op == "create trigger":
            _trigger(schema, action, statement.sql)
        elif op in ("drop table", "drop view", "drop materialized view", "drop foreign table"):
            schema.tables.pop(schema.key(action.relation), None)
            schema.altered.pop(schema.key(action.relation), None)
        elif op == "drop schema":
            for key in [key for key in schema.tables if key[0] == action.relation.name]:
                del schema.tables[key]
        elif op == "drop index":
            _drop_index(schema, action)
        elif op == "rename index":
            _rename_index(schema, action)
        elif op in ("rename table", "rename view", "set schema"):
            _move(schema, action)
        elif op == "create index" and action.index is not None:
            made = replace(action.index, text=statement.sql)
            _add_index(schema, action.relation, made, action.if_not_exists)
        else:
            _other(schema, action, transaction)
            _alter(schema, action)


def _other(schema: Schema, action: Action, transaction: int) -> None:
    """Domains, functions, types, publications and the search path."""
    name = str(action.relation)
    key = schema.key(action.relation)
    if action.op == "create domain" and action.column is not None:
        inner = schema.domain(action.column.type) or Domain(action.column.type)
        schema.domains[key] = replace(inner, constrained=inner.constrained or bool(action.constraints))
    elif action.op in ("domain add constraint", "domain set not null") and key in schema.domains:
        schema.domains[key] = replace(schema.domains[key], constrained=True)
    elif action.op == "create function":
        schema.functions[action.relation.name] = action.options.get("volatility", "volatile")
    elif action.op == "create enum":
        schema.enums[name] = transaction
    elif action.op == "set" and action.name == "search_path":
        schema.search_path = action.new_name.split(",")[0].strip() or "public"
    elif action.op in ("create publication", "alter publication", "alter publication drop"):
        for other in action.others:
            known = schema.table(other)
            if known is not None:
                schema.tables[schema.key(other)] = replace(
                    known, published=action.op != "alter publication drop"
                )


def _trigger(schema: Schema, action: Action, sql: str) -> None:
    table = schema.table(action.relation)
    if table is not None:
        schema.tables[schema.key(action.relation)] = replace(table, triggers=(*table.triggers, sql))


def _create(schema: Schema, action: Action, file: str, transaction: int, sql: str) -> None:
    key = schema.key(action.relation)
    if action.if_not_exists and key in schema.tables:
        return
    columns = {column.name: column for column in action.columns}
    options = dict(action.options)
    parent = action.others[0] if action.others and ("partition" in options or "inherits" in options) else None
    copied = parent or (action.others[0] if "like" in options and action.others else None)
    origin = schema.table(copied) if copied is not None else None
    if origin is not None:
        columns = {**origin.columns, **columns}
    kinds = {"create view": "view", "create materialized view": "materialized view"}
    table = KnownTable(
        action.relation,
        kinds.get(action.op, "table"),
        columns,
        constraints=origin.constraints if origin is not None and parent is not None else (),
        file=file,
        transaction=transaction,
        partitioned="partitioned" in options,
        parent=parent,
        default_partition=options.get("partition") == "default",
        temporary="temporary" in options,
        reads=action.others if action.op in kinds else (),
        options=options,
        text=sql,
    )
    if parent is not None:
        schema.parents.add(schema.key(parent))
    for constraint in action.constraints:
        table = _with_constraint(table, replace(constraint, valid=constraint.enforced))
    if action.index is not None:
        table = replace(table, indexes=(*table.indexes, action.index))
    schema.tables[key] = table


def _with_constraint(table: KnownTable, constraint: ConstraintDef) -> KnownTable:
    """The table with one constraint more, named as the server would name it, and with the index it owns."""
    if not constraint.name and constraint.kind in _SUFFIX:
        named = constraint.columns or tuple(sorted(constraint.mentions))[:1]
        middle = () if constraint.kind == "primary key" else named
        name = "_".join((table.relation.name, *middle, _SUFFIX[constraint.kind]))
        constraint = replace(constraint, name=constraint.using_index or name)
    columns = dict(table.columns)
    if constraint.kind in ("primary key", "not null") and constraint.valid:
        for name in constraint.columns:
            if name in columns:
                columns[name] = replace(columns[name], not_null=True)
    indexes = table.indexes
    if constraint.kind in ("primary key", "unique", "exclude"):
        indexes = _own_index(table, constraint)
    return replace(table, columns=columns, constraints=(*table.constraints, constraint), indexes=indexes)


def _own_index(table: KnownTable, constraint: ConstraintDef) -> tuple[IndexDef, ...]:
    used = constraint.using_index
    if used:
        return tuple(
            replace(i, constraint=True, name=constraint.name) if i.name == used else i for i in table.indexes
        )
    made = IndexDef(
        constraint.name,
        table.relation,
        constraint.columns,
        unique=constraint.kind != "exclude",
        constraint=True,
    )
    return (*table.indexes, made)


def _drop_index(schema: Schema, action: Action) -> None:
    found = schema.index(action.relation)
    if found is not None:
        owner, index = found
        kept = tuple(i for i in owner.indexes if i.name != index.name)
        _store(schema, replace(owner, indexes=kept))


def _rename_index(schema: Schema, action: Action) -> None:
    found = schema.index(action.relation)
    if found is not None:
        table, index = found
        changed = tuple(replace(i, name=action.new_name) if i is index else i for i in table.indexes)
        _store(schema, replace(table, indexes=changed))


def _move(schema: Schema, action: Action) -> None:
    children = schema.children(action.relation)
    tables = schema.tables if schema.table(action.relation) else schema.altered
    table = tables.pop(schema.key(action.relation), None)
    if table is None:
        return
    if action.op == "set schema":
        target = Relation(action.relation.name, action.new_name)
    else:
        target = Relation(action.new_name, action.relation.schema)
    tables[schema.key(target)] = replace(table, relation=target)
    for child in children:
        schema.parents.add(schema.key(target))
        if child.parent is not None and schema.same(child.parent, action.relation):
            schema.tables[schema.key(child.relation)] = replace(child, parent=target)


def _add_index(schema: Schema, target: Relation, index: IndexDef, if_not_exists: bool) -> None:
    table = schema.seen(target) or KnownTable(target)
    if if_not_exists and any(i.name == index.name for i in table.indexes):
        return
    if not index.name:
        name = "_".join((target.name, *(c or "expr" for c in index.columns), "idx"))
        index = replace(index, name=name)
    _store(schema, replace(table, indexes=(*table.indexes, index)))


def _store(schema: Schema, table: KnownTable) -> None:
    key = schema.key(table.relation)
    (schema.tables if key in schema.tables else schema.altered)[key] = table


def _alter(schema: Schema, action: Action) -> None:
    table = schema.table(action.relation)
    if table is None:
        if action.relation.name and not schema.fold:
            before = schema.altered.get(schema.key(action.relation), KnownTable(action.relation))
            schema.altered[schema.key(action.relation)] = _altered(before, action)
        return
    changed = _altered(table, action)
    if changed is not table:
        schema.tables[schema.key(action.relation)] = replace(changed, text="")
        recursive = action.op in ("add column", "drop column", "rename column", "set type", "set not null")
        if recursive and "only" not in action.options:
            for child in schema.children(action.relation):
                schema.tables[schema.key(child.relation)] = _altered(child, action)
    if action.op in ("attach partition", "detach partition") and action.others:
        child_key = schema.key(action.others[0])
        member = schema.tables.get(child_key)
        if member is not None:
            parent = action.relation if action.op == "attach partition" else None
            schema.parents.add(schema.key(action.relation))
            schema.tables[child_key] = replace(
                member, parent=parent, default_partition=action.options.get("default") == "yes"
            )


def _altered(table: KnownTable, action: Action) -> KnownTable:
    op = action.op
    if op in _COLUMN_CHANGES:
        return _column_changed(table, action)
    if op == "add constraint" and action.constraint is not None:
        return _with_constraint(table, action.constraint)
    if op == "drop constraint":
        return _without_constraint(table, action.name)
    if op == "validate constraint":
        table = _proved(table, action.name)
    if op in ("validate constraint", "rename constraint", "alter constraint"):
        return replace(table, constraints=tuple(_constraint_changed(c, action) for c in table.constraints))
    if op == "add column" and action.column is not None:
        column = action.column
        if column.name in table.columns:
            return table
        table = replace(table, columns={**table.columns, column.name: column})
        for constraint in column.constraints:
            table = _with_constraint(table, constraint)
        return table
    if op == "drop column":
        return _without_column(table, action.name)
    stored = _storage(action)
    return replace(table, options={**table.options, **stored}) if stored else table


def _storage(action: Action) -> Mapping[str, str]:
    """What the action makes of how the table is stored."""
    stored: dict[str, Mapping[str, str]] = {
        "table options": action.options,
        "set logged": {"unlogged": ""},
        "set unlogged": {"unlogged": "yes"},
        "set access method": {"access method": action.name},
    }
    return stored.get(action.op, {})


def _proved(table: KnownTable, name: str) -> KnownTable:
    """A NOT NULL constraint that is validated makes its column NOT NULL (18)."""
    filled = {n for c in table.constraints if c.name == name and c.kind == "not null" for n in c.columns}
    columns = {
        key: replace(column, not_null=True) if key in filled else column
        for key, column in table.columns.items()
    }
    return replace(table, columns=columns) if filled else table


def _constraint_changed(constraint: ConstraintDef, action: Action) -> ConstraintDef:
    if constraint.name != action.name:
        return constraint
    if action.op == "rename constraint":
        return replace(constraint, name=action.new_name)
    if action.op == "validate constraint":
        return replace(constraint, valid=True)
    enforced = action.options.get("enforced")
    if enforced is None:
        return constraint
    return replace(constraint, enforced=enforced == "yes", valid=enforced == "yes")


def _without_constraint(table: KnownTable, name: str) -> KnownTable:
    return replace(
        table,
        constraints=tuple(c for c in table.constraints if c.name != name),
        indexes=tuple(i for i in table.indexes if not (i.constraint and i.name == name)),
    )


def _without_column(table: KnownTable, name: str) -> KnownTable:
    return replace(
        table,
        columns={key: column for key, column in table.columns.items() if key != name},
        constraints=tuple(c for c in table.constraints if name not in c.columns and name not in c.mentions),
        indexes=tuple(i for i in table.indexes if name not in i.columns),
    )


_COLUMN_CHANGES = {
    "set not null", "drop not null", "set default", "drop default", "set type", "rename column", "change column",
    "add identity", "drop identity", "drop expression",
}  # fmt: skip


def _column_changed(table: KnownTable, action: Action) -> KnownTable:
    column = table.columns.get(action.name)
    if column is None:
        return table
    columns = dict(table.columns)
    new = action.column
    if action.op == "rename column":
        return _renamed(table, action.name, action.new_name)
    if action.op == "change column" and new is not None:
        if new.name != action.name:
            table = _renamed(table, action.name, new.name)
            columns = dict(table.columns)
        columns[new.name] = new
        return replace(table, columns=columns)
    columns[action.name] = replace(_changed(column, action), text="")
    return replace(table, columns=columns)


def _changed(column: ColumnDef, action: Action) -> ColumnDef:
    new = action.column
    if action.op == "set not null":
        return replace(column, not_null=True)
    if action.op == "drop not null":
        return replace(column, not_null=False)
    if action.op == "set default" and new is not None:
        return replace(column, default=new.default)
    if action.op == "drop default":
        return replace(column, default=None)
    if action.op == "set type" and new is not None:
        return replace(column, type=new.type, collation=new.collation or column.collation)
    if action.op in ("add identity", "drop identity"):
        return replace(column, identity=action.op == "add identity")
    return replace(column, generated="")


def _renamed(table: KnownTable, old: str, new: str) -> KnownTable:
    def each(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(new if name == old else name for name in names)

    columns = {
        (new if key == old else key): (replace(column, name=new, text="") if key == old else column)
        for key, column in table.columns.items()
    }
    constraints = tuple(
        replace(
            c,
            columns=each(c.columns),
            mentions=frozenset(each(c.mentions)),
            not_null=frozenset(each(c.not_null)),
        )
        for c in table.constraints
    )
    indexes = tuple(replace(i, columns=each(i.columns)) for i in table.indexes)
    return replace(table, columns=columns, constraints=constraints, indexes=indexes)
