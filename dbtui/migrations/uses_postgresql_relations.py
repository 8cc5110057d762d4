"""Which cells of PostgreSQL's matrix the actions on whole tables, partitions, indexes and views use."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.migrations.uses_postgresql import Place, Reader, Use
from dbtui.model.migration import Action, IndexDef, Relation, Schema


def _create_index(action: Action, place: Place) -> Iterator[Use]:
    index, table = action.index, action.relation
    assert index is not None
    known = place.schema.table(table)
    exists = known is not None and action.if_not_exists and any(i.name == index.name for i in known.indexes)
    if index.concurrently:
        yield Use("create index concurrently exists" if exists else "create index concurrently", table)
    elif exists:
        yield Use("create index exists", table)
    elif index.only:
        yield Use("create index only", table)
    elif known is not None and known.partitioned:
        yield Use("create index partitioned", table, tuple(c.relation for c in place.schema.children(table)))
    else:
        yield Use("create index", table)


def _drop_index(action: Action, place: Place) -> Iterator[Use]:
    found = place.schema.index(action.relation)
    name = "drop index concurrently" if action.concurrently else "drop index"
    yield Use(name, found[0].relation if found else None, index=action.relation)
    if found is not None and found[0].partitioned:
        for child in place.schema.children(found[0].relation):
            yield Use("metadata", child.relation)


def _reindex(action: Action, place: Place) -> Iterator[Use]:
    if action.op in ("reindex schema", "reindex database", "reindex system"):
        return
    whole = action.op == "reindex table"
    found = None if whole else place.schema.index(action.relation)
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


def proves_bound(action: Action, schema: Schema) -> bool:
    """Whether validated checks of the child name the partition's key and every value of its bound.

    The comparison itself is left to the server. A key that may be NULL must be said to be filled, too.
    """
    parent, child = schema.table(action.relation), schema.seen(action.others[0])
    if child is None:
        return False
    key = parent.options.get("partition key", "").split(",") if parent is not None else []
    checks = [c for c in child.constraints if c.kind == "check" and c.valid]
    filled = all(
        getattr(child.columns.get(name), "not_null", False) or child.proves_not_null(name) for name in key
    )
    said = frozenset[str]().union(*(c.constants for c in checks))
    mentioned = frozenset[str]().union(*(c.mentions for c in checks))
    bound = set(action.options.get("bound", "").split("\n"))
    return bool(checks) and filled and bound <= said and mentioned >= set(key)


def _attach_index(action: Action, place: Place) -> Iterator[Use]:
    yield Use("attach index", None, action.others, action.relation)
    found = [place.schema.index(index) for index in (action.relation, *action.others)]
    yield Use("read", None, tuple(one[0].relation for one in found if one is not None))


def _attach(action: Action, place: Place) -> Iterator[Use]:
    child = place.schema.table(action.others[0])
    fresh = child is not None and child.file != ""
    name = "attach partition"
    if proves_bound(action, place.schema) and not fresh:
        name += " indexes" if missing_indexes(action, place.schema) else " proved"
    yield Use(name, action.relation, action.others)
    yield from _default_partition(action.relation, place.schema)


def _default_partition(parent: Relation, schema: Schema) -> Iterator[Use]:
    for child in schema.children(parent):
        if child.default_partition:
            yield Use("default partition scan", child.relation)


def _default_beside(parent: Relation, schema: Schema) -> tuple[Relation, ...]:
    """The default partition, whose bound follows from those of the others."""
    return tuple(child.relation for child in schema.children(parent) if child.default_partition)


def _detach(action: Action, place: Place) -> Iterator[Use]:
    name = "detach partition concurrently" if action.concurrently else "detach partition"
    yield Use(name, action.relation, action.others)
    if not action.concurrently:
        for default in _default_beside(action.relation, place.schema):
            yield Use("metadata", default)


def _create_table(action: Action, place: Place) -> Iterator[Use]:
    if action.if_not_exists and place.schema.table(action.relation) is not None:
        return
    if "partition" in action.options:
        yield Use("create partition of", None, action.others)
        yield from _default_partition(action.others[0], place.schema)
    elif "inherits" in action.options:
        yield Use("create inherits", None, action.others)
    elif "like" in action.options:
        yield Use("create like", None, action.others)
    for constraint in action.constraints:
        other = constraint.references
        if other is not None and not place.schema.same(other, action.relation):
            children = tuple(child.relation for child in place.schema.children(other))
            yield Use("create references", None, (other, *children))


def _create_table_as(action: Action, place: Place) -> Iterator[Use]:
    there = action.if_not_exists and place.schema.table(action.relation) is not None
    empty = there or "empty" in action.options
    yield Use("create empty table as" if empty else "create table as", None, action.others)


def _drop_table(action: Action, place: Place) -> Iterator[Use]:
    schema = place.schema
    known = schema.table(action.relation)
    others = [c.references for c in (known.constraints if known else ()) if c.references]
    if known is not None and known.parent is not None:
        others += [known.parent, *_default_beside(known.parent, schema)]
    if action.cascade:
        others += [table.relation for table, _ in schema.referencing(action.relation)]
        others += [view.relation for view in place.views_on(action.relation)]
    others += [child.relation for child in schema.children(action.relation)] if known else []
    apart = tuple(other for other in others if not schema.same(other, action.relation))
    yield Use("drop table", action.relation, apart)


def _drop_schema(action: Action, place: Place) -> Iterator[Use]:
    for (schema, _), table in place.schema.tables.items():
        if schema == action.relation.name and action.cascade:
            yield Use("drop table", table.relation)


def _drop_type(action: Action, place: Place) -> Iterator[Use]:
    """CASCADE drops the columns of the type, and the tables made of it."""
    if not action.cascade:
        return
    for table in place.schema.tables.values():
        columns = any(place.schema.is_type(c.type, action.relation) for c in table.columns.values())
        if columns or table.options.get("of") == str(action.relation):
            yield Use("metadata", table.relation)


def _attribute(action: Action, place: Place) -> Iterator[Use]:
    """CASCADE carries a change of a composite type to the tables made of it."""
    for table in place.schema.tables.values():
        if action.cascade and table.options.get("of") == str(action.relation):
            yield Use("rewrite table" if "type" in action.options else "metadata", table.relation)


def _truncate(action: Action, place: Place) -> Iterator[Use]:
    only = "only" in action.options
    emptied = [action.relation]
    emptied += [child.relation for child in place.schema.children(action.relation) if not only]
    if action.cascade:
        emptied += [table.relation for table, _ in place.schema.referencing(action.relation)]
    for relation in emptied:
        yield Use("truncate", relation)


def _set_persistence(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.table(action.relation)
    wanted = "yes" if action.op == "set unlogged" else ""
    same = known is not None and known.kind == "table" and known.options.get("unlogged", "") == wanted
    yield Use("metadata" if same else "rewrite table", action.relation)


def _set_access_method(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.table(action.relation)
    same = known is not None and action.name == known.options.get("access method", "heap")
    yield Use("set access method same" if same else "set access method", action.relation)


def _set_options(action: Action, place: Place) -> Iterator[Use]:
    exclusive = "user_catalog_table" in action.options
    yield Use("set options exclusive" if exclusive else "set options", action.relation)


def _refresh(action: Action, place: Place) -> Iterator[Use]:
    known = place.schema.table(action.relation)
    reads = known.reads if known else ()
    if "empty" in action.options:
        yield Use("refresh empty", action.relation)
        return
    yield Use("refresh concurrently" if action.concurrently else "refresh", action.relation, reads)


def _create_view(action: Action, place: Place) -> Iterator[Use]:
    replaces = "replace" in action.options and place.schema.table(action.relation) is not None
    yield Use(
        "replace view" if replaces else "create view", action.relation if replaces else None, action.others
    )


def _domain(action: Action, place: Place) -> Iterator[Use]:
    if action.constraint is None or action.constraint.valid:
        using = (
            table.relation
            for table in place.schema.tables.values()
            if table.kind == "table"
            and any(place.schema.is_type(column.type, action.relation) for column in table.columns.values())
        )
        yield Use("domain check", None, tuple(using))


def _trigger(action: Action, place: Place) -> Iterator[Use]:
    yield Use("trigger", action.relation, action.others)
    if "row" in action.options and "partition key" in getattr(
        place.schema.table(action.relation), "options", {}
    ):
        for child in place.schema.children(action.relation):
            yield Use("trigger", child.relation)


def _statistics(action: Action, place: Place) -> Iterator[Use]:
    """VACUUM and ANALYZE go down to partitions, from 18 on to inheriting tables as well."""
    if not action.relation.name:
        return
    yield Use("statistics", action.relation)
    known = place.schema.table(action.relation)
    if known is not None and (known.partitioned or place.version >= (18,)) and "only" not in action.options:
        for child in place.schema.children(action.relation):
            yield Use("statistics", child.relation)


READERS: dict[str, Reader] = {
    "create index": _create_index,
    "drop index": _drop_index,
    **dict.fromkeys(("reindex index", "reindex table", "reindex schema", "reindex database"), _reindex),
    "attach index": _attach_index,
    "attach partition": _attach,
    "detach partition": _detach,
    "create table": _create_table,
    "create table as": _create_table_as,
    "create materialized view": _create_table_as,
    "drop table": _drop_table,
    "drop schema": _drop_schema,
    "drop type": _drop_type,
    "drop domain": _drop_type,
    "alter type attribute": _attribute,
    "truncate": _truncate,
    "set logged": _set_persistence,
    "set unlogged": _set_persistence,
    "set access method": _set_access_method,
    "set options": _set_options,
    "refresh materialized view": _refresh,
    "create view": _create_view,
    **dict.fromkeys(("create trigger", "enable trigger", "disable trigger"), _trigger),
    **dict.fromkeys(("vacuum", "analyze"), _statistics),
    **dict.fromkeys(("domain add constraint", "domain set not null", "domain validate constraint"), _domain),
}
