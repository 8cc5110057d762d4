"""PostgreSQL's statements, understood by its own parser (libpg_query 18)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

from dbtui.migrations.libpg_query import ParseError, TooDeep, parse, pb
from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.parse_postgresql_alter import alter_table, default_text
from dbtui.migrations.parse_postgresql_parts import (
    column,
    columns_read,
    constraint,
    data_type,
    from_parts,
    inner,
    named,
    relation,
    strings,
    type_message,
    walk,
)
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, IndexDef, Relation

# A row of constants, as dumps have them by the thousand.
_ROWS = re.compile(
    r"INSERT\s+INTO\s+(?:(\w+|\"[^\"]+\")\.)?(\w+|\"[^\"]+\")\s*(?:\([^()']*\)\s*)?VALUES\s*"
    r"\((?:\s*(?:-?[\d.]+|'[^']*'|NULL|TRUE|FALSE)\s*(?:,|(?=\))))+\)",
    re.I,
)
_TOO_LONG = 1_000_000  # characters: a statement beyond this is data, not DDL


def understand(sql: str) -> tuple[Action, ...]:
    """The actions of one statement. Raises NotUnderstoodError."""
    if "\0" in sql:
        raise NotUnderstoodError("a NUL character, which PostgreSQL takes for the end")
    if sql[:6].upper() == "INSERT":
        if len(sql) > _TOO_LONG:
            return (Action("insert"),)
        plain = _ROWS.fullmatch(sql)
        if plain is not None:
            return _insert_of_constants(plain.group(1), plain.group(2))
    try:
        statements = parse(sql).stmts
    except ParseError as error:
        raise NotUnderstoodError(str(error)) from None
    except (TooDeep, UnicodeEncodeError):
        raise NotUnderstoodError("nested too deeply, or not valid text") from None
    if len(statements) != 1:
        raise NotUnderstoodError("not one statement")
    node = statements[0].stmt
    which = node.WhichOneof("node") or ""
    if which in _OPAQUE:
        raise NotUnderstoodError(_OPAQUE[which])
    try:
        reader = _READERS.get(which)
        if reader is not None:
            return reader(inner(node), sql)
        return (Action(_SIMPLE[which]),)
    except KeyError as missing:
        raise NotUnderstoodError(f"{which.removesuffix('_stmt').replace('_', ' ')}: {missing}") from None


_OPAQUE = {
    "do_stmt": "a DO block runs code that is not read",
    "call_stmt": "CALL runs a procedure whose code is not read",
    "execute_stmt": "EXECUTE runs a statement prepared elsewhere",
    "load_stmt": "LOAD runs code of a library",
    "drop_owned_stmt": "DROP OWNED drops what a role owns, which is not known here",
    "alter_table_move_all_stmt": "it copies every table of a tablespace, which are not known here",
}
_SIMPLE = {
    "create_schema_stmt": "create schema",
    "alter_collation_stmt": "alter collation",
    "grant_role_stmt": "grant",
    "alter_default_privileges_stmt": "grant",
    "variable_show_stmt": "show",
    "create_table_space_stmt": "create tablespace",
    "alter_table_space_options_stmt": "alter tablespace",
    "create_extension_stmt": "create extension",
    "alter_extension_stmt": "alter extension",
    "alter_extension_contents_stmt": "alter extension",
    "create_fdw_stmt": "create foreign data wrapper",
    "create_foreign_server_stmt": "create server",
    "alter_foreign_server_stmt": "alter server",
    "create_foreign_table_stmt": "create foreign table",
    "create_user_mapping_stmt": "create user mapping",
    "alter_user_mapping_stmt": "alter user mapping",
    "drop_user_mapping_stmt": "drop user mapping",
    "import_foreign_schema_stmt": "import foreign schema",
    "create_event_trig_stmt": "create event trigger",
    "alter_event_trig_stmt": "alter event trigger",
    "create_plang_stmt": "create language",
    "create_role_stmt": "create role",
    "alter_role_stmt": "alter role",
    "alter_role_set_stmt": "alter role",
    "drop_role_stmt": "drop role",
    "define_stmt": "create definition",
    "create_op_class_stmt": "create operator class",
    "create_op_family_stmt": "create operator family",
    "alter_op_family_stmt": "alter operator family",
    "sec_label_stmt": "security label",
    "declare_cursor_stmt": "declare cursor",
    "close_portal_stmt": "close cursor",
    "fetch_stmt": "fetch",
    "alter_stats_stmt": "alter statistics",
    "alter_function_stmt": "alter function",
    "alter_object_depends_stmt": "alter dependency",
    "alter_operator_stmt": "alter operator",
    "notify_stmt": "notify",
    "listen_stmt": "listen",
    "unlisten_stmt": "listen",
    "composite_type_stmt": "create type",
    "create_range_stmt": "create type",
    "createdb_stmt": "create database",
    "alter_database_stmt": "alter database",
    "alter_database_refresh_coll_stmt": "alter database",
    "alter_database_set_stmt": "alter database",
    "alter_system_stmt": "alter system",
    "check_point_stmt": "checkpoint",
    "discard_stmt": "discard",
    "constraints_set_stmt": "set constraints",
    "create_conversion_stmt": "create conversion",
    "create_cast_stmt": "create cast",
    "create_transform_stmt": "create transform",
    "prepare_stmt": "prepare",
    "deallocate_stmt": "deallocate",
    "alter_tsdictionary_stmt": "alter text search",
    "alter_tsconfiguration_stmt": "alter text search",
}


@cache
def _insert_of_constants(schema: str | None, name: str) -> tuple[Action, ...]:
    """One action for all rows of a table."""
    target = Relation(_identifier(name), _identifier(schema or ""))
    return (Action("insert", target),)


def _identifier(word: str) -> str:
    return word[1:-1] if word[:1] == '"' else word.lower()


def _create_sequence(message: type_message, sql: str) -> tuple[Action, ...]:
    return (Action("create sequence", relation(message.sequence), if_not_exists=message.if_not_exists),)


def _create_table(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.relation)
    columns: list[ColumnDef] = []
    constraints: list[ConstraintDef] = []
    likes: list[Relation] = []
    texts = _items(sql, len(message.table_elts))
    for node, text in zip(message.table_elts, texts, strict=True):
        which = node.WhichOneof("node")
        if which == "column_def":
            columns.append(
                replace(
                    column(node.column_def, default_text(text) if _DEFAULT.search(text) else ""), text=text
                )
            )
        elif which == "constraint":
            made = constraint(node.constraint, text)
            if made:
                constraints.append(made)
        elif which == "table_like_clause":
            likes.append(relation(node.table_like_clause.relation))
    parents = tuple(relation(node.range_var) for node in message.inh_relations)
    options = _table_options(message)
    if likes:
        options["like"] = str(likes[0])
    for one in columns:
        constraints.extend(one.constraints)
    return (
        Action(
            "create table",
            target,
            columns=tuple(columns),
            constraints=tuple(constraints),
            others=parents or tuple(likes),
            if_not_exists=message.if_not_exists,
            options=options,
        ),
    )


def _table_options(message: type_message) -> dict[str, str]:
    """How the table is stored, and what it is to other tables."""
    options: dict[str, str] = {}
    if message.HasField("partbound"):
        options["partition"] = "default" if message.partbound.is_default else "yes"
    elif message.inh_relations:
        options["inherits"] = "yes"
    if message.HasField("partspec"):
        options["partitioned"] = "yes"
        options["partition key"] = ",".join(
            node.partition_elem.name or "(…)" for node in message.partspec.part_params
        )
    if message.relation.relpersistence in _PERSISTENCE:
        options[_PERSISTENCE[message.relation.relpersistence]] = "yes"
    if message.access_method:
        options["access method"] = message.access_method
    if message.HasField("of_typename"):
        options["of"] = str(from_parts(strings(message.of_typename.names)))
    return options


_PERSISTENCE = {"t": "temporary", "u": "unlogged"}
_DEFAULT = re.compile(r"\bDEFAULT\b", re.I)
# What can hold, open, close or end an item; everything between is passed over.
_EDGES = re.compile(
    r"[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|(?P<tag>\$\w*\$).*?(?P=tag)|--[^\n]*"
    r"|/\*.*?\*/|[(),]",
    re.S,
)


def _items(sql: str, count: int) -> tuple[str, ...]:
    """The user's text of each column and constraint of a CREATE TABLE; empty texts where they cannot be told apart."""
    depth, start = 0, 0
    found: list[str] = []
    for edge in _EDGES.finditer(sql) if count else ():
        mark = edge.group()
        if mark == "(":
            depth += 1
            if depth == 1:
                start = edge.end()
        elif mark == ")":
            depth -= 1
            if not depth:
                found.append(sql[start : edge.start()].strip())
                break
        elif mark == "," and depth == 1:
            found.append(sql[start : edge.start()].strip())
            start = edge.end()
    return tuple(found) if len(found) == count else ("",) * count


