"""PostgreSQL's parse tree: types, defaults, constraints, columns and names, as our nouns."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from dbtui.migrations.libpg_query import pb
from dbtui.model.migration import (
    Action,
    ColumnDef,
    ConstraintDef,
    DataType,
    Default,
    Relation,
    Volatility,
)

# A protobuf message of libpg_query. Its fields are read by name; a generated type per message adds nothing here.
type_message = Any
Reader = Callable[[type_message, str], tuple[Action, ...]]  # of a statement and its text

_SERIAL = {"serial": "int4", "serial4": "int4", "bigserial": "int8", "serial8": "int8", "smallserial": "int2"}
_ACTIONS = {"c": "cascade", "n": "set null", "d": "set default", "r": "restrict", "a": ""}


def inner(node: type_message) -> type_message:
    """The message inside a Node, or None when the node is empty."""
    which = node.WhichOneof("node")
    return None if which is None else getattr(node, which)


def strings(nodes: Iterable[type_message]) -> tuple[str, ...]:
    """The texts of a list of String nodes."""
    return tuple(node.string.sval for node in nodes if node.WhichOneof("node") == "string")


def relation(var: type_message) -> Relation:
    return Relation(var.relname, var.schemaname)


def named(node: type_message) -> Relation:
    """A relation from a List of String nodes (DROP, COMMENT) or a RangeVar."""
    value = inner(node)
    if node.WhichOneof("node") == "range_var":
        return relation(value)
    if node.WhichOneof("node") == "type_name":
        return from_parts(strings(value.names))
    if node.WhichOneof("node") == "string":
        return Relation(value.sval)
    return from_parts(strings(value.items) if hasattr(value, "items") else ())


def from_parts(names: tuple[str, ...]) -> Relation:
    if not names:
        return Relation("")
    return Relation(names[-1], names[-2] if len(names) > 1 else "")


def walk(message: type_message) -> Iterator[type_message]:
    """Every message below this one, itself first."""
    waiting = [message]
    while waiting:
        current = waiting.pop()
        yield current
        for descriptor, value in current.ListFields():
            if descriptor.message_type is None:
                continue
            if hasattr(value, "ListFields"):
                waiting.append(value)
            else:
                waiting.extend(value)


def data_type(name: type_message) -> DataType:
    """A TypeName. Built-in types lose their schema; typmods become texts."""
    names = strings(name.names)
    plain = names[-1] if names else ""
    schema = names[-2] if len(names) > 1 and names[-2] != "pg_catalog" else ""
    modifiers = tuple(
        str(mod.a_const.ival.ival) for mod in name.typmods if mod.WhichOneof("node") == "a_const"
    )
    return DataType(plain, modifiers, bool(name.array_bounds), schema)


@cache
def stable_functions() -> frozenset[str]:
    """Names of built-in functions that are computed once per statement at most."""
    text = files("dbtui.migrations").joinpath("locks/functions.toml").read_text("utf-8")
    return frozenset(tomllib.loads(text)["stable"].split())


def default(expression: type_message, text: str) -> Default:
    """A default and how often the server must compute it. Functions that are not known count as volatile."""
    value = inner(expression)
    while value is not None and isinstance(value, pb.TypeCast):
        value = inner(value.arg)
    if isinstance(value, pb.A_Const):
        return Default(text, Volatility.NULL if value.isnull else Volatility.CONSTANT)
    functions: list[str] = []
    stable = False
    for message in walk(expression):
        if isinstance(message, pb.FuncCall):
            names = strings(message.funcname)
            builtin = len(names) == 1 or names[0] == "pg_catalog"
            if not (builtin and names[-1] in stable_functions()):
                functions.append(".".join(names))
            stable = True
        elif isinstance(message, pb.SQLValueFunction):
            stable = True
    if functions:
        return Default(text, Volatility.VOLATILE, tuple(functions))
    return Default(text, Volatility.STABLE if stable else Volatility.CONSTANT)


def constants(message: type_message) -> frozenset[str]:
    """The constants that an expression or a partition's bound names, as texts."""
    found: set[str] = set()
    for part in walk(message):
        if isinstance(part, pb.A_Const) and not part.isnull:
            kind = part.WhichOneof("val") or ""
            found.add(str(getattr(getattr(part, kind), kind)) if kind else "0")
    return frozenset(found)


