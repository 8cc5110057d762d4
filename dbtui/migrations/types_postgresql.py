"""What a change of type costs in PostgreSQL: nothing, an index, or the whole table."""

from __future__ import annotations

from dataclasses import replace

from dbtui.model.migration import ColumnDef, DataType, Schema

_PRECISION = {"timestamp": 6, "timestamptz": 6, "time": 6, "timetz": 6, "interval": 6}
_SAME = {("text", "varchar"), ("varchar", "text"), ("cidr", "inet"), ("xml", "text"), ("xml", "varchar")}
# The same bytes, but ordered by other operators: the heap stays, an index on the column does not.
_OTHER_OPERATORS = {
    ("citext", "text"), ("citext", "varchar"), ("text", "bpchar"), ("varchar", "bpchar"), ("bit", "varbit"),
    ("varbit", "bit"),
}  # fmt: skip
_OBJECTS = {"int4", "oid", "regproc", "regprocedure", "regoper", "regoperator", "regclass", "regcollation", "regtype",
            "regconfig", "regdictionary", "regrole", "regnamespace"}  # fmt: skip
_ALIASES = {"integer": "int4", "int": "int4", "bigint": "int8", "smallint": "int2", "decimal": "numeric"}


def cost_of_type_change(old: ColumnDef, new: ColumnDef, schema: Schema, *, using_expression: bool) -> str:
    """ "free", "zone" (free when the session's TimeZone is UTC), "index" or "rewrite".

    Source: PostgreSQL's ATColumnChangeRequiresRewrite and the length coercion support functions, measured
    on 10 to 18.
    """
    if using_expression:
        return "rewrite"
    was, now = _canonical(old.type, schema), _canonical(new.type, schema)
    domain = schema.domain(new.type)
    collated = bool(new.collation) and new.collation != old.collation
    if domain is not None and domain.constrained:
        cost = "rewrite"
    elif now.array or was.array:
        # varchar(10)[] to varchar(20)[] is written anew, too: the coercion works on elements.
        cost = "free" if now in (was, replace(was, modifiers=())) else "rewrite"
    else:
        cost = _plain(was, now)
    return "index" if cost == "free" and collated else cost


def same_operators(was: DataType, now: DataType, schema: Schema) -> bool:
    """Whether a foreign key of the one type holds for the other without a look at its rows."""
    names = {_canonical(was, schema).name, _canonical(now, schema).name}
    return len(names) == 1 or names == {"text", "varchar"}


def _canonical(declared: DataType, schema: Schema) -> DataType:
    """The type itself, not the domain that stands for it, by its one name."""
    domain = schema.domain(declared)
    plain = domain.base if domain is not None else declared
    return replace(plain, name=_ALIASES.get(plain.name, plain.name))


def _plain(was: DataType, now: DataType) -> str:
    if was == now:
        return "free"
    pair = (was.name, now.name)
    if set(pair) == {"timestamp", "timestamptz"}:
        wider = _precision(now) >= _precision(was)
        return "zone" if wider else "rewrite"
    if pair == ("text", "citext") or pair == ("varchar", "citext"):
        return "index"
    if pair in _OTHER_OPERATORS and not now.modifiers:
        return "index"
    if was.name in _OBJECTS and now.name in _OBJECTS:
        return "index"
    if was.name in ("text", "varchar") and now.name in ("text", "varchar"):
        return _text(was, now)
    if pair in _SAME:
        return "free"
    if was.name != now.name:
        return "rewrite"
    return _same_name(was, now)


def _text(was: DataType, now: DataType) -> str:
    if not now.modifiers or now.name == "text":
        return "free"
    if was.name == "text" or not was.modifiers:
        return "rewrite"
    return "free" if int(now.modifiers[0]) >= int(was.modifiers[0]) else "rewrite"


def _same_name(was: DataType, now: DataType) -> str:
    if now.name == "numeric":
        return _numeric(was, now)
    if now.name in _PRECISION:
        return "free" if _precision(now) >= _precision(was) else "rewrite"
    if now.name == "varbit":
        if not now.modifiers:
            return "free"
        return "free" if was.modifiers and int(now.modifiers[0]) >= int(was.modifiers[0]) else "rewrite"
    return "free" if now.modifiers in (was.modifiers, ()) else "rewrite"


def _numeric(was: DataType, now: DataType) -> str:
    if not now.modifiers:
        return "free"
    if not was.modifiers:
        return "rewrite"
    old_precision, old_scale = _two(was)
    new_precision, new_scale = _two(now)
    return "free" if new_scale == old_scale and new_precision >= old_precision else "rewrite"


def _two(declared: DataType) -> tuple[int, int]:
    first = int(declared.modifiers[0])
    return first, int(declared.modifiers[1]) if len(declared.modifiers) > 1 else 0


def _precision(declared: DataType) -> int:
    return int(declared.modifiers[-1]) if declared.modifiers else _PRECISION[declared.name]