def _create_index(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.relation)
    made = IndexDef(
        name=message.idxname,
        table=target,
        columns=tuple(node.index_elem.name for node in message.index_params),
        unique=message.unique,
        concurrently=message.concurrent,
        partial=message.HasField("where_clause"),
        method=message.access_method,
        only=not message.relation.inh,
    )
    return (
        Action(
            "create index",
            target,
            index=made,
            name=message.idxname,
            concurrently=message.concurrent,
            if_not_exists=message.if_not_exists,
        ),
    )


_DROPS = {
    pb.OBJECT_TABLE: "drop table",
    pb.OBJECT_FOREIGN_TABLE: "drop foreign table",
    pb.OBJECT_INDEX: "drop index",
    pb.OBJECT_VIEW: "drop view",
    pb.OBJECT_MATVIEW: "drop materialized view",
    pb.OBJECT_SEQUENCE: "drop sequence",
    pb.OBJECT_SCHEMA: "drop schema",
    pb.OBJECT_TYPE: "drop type",
    pb.OBJECT_DOMAIN: "drop domain",
    pb.OBJECT_TRIGGER: "drop trigger",
    pb.OBJECT_POLICY: "drop policy",
    pb.OBJECT_RULE: "drop rule",
    pb.OBJECT_FUNCTION: "drop function",
    pb.OBJECT_PROCEDURE: "drop function",
    pb.OBJECT_ROUTINE: "drop function",
    pb.OBJECT_AGGREGATE: "drop function",
    pb.OBJECT_EXTENSION: "drop extension",
}


