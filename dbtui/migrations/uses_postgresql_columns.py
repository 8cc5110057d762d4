"""Which cells of PostgreSQL's matrix the actions on columns and constraints use."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.migrations.types_postgresql import cost_of_type_change, same_operators
from dbtui.migrations.uses_postgresql import Place, Reader, Use
from dbtui.model.migration import (
    Action,
    ColumnDef,
    ConstraintDef,
    KnownTable,
    Relation,
    Schema,
    Volatility,
)


def _add_column(action: Action, place: Place) -> Iterator[Use]:
    column, table = action.column, action.relation
    assert column is not None
    known = place.schema.seen(table)
    if action.if_not_exists and known is not None and column.name in known.columns:
        yield Use("add column", table)
        return
    yield Use(_column_cell(column, place.schema), table)
    for constraint in column.constraints:
        if constraint.kind == "check":
            yield Use("add column check" if constraint.enforced else "add column", table)
        elif constraint.kind in ("unique", "primary key"):
            yield Use("add column unique", table)
        elif constraint.kind == "foreign key" and constraint.references is not None:
            yield Use(_references_cell(column, constraint), table, (constraint.references,))


def _references_cell(column: ColumnDef, constraint: ConstraintDef) -> str:
    """A default makes the server check the key at once, even one of NULL, for which no parent is looked up."""
    if not constraint.enforced or column.default is None:
        return "add column references"
    return "add column references null" if _is_null(column) else "add column references default"


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
    """Whether a column's type is a domain that is known to have a constraint; an array of such is not one."""
    domain = schema.domain(column.type)
    return domain is not None and domain.constrained


def is_volatile(column: ColumnDef, schema: Schema) -> bool:
    """Whether the default differs from row to row, as far as is known."""
    value = column.default
    if value is None or value.volatility is not Volatility.VOLATILE:
        return False
    names = (name.rpartition(".")[2] for name in value.functions)
    return not all(schema.functions.get(name) in ("immutable", "stable") for name in names)


