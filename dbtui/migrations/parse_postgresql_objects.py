"""PostgreSQL's statements that make, change and drop objects, as actions: see `parse_postgresql`."""

from __future__ import annotations

import re
from dataclasses import replace

from dbtui.migrations.libpg_query import pb
from dbtui.migrations.parse_postgresql_alter import default_text
from dbtui.migrations.parse_postgresql_parts import (
    Reader,
    column,
    constraint,
    data_type,
    from_parts,
    named,
    relation,
    strings,
    type_message,
)
from dbtui.migrations.parse_postgresql_work import mentioned, tables_read
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, IndexDef, Relation


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


def _create_table_as(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.into.rel)
    op = "create materialized view" if message.objtype == pb.OBJECT_MATVIEW else "create table as"
    options = {"columns": mentioned(message.query)}
    if message.into.skip_data:
        options["empty"] = "yes"
    return (
        Action(
            op,
            target,
            others=tables_read(message, [target]),
            if_not_exists=message.if_not_exists,
            options=options,
        ),
    )


def _view(message: type_message, sql: str) -> tuple[Action, ...]:
    target = relation(message.view)
    options = {"columns": mentioned(message.query)}
    if message.replace:
        options["replace"] = "yes"
    return (Action("create view", target, others=tables_read(message.query), options=options),)


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


def _on(op: str, field: str = "relation") -> Reader:
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


def _named_parts(op: str, field: str) -> Reader:
    def read(message: type_message, sql: str) -> tuple[Action, ...]:
        return (Action(op, from_parts(strings(getattr(message, field)))),)

    return read


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


def _statistics(message: type_message, sql: str) -> tuple[Action, ...]:
    return tuple(Action("create statistics", relation(node.range_var)) for node in message.relations)


def _owner(message: type_message, sql: str) -> tuple[Action, ...]:
    return (Action("owner of definition"),)


def _plainly(op: str) -> Reader:
    return lambda message, sql: (Action(op, Relation(getattr(message, "dbname", ""))),)


READERS: dict[str, Reader] = {
    "create_stmt": _create_table,
    "create_seq_stmt": _create_sequence,
    "index_stmt": _create_index,
    "drop_stmt": _drop,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "create_table_as_stmt": _create_table_as,
    "view_stmt": _view,
    "create_domain_stmt": _domain,
    "alter_domain_stmt": _alter_domain,
    "create_enum_stmt": _named_parts("create enum", "type_name"),
    "alter_enum_stmt": _alter_enum,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _on("create policy", "table"),
    "alter_policy_stmt": _on("alter policy", "table"),
    "rule_stmt": _on("create rule"),
    "create_function_stmt": _function,
    "comment_stmt": _comment,
    "create_publication_stmt": _publication,
    "alter_publication_stmt": _publication,
    "create_stats_stmt": _statistics,
    "alter_seq_stmt": _on("alter sequence", "sequence"),
    "alter_owner_stmt": _owner,
    "alter_type_stmt": _named_parts("alter type", "type_name"),
    "dropdb_stmt": _plainly("drop database"),
    "drop_table_space_stmt": _plainly("drop tablespace"),
    "reassign_owned_stmt": _plainly("reassign owned"),
    "create_subscription_stmt": _plainly("create subscription"),
    "alter_subscription_stmt": _plainly("alter subscription"),
    "drop_subscription_stmt": _plainly("drop subscription"),
}