def _drop(message: type_message, sql: str) -> tuple[Action, ...]:
    op = _DROPS.get(message.remove_type, "drop definition")
    cascade = message.behavior == pb.DROP_CASCADE
    made = []
    for node in message.objects:
        name = ""
        if op in ("drop trigger", "drop policy", "drop rule"):
            whole = strings(node.list.items)
            target, name = from_parts(whole[:-1]), whole[-1]
        elif op == "drop function":
            target = from_parts(strings(node.object_with_args.objname))
        else:
            target = named(node)
        made.append(
            Action(
                op,
                target,
                name=name,
                cascade=cascade,
                if_exists=message.missing_ok,
                concurrently=message.concurrent,
            )
        )
    return tuple(made)


def _rename(message: type_message, sql: str) -> tuple[Action, ...]:
    kinds = {
        pb.OBJECT_TABLE: "rename table",
        pb.OBJECT_COLUMN: "rename column",
        pb.OBJECT_TABCONSTRAINT: "rename constraint",
        pb.OBJECT_INDEX: "rename index",
        pb.OBJECT_VIEW: "rename view",
        pb.OBJECT_MATVIEW: "rename view",
        pb.OBJECT_SEQUENCE: "rename sequence",
        pb.OBJECT_SCHEMA: "rename schema",
        pb.OBJECT_TRIGGER: "rename trigger",
        pb.OBJECT_POLICY: "rename policy",
        pb.OBJECT_TYPE: "rename type",
        pb.OBJECT_DATABASE: "rename database",
        pb.OBJECT_RULE: "rename rule",
        pb.OBJECT_ATTRIBUTE: "alter type attribute",
    }
    target = relation(message.relation) if message.HasField("relation") else named(message.object)
    return (
        Action(
            kinds.get(message.rename_type, "rename definition"),
            target,
            cascade=message.behavior == pb.DROP_CASCADE,
            name=message.subname,
            new_name=message.newname,
            if_exists=message.missing_ok,
        ),
    )