def _drop_column(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.seen(action.relation)
    others = [
        c.references
        for c in (known.constraints if known else ())
        if c.references and action.name in c.columns
    ]
    if action.cascade:
        others += [other for _, other in _referencing(action, place)]
        others += [view.relation for view in place.views_on(action.relation, action.name)]
    yield Use("drop column", action.relation, tuple(others))


def _referencing(action: Action, place: Place) -> list[tuple[ConstraintDef, Relation]]:
    """Foreign keys of other tables that point to the column that the action is about."""
    known = place.schema.seen(action.relation)
    key = known.primary_key if known else None
    return [
        (constraint, table.relation)
        for table, constraint in place.schema.referencing(action.relation)
        if action.name in (constraint.referenced_columns or (key.columns if key else ()))
    ]


def _set_not_null(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.seen(action.relation)
    column = known.columns.get(action.name) if known else None
    said = known is not None and any(
        c.kind == "not null" and c.valid and action.name in c.columns for c in known.constraints
    )
    if said or (column is not None and column.not_null):
        yield Use("set not null already", action.relation)
    elif known is not None and known.proves_not_null(action.name, but=place.dropped):
        yield Use("set not null proved", action.relation)
    else:
        yield Use("set not null", action.relation)


def _set_type(action: Action, place: Place) -> Iterator[Use]:
    new, table = action.column, action.relation
    assert new is not None
    known = place.schema.seen(table)
    old = known.columns.get(action.name) if known else None
    if known is None or old is None:
        yield Use("set type rewrite", table)
        return
    converted = action.options.get("using") == "expression"
    cost = cost_of_type_change(old, new, place.schema, using_expression=converted)
    if cost == "zone":
        yield Use("set type zone utc" if place.utc else "set type rewrite", table)
    elif cost == "rewrite":
        yield Use("set type rewrite", table)
    elif cost == "index" and any(action.name in index.columns for index in known.indexes):
        yield Use("set type index", table)
    elif any(action.name in c.mentions and c.valid for c in known.constraints if c.kind == "check"):
        yield Use("set type free checked", table)
    else:
        yield Use("set type free", table)
    yield from _keys_of_type(action, known, same_operators(old.type, new.type, place.schema), place)


def _keys_of_type(action: Action, known: KnownTable, same: bool, place: Place) -> Iterator[Use]:
    """Foreign keys of the column and to it: made again, and checked again where they compare otherwise."""
    keys = [(c, c.references) for c in known.constraints if c.references and action.name in c.columns]
    keys += _referencing(action, place)
    for constraint, other in keys:
        again = constraint.enforced and not same
        yield Use("set type of key anew" if again else "set type of key", action.relation, (other,))


def _add_constraint(action: Action, place: Place) -> Iterator[Use]:
    made, table = action.constraint, action.relation
    assert made is not None
    known = place.schema.seen(table)
    if made.kind == "foreign key":
        yield from _foreign_key(made, table, place.schema)
    elif made.kind == "check":
        yield Use("add check" if made.valid else "add check not valid", table)
    elif made.kind == "not null":
        proved = known is not None and all(
            known.proves_not_null(name, but=place.dropped)
            or getattr(known.columns.get(name), "not_null", False)
            for name in made.columns
        )
        state = "add not null" if made.valid else "add not null not valid"
        yield Use("add not null proved" if proved and made.valid else state, table)
    elif made.kind == "exclude":
        yield Use("add exclude", table)
    elif made.using_index:
        yield from _using_index(made, table, place.schema)
    else:
        yield Use("add unique", table)


def _foreign_key(made: ConstraintDef, table: Relation, schema: Schema) -> Iterator[Use]:
    assert made.references is not None
    others = (made.references, *(child.relation for child in schema.children(made.references)))
    yield Use("add foreign key" if made.valid else "add foreign key not valid", table, others)


def _using_index(made: ConstraintDef, table: Relation, schema: Schema) -> Iterator[Use]:
    known = schema.seen(table)
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


def _validate(action: Action, place: Place) -> Iterator[Use]:
    found = _constraint(place.schema.seen(action.relation), action.name)
    if found is not None and found.valid:
        yield Use("validate done", action.relation)
    elif found is not None and found.references is not None:
        yield Use("validate foreign key", action.relation, (found.references,))
    else:
        yield Use("validate check", action.relation)


def _constraint(known: KnownTable | None, name: str) -> ConstraintDef | None:
    return next((c for c in known.constraints if c.name == name), None) if known else None


def _drop_constraint(action: Action, place: Place) -> Iterator[Use]:
    found = _constraint(place.schema.seen(action.relation), action.name)
    if found is not None and found.references is not None:
        yield Use("drop foreign key", action.relation, (found.references,))
        return
    others: tuple[Relation, ...] = ()
    if action.cascade and found is not None and found.kind in ("primary key", "unique"):
        others = tuple(table.relation for table, _ in place.schema.referencing(action.relation))
    yield Use("drop constraint", action.relation, others)


def _alter_constraint(action: Action, place: Place) -> Iterator[Use]:
    found = _constraint(place.schema.seen(action.relation), action.name)
    others = (found.references,) if found is not None and found.references is not None else ()
    enforced = action.options.get("enforced")
    names = {"yes": "alter constraint enforced", "no": "alter constraint not enforced"}
    yield Use(names.get(enforced or "", "alter constraint"), action.relation, others if enforced else ())


def _set_expression(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.seen(action.relation)
    column = known.columns.get(action.name) if known else None
    virtual = column is not None and column.generated == "virtual"
    yield Use("set expression virtual" if virtual else "set expression", action.relation)


READERS: dict[str, Reader] = {
    "add column": _add_column,
    "drop column": _drop_column,
    "set not null": _set_not_null,
    "set type": _set_type,
    "set expression": _set_expression,
    "add constraint": _add_constraint,
    "validate constraint": _validate,
    "drop constraint": _drop_constraint,
    "alter constraint": _alter_constraint,
}
