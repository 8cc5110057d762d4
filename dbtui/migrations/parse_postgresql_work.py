"""PostgreSQL's statements that read, write or look after what is there, as actions: see `parse_postgresql`."""

from __future__ import annotations

from collections.abc import Iterable

from dbtui.migrations.libpg_query import pb
from dbtui.migrations.parse_postgresql_parts import (
    Reader,
    columns_read,
    inner,
    relation,
    strings,
    type_message,
    walk,
)
from dbtui.model.locks import STRENGTH
from dbtui.model.migration import Action, Relation


def _transaction(message: type_message, sql: str) -> tuple[Action, ...]:
    kind = pb.TransactionStmtKind.Name(message.kind).removeprefix("TRANS_STMT_").lower().replace("_", " ")
    return (Action("begin" if kind == "start" else kind, name=message.savepoint_name),)


def _set(message: type_message, sql: str) -> tuple[Action, ...]:
    values = []
    for node in message.args:
        value = inner(node.a_const.sval if node.WhichOneof("node") == "string" else node)
        if isinstance(value, pb.A_Const):
            held = value.WhichOneof("val")
            if held == "sval":
                values.append(value.sval.sval)
            elif held == "ival":
                values.append(str(value.ival.ival))
            elif held == "fval":
                values.append(value.fval.fval)
        elif isinstance(value, pb.TypeCast):
            values.append(value.arg.a_const.sval.sval)
    reset = message.kind not in (pb.VAR_SET_VALUE, pb.VAR_SET_CURRENT)
    name = message.name.lower()
    if message.kind == pb.VAR_SET_MULTI:
        name, reset = "transaction", False
    return (Action("reset" if reset else "set", name=name, new_name=", ".join(values),
                   options={"local": "yes"} if message.is_local else {}),)  # fmt: skip


def tables_read(message: type_message, but: Iterable[Relation] = ()) -> tuple[Relation, ...]:
    """Relations that a query reads, without its own WITH names."""
    own: set[str] = set()
    found: dict[Relation, None] = {}
    for part in walk(message):
        if isinstance(part, pb.CommonTableExpr):
            own.add(part.ctename)
        elif isinstance(part, pb.RangeVar):
            found[relation(part)] = None
    left_out = set(but)
    return tuple(r for r in reversed(found) if r not in left_out and not (r.name in own and not r.schema))


def _dml(op: str) -> Reader:
    def read(message: type_message, sql: str) -> tuple[Action, ...]:
        target = relation(message.relation)
        options = {}
        if op in ("update", "delete") and message.HasField("where_clause"):
            options["where"] = "yes"
        rows_only = op == "insert" and bool(message.select_stmt.select_stmt.values_lists)
        others = tables_read(message, [target]) if not rows_only and len(sql) < 20_000 else ()
        return (Action(op, target, others=others, options=options),)

    return read


def _select(message: type_message, sql: str) -> tuple[Action, ...]:
    if message.HasField("into_clause"):
        target = relation(message.into_clause.rel)
        return (Action("create table as", target, others=tables_read(message, [target])),)
    settings = _set_config(message)
    if settings:
        return settings
    written = [
        part for part in walk(message) if isinstance(part, pb.UpdateStmt | pb.DeleteStmt | pb.InsertStmt)
    ]
    if written:
        ops = {pb.UpdateStmt: "update", pb.DeleteStmt: "delete", pb.InsertStmt: "insert"}
        return tuple(_dml(ops[type(part)])(part, sql)[0] for part in written)
    op = "select for update" if message.locking_clause else "select"
    return (Action(op, others=tables_read(message)),)


def _set_config(message: type_message) -> tuple[Action, ...]:
    """`SELECT set_config('search_path', '', false)` as dumps write it."""
    for target in message.target_list:
        value = inner(target.res_target.val)
        if isinstance(value, pb.FuncCall) and strings(value.funcname)[-1:] == ("set_config",):
            texts = [arg.a_const.sval.sval for arg in value.args[:2]]
            if len(texts) == 2 and texts[0]:
                return (Action("set", name=texts[0].lower(), new_name=texts[1]),)
    return ()


def mentioned(query: type_message) -> str:
    """Names of the columns that a query mentions, one a line, with "*" where it takes them all."""
    stars = any(isinstance(part, pb.A_Star) for part in walk(query))
    return "\n".join([*sorted(columns_read(query)), *(["*"] if stars else [])])


def _reindex(message: type_message, sql: str) -> tuple[Action, ...]:
    kind = pb.ReindexObjectType.Name(message.kind).removeprefix("REINDEX_OBJECT_").lower()
    concurrently = any(node.def_elem.defname == "concurrently" for node in message.params)
    target = relation(message.relation) if message.HasField("relation") else Relation(message.name)
    return (Action(f"reindex {kind}", target, concurrently=concurrently),)


def _vacuum(message: type_message, sql: str) -> tuple[Action, ...]:
    full = any(node.def_elem.defname == "full" and not is_off(node.def_elem.arg) for node in message.options)
    op = ("vacuum full" if full else "vacuum") if message.is_vacuumcmd else "analyze"
    variables = [node.vacuum_relation.relation for node in message.rels]
    if not variables:
        return (Action(op),)
    return tuple(Action(op, relation(var), options=only(var)) for var in variables)


def is_off(argument: type_message) -> bool:
    """Whether the value of an option switches it off."""
    value = inner(argument)
    return getattr(value, "sval", "") in ("off", "false") or getattr(value, "boolval", True) is False


def _truncate(message: type_message, sql: str) -> tuple[Action, ...]:
    cascade = message.behavior == pb.DROP_CASCADE
    return tuple(
        Action("truncate", relation(node.range_var), cascade=cascade, options=only(node.range_var))
        for node in message.relations
    )


def only(var: type_message) -> dict[str, str]:
    """Whether ONLY was written, so that partitions and children stay out of it."""
    return {} if var.inh else {"only": "yes"}


def _lock(message: type_message, sql: str) -> tuple[Action, ...]:
    mode = STRENGTH[message.mode - 1]
    return tuple(
        Action("lock table", relation(node.range_var), name=mode, options=only(node.range_var))
        for node in message.relations
    )


def _copy(message: type_message, sql: str) -> tuple[Action, ...]:
    if not message.is_from:
        others = tables_read(message.query) if message.HasField("query") else (relation(message.relation),)
        return (Action("select", others=others),)
    return (Action("copy", relation(message.relation)),)


def _grant(message: type_message, sql: str) -> tuple[Action, ...]:
    tables = tuple(
        relation(node.range_var) for node in message.objects if node.WhichOneof("node") == "range_var"
    )
    if message.objtype != pb.OBJECT_TABLE:
        tables = ()
    return (Action("grant" if message.is_grant else "revoke", others=tables),)


def _cluster(message: type_message, sql: str) -> tuple[Action, ...]:
    return (Action("cluster", relation(message.relation)),)


def _refresh(message: type_message, sql: str) -> tuple[Action, ...]:
    options = {"empty": "yes"} if message.skip_data else {}
    target = relation(message.relation)
    return (Action("refresh materialized view", target, concurrently=message.concurrent, options=options),)


READERS: dict[str, Reader] = {
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "update_stmt": _dml("update"),
    "delete_stmt": _dml("delete"),
    "insert_stmt": _dml("insert"),
    "merge_stmt": _dml("merge"),
    "select_stmt": _select,
    "reindex_stmt": _reindex,
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "refresh_mat_view_stmt": _refresh,
    "truncate_stmt": _truncate,
    "lock_stmt": _lock,
    "copy_stmt": _copy,
    "grant_stmt": _grant,
}