def _set_schema(message: type_message, sql: str) -> tuple[Action, ...]:
    tables = (pb.OBJECT_TABLE, pb.OBJECT_FOREIGN_TABLE, pb.OBJECT_VIEW, pb.OBJECT_MATVIEW)
    op = "set schema" if message.object_type in tables else "set schema of definition"
    target = relation(message.relation) if message.HasField("relation") else named(message.object)
    return (Action(op, target, new_name=message.newschema),)


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


def _tables_read(message: type_message, but: Iterable[Relation] = ()) -> tuple[Relation, ...]:
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


def _dml(op: str) -> Callable[[type_message, str], tuple[Action, ...]]:
    def read(message: type_message, sql: str) -> tuple[Action, ...]:
        target = relation(message.relation)
        options = {}
        if op in ("update", "delete") and message.HasField("where_clause"):
            options["where"] = "yes"
        rows_only = op == "insert" and bool(message.select_stmt.select_stmt.values_lists)
        others = _tables_read(message, [target]) if not rows_only and len(sql) < 20_000 else ()
        return (Action(op, target, others=others, options=options),)

    return read


def _select(message: type_message, sql: str) -> tuple[Action, ...]:
    if message.HasField("into_clause"):
        target = relation(message.into_clause.rel)
        return (Action("create table as", target, others=_tables_read(message, [target])),)
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
    return (Action(op, others=_tables_read(message)),)


def _set_config(message: type_message) -> tuple[Action, ...]:
    """`SELECT set_config('search_path', '', false)` as dumps write it."""
    for target in message.target_list:
        value = inner(target.res_target.val)
        if isinstance(value, pb.FuncCall) and strings(value.funcname)[-1:] == ("set_config",):
            texts = [arg.a_const.sval.sval for arg in value.args[:2]]
            if len(texts) == 2 and texts[0]:
                return (Action("set", name=texts[0].lower(), new_name=texts[1]),)
    return ()


def _create_table_as(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.into.rel)
    op = "create materialized view" if message.objtype == pb.OBJECT_MATVIEW else "create table as"
    options = {"columns": _columns_read(message.query)}
    if message.into.skip_data:
        options["empty"] = "yes"
    return (
        Action(
            op,
            target,
            others=_tables_read(message, [target]),
            if_not_exists=message.if_not_exists,
            options=options,
        ),
    )


def _columns_read(query: type_message) -> str:
    """Names of the columns that a query mentions, one a line, with "*" where it takes them all."""
    stars = any(isinstance(part, pb.A_Star) for part in walk(query))
    return "\n".join([*sorted(columns_read(query)), *(["*"] if stars else [])])


def _view(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.view)
    options = {"columns": _columns_read(message.query)}
    if message.replace:
        options["replace"] = "yes"
    return (Action("create view", target, others=_tables_read(message.query), options=options),)


def _domain(message: type_message, sql: str) -> tuple[Action, ...]:
    constraints = tuple(
        made
        for node in message.constraints
        if (made := constraint(node.constraint, column="value")) is not None
    )
    base = ColumnDef("", data_type(message.type_name))
    name = from_parts(strings(message.domainname))
    return (Action("create domain", name, column=base, constraints=constraints),)


def _alter_domain(message: type_message, sql: str) -> tuple[Action, ...]:
    kinds = {
        "T": "domain default",
        "N": "domain drop not null",
        "O": "domain set not null",
        "C": "domain add constraint",
        "X": "domain drop constraint",
        "V": "domain validate constraint",
    }
    target = from_parts(strings(message.type_name))
    definition = getattr(message, "def")
    added = constraint(definition.constraint) if message.subtype == "C" else None
    return (Action(kinds[message.subtype], target, name=message.name, constraint=added),)


