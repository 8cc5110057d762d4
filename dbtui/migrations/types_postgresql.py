"""What a change of type costs in PostgreSQL: nothing, an index, or the whole table."""

from __future__ import annotations

from dataclasses import replace

from dbtui.model.migration import ColumnDef, DataType, Schema

_PRECISION = {"timestamp": 6, "timestamptz": 6, "time": 6, "timetz": 6, "interval": 6}
_SAME = {("text", "varchar"), ("varchar", "text"), ("cidr", "inet"), ("xml", "text"), ("xml", "varchar")}
_ALIASES = {"integer": "int4", "int": "int4", "bigint": "int8", "smallint": "int2", "decimal": "numeric"}


def cost_of_type_change(old: ColumnDef, new: ColumnDef, schema: Schema, *, using_expression: bool) -> str:
    """ "free", "zone" (free when the session's TimeZone is UTC), "index" or "rewrite".

    Source: PostgreSQL's ATColumnChangeRequiresRewrite and the length coercion support functions, measured
    on 10 to 18.
    """
    if using_expression:
        return "rewrite"
    was, now = _canonical(old.type), _canonical(new.type)
    collated = bool(new.collation) and new.collation != old.collation
    if now.array or was.array:
        cost = "free" if was == now or _elements_widen(was, now) else "rewrite"
    elif now.name in schema.domains or f"{now.schema}.{now.name}" in schema.domains:
        known = schema.domains.get(now.name, schema.domains.get(f"{now.schema}.{now.name}", True))
        cost = "rewrite" if known else "free"
    else:
        cost = _plain(was, now)
    return "index" if cost == "free" and collated else cost


def _canonical(declared: DataType) -> DataType:
    return replace(declared, name=_ALIASES.get(declared.name, declared.name))


def _elements_widen(was: DataType, now: DataType) -> bool:
    """varchar(10)[] to varchar(20)[] rewrites too: the coercion works on elements. Only equal arrays are free."""
    return was == now


def _plain(was: DataType, now: DataType) -> str:
    if was == now:
        return "free"
    pair = (was.name, now.name)
    if set(pair) == {"timestamp", "timestamptz"}:
        wider = _precision(now) >= _precision(was)
        return "zone" if wider else "rewrite"
    if pair == ("text", "citext") or pair == ("varchar", "citext"):
        return "index"
    if pair in (("citext", "text"), ("citext", "varchar")) and not now.modifiers:
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
    return "free" if was.modifiers == now.modifiers else "rewrite"


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
