"""Which cells of the matrices of MySQL and MariaDB an action is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dbtui.migrations.uses_mysql_columns import add_column, change_column, drop_column
from dbtui.model.migration import (
    Action,
    KnownTable,
    Relation,
    Schema,
    Statement,
)

Reader = Callable[[Action, Statement, KnownTable | None, Mapping[str, str]], Iterator[str]]


def cells_of(
    action: Action, statement: Statement, schema: Schema, settings: Mapping[str, str]
) -> Iterator[tuple[str, Relation]]:
    """The cells of one action with the table each is about."""
    table = (
        action.others[0] if action.op in ("drop index", "rename index") and action.others else action.relation
    )
    reader = _READERS.get(action.op)
    if action.op == "rename column" and any(
        action.name in constraint.referenced_columns for _, constraint in schema.referencing(table)
    ):
        yield "rename column referenced", table
    elif reader is not None:
        for name in reader(action, statement, schema.table(table), settings):
            yield name, table


def _add_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    made = action.constraint
    assert made is not None
    if made.kind == "primary key":
        replaces = any(other.op == "drop primary key" for other in statement.actions)
        yield "replace primary key" if replaces else "add primary key"
    elif made.kind == "unique":
        yield "add index"
    elif made.kind == "foreign key":
        unchecked = settings.get("foreign_key_checks", "1").lower() in ("0", "off", "false")
        yield "add foreign key unchecked" if unchecked else "add foreign key"
    else:
        yield "add check" if made.enforced else "add check not enforced"


def _drop_primary_key(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    added = (other.constraint for other in statement.actions if other.constraint is not None)
    if not any(made.kind == "primary key" for made in added):
        yield "drop primary key"


def _drop_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    found = next((c for c in known.constraints if c.name == action.name), None) if known else None
    kind = found.kind if found else action.options.get("kind", "check")
    names = {"foreign key": "drop foreign key", "unique": "drop index", "primary key": "drop primary key"}
    yield names.get(kind, "drop check")


def _create_index(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    index = action.index
    assert index is not None
    if index.method == "fulltext":
        another = known is not None and any(other.method == "fulltext" for other in known.indexes)
        yield "fulltext" if another else "first fulltext"
    else:
        plain = "add index" if all(index.columns) else "add index expression"
        yield "spatial" if index.method == "spatial" else plain


def _rebuild(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    engine = action.options.get("engine", "innodb")
    was = known.options.get("engine", "innodb") if known else "innodb"
    if engine != was:
        yield "change engine"
    elif action.name == "ORDER BY":
        yield "order by"
    elif action.name in ("ENCRYPTION", "ENCRYPTED"):
        same = known is not None and _encryption(action.options) == _encryption(known.options)
        yield "table options" if same else "encryption"
    elif known is not None and any(index.method == "fulltext" for index in known.indexes):
        yield "rebuild table fulltext"
    else:
        yield "rebuild table"


def _encryption(options: Mapping[str, str]) -> bool:
    return {options.get("encryption", "n"), options.get("encrypted", "no")} & {"y", "yes"} != set()


def _table_options(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "keys" if action.name == "KEYS" else "table options"


def _alter_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "enforce check" if action.options.get("enforced") == "yes" else "drop check"


def _add_partition(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "add range partition" if "VALUES" in action.text.upper() else "add hash partition"


def _is(name: str) -> Reader:
    def read(
        action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
    ) -> Iterator[str]:
        yield name

    return read


_READERS: dict[str, Reader] = {
    "add column": add_column,
    "drop column": drop_column,
    "change column": change_column,
    "add constraint": _add_constraint,
    "drop constraint": _drop_constraint,
    "alter constraint": _alter_constraint,
    "drop primary key": _drop_primary_key,
    "create index": _create_index,
    "drop index": _is("drop index"),
    "rename index": _is("rename index"),
    "index visibility": _is("index visibility"),
    "rename column": _is("rename column"),
    "set default": _is("column metadata"),
    "drop default": _is("column metadata"),
    "column visibility": _is("column metadata"),
    "rebuild table": _rebuild,
    "optimize table": _rebuild,
    "convert charset": _is("convert charset"),
    "default charset": _is("default charset"),
    "table options": _table_options,
    "rename table": _is("rename table"),
    "partition by": _is("partition by"),
    "add partition": _add_partition,
    "drop partition": _is("drop partition"),
    "truncate partition": _is("drop partition"),
    "exchange partition": _is("exchange partition"),
    "reorganize partition": _is("reorganize partition"),
    "truncate": _is("exclusive"),
    "drop table": _is("exclusive"),
    "create trigger": _is("exclusive"),
    "tablespace file": _is("exclusive"),
    "add versioning": _is("add versioning"),
    "drop versioning": _is("drop versioning"),
    "add vector index": _is("add vector index"),
}