def _alter_enum(message: type_message, sql: str) -> tuple[Action, ...]:
    target = from_parts(strings(message.type_name))
    if message.old_val:
        return (Action("rename enum value", target, name=message.old_val, new_name=message.new_val),)
    options = {"placed": "yes"} if message.new_val_neighbor else {}
    return (Action("add enum value", target, name=message.new_val, options=options),)


def _reindex(message: type_message, sql: str) -> tuple[Action, ...]:
    kind = pb.ReindexObjectType.Name(message.kind).removeprefix("REINDEX_OBJECT_").lower()
    concurrently = any(node.def_elem.defname == "concurrently" for node in message.params)
    target = relation(message.relation) if message.HasField("relation") else Relation(message.name)
    return (Action(f"reindex {kind}", target, concurrently=concurrently),)


def _vacuum(message: type_message, sql: str) -> tuple[Action, ...]:
    full = any(node.def_elem.defname == "full" and not _is_off(node.def_elem.arg) for node in message.options)
    op = ("vacuum full" if full else "vacuum") if message.is_vacuumcmd else "analyze"
    variables = [node.vacuum_relation.relation for node in message.rels]
    if not variables:
        return (Action(op),)
    return tuple(Action(op, relation(var), options=_only(var)) for var in variables)


def _is_off(argument: type_message) -> bool:
    value = inner(argument)
    return getattr(value, "sval", "") in ("off", "false") or getattr(value, "boolval", True) is False


def _on(op: str, field: str = "relation") -> Callable[[type_message, str], tuple[Action, ...]]:
    """Reader of a statement about one relation in this field."""

    def read(message: type_message, sql: str) -> tuple[Action, ...]:
        name = getattr(message, "trigname", "") or getattr(message, "policy_name", "") or ""
        concurrently = bool(getattr(message, "concurrent", False))
        return (Action(op, relation(getattr(message, field)), name=name, concurrently=concurrently),)

    return read


def _trigger(message: type_message, sql: str) -> tuple[Action, ...]:
    others = (relation(message.constrrel),) if message.HasField("constrrel") else ()
    target = relation(message.relation)
    options = {"row": "yes"} if message.row else {}
    return (Action("create trigger", target, name=message.trigname, others=others, options=options),)


def _function(message: type_message, sql: str) -> tuple[Action, ...]:
    volatility = "volatile"
    for node in message.options:
        if node.def_elem.defname == "volatility":
            volatility = node.def_elem.arg.string.sval
    return (
        Action("create function", from_parts(strings(message.funcname)), options={"volatility": volatility}),
    )


def _named_parts(op: str, field: str) -> Callable[[type_message, str], tuple[Action, ...]]:
    def read(message: type_message, sql: str) -> tuple[Action, ...]:
        return (Action(op, from_parts(strings(getattr(message, field)))),)

    return read


def _truncate(message: type_message, sql: str) -> tuple[Action, ...]:
    cascade = message.behavior == pb.DROP_CASCADE
    return tuple(
        Action("truncate", relation(node.range_var), cascade=cascade, options=_only(node.range_var))
        for node in message.relations
    )


def _only(var: type_message) -> dict[str, str]:
    """Whether ONLY was written, so that partitions and children stay out of it."""
    return {} if var.inh else {"only": "yes"}


_LOCK_MODES = ("", "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
               "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")  # fmt: skip


def _lock(message: type_message, sql: str) -> tuple[Action, ...]:
    mode = _LOCK_MODES[message.mode]
    return tuple(
        Action("lock table", relation(node.range_var), name=mode, options=_only(node.range_var))
        for node in message.relations
    )


def _copy(message: type_message, sql: str) -> tuple[Action, ...]:
    if not message.is_from:
        others = _tables_read(message.query) if message.HasField("query") else (relation(message.relation),)
        return (Action("select", others=others),)
    return (Action("copy", relation(message.relation)),)