def proved_not_null(expression: type_message) -> frozenset[str]:
    """Columns that a check of this shape proves NOT NULL: `x IS NOT NULL`, AND of such, `NOT (x IS NULL)`."""
    value = inner(expression)
    if isinstance(value, pb.NullTest) and value.nulltesttype == pb.IS_NOT_NULL:
        return frozenset(_column_of(value.arg))
    if isinstance(value, pb.BoolExpr):
        if value.boolop == pb.AND_EXPR:
            return frozenset().union(*(proved_not_null(arg) for arg in value.args))
        if value.boolop == pb.NOT_EXPR:
            inside = inner(value.args[0])
            if isinstance(inside, pb.NullTest) and inside.nulltesttype == pb.IS_NULL:
                return frozenset(_column_of(inside.arg))
    return frozenset()


def _column_of(node: type_message) -> tuple[str, ...]:
    value = inner(node)
    return strings(value.fields)[-1:] if isinstance(value, pb.ColumnRef) else ()


def columns_read(expression: type_message) -> frozenset[str]:
    """Names of the columns that an expression mentions."""
    names: set[str] = set()
    for message in walk(expression):
        if isinstance(message, pb.ColumnRef):
            names.update(strings(message.fields)[-1:])
    return frozenset(names)


_KINDS = {
    pb.CONSTR_CHECK: "check",
    pb.CONSTR_PRIMARY: "primary key",
    pb.CONSTR_UNIQUE: "unique",
    pb.CONSTR_EXCLUSION: "exclude",
    pb.CONSTR_FOREIGN: "foreign key",
    pb.CONSTR_NOTNULL: "not null",
}


def constraint(message: type_message, text: str = "", column: str = "") -> ConstraintDef | None:
    """A table's or column's constraint; None for what only decorates one (DEFERRABLE) or is a default."""
    kind = _KINDS.get(message.contype)
    if kind is None:
        return None
    columns = strings(message.fk_attrs if kind == "foreign key" else message.keys) or (
        (column,) if column else ()
    )
    if kind == "exclude":
        columns = tuple(element.list.items[0].index_elem.name for element in message.exclusions)
    checks = kind == "check"
    enforced = message.is_enforced if kind in ("check", "foreign key") else True
    return ConstraintDef(
        kind=kind,
        name=message.conname,
        columns=columns,
        references=relation(message.pktable) if kind == "foreign key" else None,
        referenced_columns=strings(message.pk_attrs),
        valid=not message.skip_validation and enforced,
        enforced=enforced,
        using_index=message.indexname,
        no_inherit=message.is_no_inherit,
        not_null=proved_not_null(message.raw_expr)
        if checks
        else frozenset(columns if kind == "not null" else ()),
        mentions=columns_read(message.raw_expr) if checks else frozenset(),
        constants=constants(message.raw_expr) if checks else frozenset(),
        on_delete=_ACTIONS.get(message.fk_del_action, ""),
        on_update=_ACTIONS.get(message.fk_upd_action, ""),
        text=text,
    )


def column(message: type_message, default_text: str = "") -> ColumnDef:
    """A column of CREATE TABLE or ADD COLUMN."""
    declared = data_type(message.type_name)
    serial = _SERIAL.get(declared.name)
    found: list[ConstraintDef] = []
    value: Default | None = None
    generated = ""
    identity = False
    not_null = serial is not None
    for node in message.constraints:
        item = node.constraint
        if item.contype == pb.CONSTR_DEFAULT:
            value = default(item.raw_expr, default_text)
        elif item.contype == pb.CONSTR_GENERATED:
            generated = "virtual" if item.generated_kind == "v" else "stored"
        elif item.contype == pb.CONSTR_IDENTITY:
            identity = not_null = True
        elif made := constraint(item, column=message.colname):
            found.append(made)
            not_null = not_null or made.kind in ("not null", "primary key")
    return ColumnDef(
        name=message.colname,
        type=DataType(serial) if serial else declared,
        not_null=not_null,
        default=value,
        identity=identity,
        serial=serial is not None,
        generated=generated,
        collation=".".join(strings(message.coll_clause.collname)),
        constraints=tuple(c for c in found if c.kind != "not null"),
    )