def _comment(message: type_message, sql: str) -> tuple[Action, ...]:
    kinds = {
        pb.OBJECT_TABLE: 0,
        pb.OBJECT_COLUMN: 1,
        pb.OBJECT_VIEW: 0,
        pb.OBJECT_MATVIEW: 0,
        pb.OBJECT_INDEX: 0,
    }
    if message.objtype not in kinds:
        return (Action("comment"),)
    names = strings(message.object.list.items)
    return (Action("comment", from_parts(names[: len(names) - kinds[message.objtype]])),)


def _publication(message: type_message, sql: str) -> tuple[Action, ...]:
    tables = tuple(
        relation(node.publication_obj_spec.pubtable.relation)
        for node in message.pubobjects
        if node.publication_obj_spec.HasField("pubtable")
    )
    name = "create publication" if isinstance(message, pb.CreatePublicationStmt) else "alter publication"
    if name == "alter publication" and message.action == pb.AP_DropObjects:
        name = "alter publication drop"
    return (Action(name, others=tables, name=message.pubname),)


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


def _statistics(message: type_message, sql: str) -> tuple[Action, ...]:
    return tuple(Action("create statistics", relation(node.range_var)) for node in message.relations)


def _owner(message: type_message, sql: str) -> tuple[Action, ...]:
    return (Action("owner of definition"),)


def _explain(message: type_message, sql: str) -> tuple[Action, ...]:
    """EXPLAIN ANALYZE runs what it explains."""
    runs = any(
        node.def_elem.defname == "analyze" and not _is_off(node.def_elem.arg) for node in message.options
    )
    which = message.query.WhichOneof("node")
    if runs and which in _READERS:
        return _READERS[which](inner(message.query), sql)
    return (Action("explain"),)


def _plainly(op: str) -> Callable[[type_message, str], tuple[Action, ...]]:
    return lambda message, sql: (Action(op, Relation(getattr(message, "dbname", ""))),)


_READERS: dict[str, Callable[[type_message, str], tuple[Action, ...]]] = {
    "alter_table_stmt": alter_table,
    "create_stmt": _create_table,
    "create_seq_stmt": _create_sequence,
    "index_stmt": _create_index,
    "drop_stmt": _drop,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "update_stmt": _dml("update"),
    "delete_stmt": _dml("delete"),
    "insert_stmt": _dml("insert"),
    "merge_stmt": _dml("merge"),
    "select_stmt": _select,
    "create_table_as_stmt": _create_table_as,
    "view_stmt": _view,
    "create_domain_stmt": _domain,
    "alter_domain_stmt": _alter_domain,
    "create_enum_stmt": _named_parts("create enum", "type_name"),
    "alter_enum_stmt": _alter_enum,
    "reindex_stmt": _reindex,
    "vacuum_stmt": _vacuum,
    "cluster_stmt": _cluster,
    "refresh_mat_view_stmt": _refresh,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _on("create policy", "table"),
    "alter_policy_stmt": _on("alter policy", "table"),
    "rule_stmt": _on("create rule"),
    "create_function_stmt": _function,
    "truncate_stmt": _truncate,
    "lock_stmt": _lock,
    "copy_stmt": _copy,
    "comment_stmt": _comment,
    "create_publication_stmt": _publication,
    "alter_publication_stmt": _publication,
    "grant_stmt": _grant,
    "create_stats_stmt": _statistics,
    "alter_seq_stmt": _on("alter sequence", "sequence"),
    "alter_owner_stmt": _owner,
    "alter_type_stmt": _named_parts("alter type", "type_name"),
    "dropdb_stmt": _plainly("drop database"),
    "drop_table_space_stmt": _plainly("drop tablespace"),
    "reassign_owned_stmt": _plainly("reassign owned"),
    "explain_stmt": _explain,
    "create_subscription_stmt": _plainly("create subscription"),
    "alter_subscription_stmt": _plainly("alter subscription"),
    "drop_subscription_stmt": _plainly("drop subscription"),
}
