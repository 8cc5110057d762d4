"""ALTER TABLE of PostgreSQL: its subcommands as actions, each with the user's own text."""

from __future__ import annotations

from dataclasses import replace

from dbtui.migrations.libpg_query import pb
from dbtui.migrations.parse_postgresql_parts import (
    column,
    constants,
    constraint,
    data_type,
    default,
    inner,
    relation,
    strings,
    type_message,
)
from dbtui.migrations.tokens import Token, parts, tokens
from dbtui.model.migration import Action, ColumnDef, Engine, Relation

_PLAIN = {
    pb.AT_DropNotNull: "drop not null",
    pb.AT_SetNotNull: "set not null",
    pb.AT_SetExpression: "set expression",
    pb.AT_DropExpression: "drop expression",
    pb.AT_SetStatistics: "set statistics",
    pb.AT_SetOptions: "set column options",
    pb.AT_ResetOptions: "set column options",
    pb.AT_SetStorage: "set storage",
    pb.AT_SetCompression: "set compression",
    pb.AT_DropColumn: "drop column",
    pb.AT_ValidateConstraint: "validate constraint",
    pb.AT_DropConstraint: "drop constraint",
    pb.AT_ChangeOwner: "owner",
    pb.AT_ClusterOn: "cluster on",
    pb.AT_DropCluster: "cluster on",
    pb.AT_SetLogged: "set logged",
    pb.AT_SetUnLogged: "set unlogged",
    pb.AT_SetAccessMethod: "set access method",
    pb.AT_SetTableSpace: "set tablespace",
    pb.AT_SetRelOptions: "set options",
    pb.AT_ResetRelOptions: "set options",
    pb.AT_EnableTrig: "enable trigger",
    pb.AT_EnableAlwaysTrig: "enable trigger",
    pb.AT_EnableReplicaTrig: "enable trigger",
    pb.AT_EnableTrigAll: "enable trigger",
    pb.AT_EnableTrigUser: "enable trigger",
    pb.AT_DisableTrig: "disable trigger",
    pb.AT_DisableTrigAll: "disable trigger",
    pb.AT_DisableTrigUser: "disable trigger",
    pb.AT_EnableRule: "enable rule",
    pb.AT_EnableAlwaysRule: "enable rule",
    pb.AT_EnableReplicaRule: "enable rule",
    pb.AT_DisableRule: "enable rule",
    pb.AT_EnableRowSecurity: "enable row security",
    pb.AT_DisableRowSecurity: "disable row security",
    pb.AT_ForceRowSecurity: "force row security",
    pb.AT_NoForceRowSecurity: "no force row security",
    pb.AT_AddIdentity: "add identity",
    pb.AT_SetIdentity: "set identity",
    pb.AT_DropIdentity: "drop identity",
    pb.AT_DropOf: "not of type",
    pb.AT_DropOids: "drop oids",
}
_INDEX_OPS = {"set options", "set tablespace", "set statistics", "owner"}


def alter_table(message: type_message, sql: str) -> tuple[Action, ...]:
    """The actions of an ALTER TABLE, INDEX, VIEW, … . Raises KeyError for a subcommand that is not known."""
    target = relation(message.relation)
    commands = [node.alter_table_cmd for node in message.cmds]
    texts = command_texts(sql)
    if len(texts) != len(commands):
        texts = ("",) * len(commands)
    kind = pb.ObjectType.Name(message.objtype).removeprefix("OBJECT_").lower()
    if kind == "matview":
        kind = "materialized view"
    made = []
    for command, text in zip(commands, texts, strict=True):
        action = _command(command, target, text, kind)
        if not message.relation.inh:
            action = replace(action, options={**action.options, "only": "yes"})
        made.append(action)
    return tuple(made)


def command_texts(sql: str) -> tuple[str, ...]:
    """The user's text of each subcommand: what stands between the commas after the table's name."""
    found = tuple(tokens(sql, Engine.POSTGRESQL))
    position = 2
    if len(found) > 1 and found[1].upper in ("MATERIALIZED", "FOREIGN"):
        position += 1
    if _upper(found, position) == "IF":
        position += 2
    if _upper(found, position) == "ONLY":
        position += 1
    position += 1
    while _upper(found, position) == ".":
        position += 2
    if _upper(found, position) == "*":
        position += 1
    return parts(sql, found[position:])


def _upper(found: tuple[Token, ...], position: int) -> str:
    return found[position].upper if position < len(found) else ""


def _command(command: type_message, target: Relation, text: str, kind: str) -> Action:
    subtype, definition = command.subtype, getattr(command, "def")
    name = command.name
    if kind not in ("table", "foreign_table"):
        return _of_another_kind(command, target, text, kind)
    if subtype == pb.AT_AddColumn:
        made = column(definition.column_def, default_text(text))
        return Action(
            "add column", target, column=made, name=made.name, if_not_exists=command.missing_ok, text=text
        )
    if subtype == pb.AT_ColumnDefault:
        if definition.WhichOneof("node") is None:
            return Action("drop default", target, name=name, text=text)
        value = default(definition, default_text(text))
        made = ColumnDef(name, data_type(pb.TypeName()), default=value)
        return Action("set default", target, column=made, name=name, text=text)
    if subtype == pb.AT_AlterColumnType:
        return _set_type(name, definition.column_def, target, text)
    if subtype == pb.AT_AddConstraint:
        added = constraint(definition.constraint, text)
        if added is None:
            raise KeyError(f"constraint type {definition.constraint.contype}")
        return Action("add constraint", target, constraint=added, name=added.name, text=text)
    if subtype == pb.AT_AlterConstraint:
        return _alter_constraint(definition.atalter_constraint, target, text)
    if subtype in (pb.AT_AttachPartition, pb.AT_DetachPartition, pb.AT_DetachPartitionFinalize):
        return _partition(subtype, definition.partition_cmd, target, text)
    if subtype in (pb.AT_AddInherit, pb.AT_DropInherit, pb.AT_ReplicaIdentity, pb.AT_AddOf):
        return _relationship(subtype, definition, target, text)
    return _plain(command, target, text)


def _relationship(subtype: int, definition: type_message, target: Relation, text: str) -> Action:
    """What a table is to others: a child, an instance of a type, a source of replication."""
    if subtype == pb.AT_AddOf:
        return Action("of type", target, text=text)
    if subtype == pb.AT_ReplicaIdentity:
        identity = definition.replica_identity_stmt
        options = {"identity": identity.identity_type}
        return Action("replica identity", target, name=identity.name, options=options, text=text)
    op = "inherit" if subtype == pb.AT_AddInherit else "no inherit"
    return Action(op, target, others=(relation(definition.range_var),), text=text)


def _plain(command: type_message, target: Relation, text: str) -> Action:
    definition = getattr(command, "def")
    options = {}
    if command.subtype in (pb.AT_SetRelOptions, pb.AT_ResetRelOptions):
        options = {item.def_elem.defname: "" for item in definition.list.items}
    return Action(
        _PLAIN[command.subtype],
        target,
        name=command.name,
        cascade=command.behavior == pb.DROP_CASCADE,
        if_exists=command.missing_ok,
        options=options,
        text=text,
    )


def _of_another_kind(command: type_message, target: Relation, text: str, kind: str) -> Action:
    if kind == "index":
        if command.subtype == pb.AT_AttachPartition:
            other = relation(getattr(command, "def").partition_cmd.name)
            return Action("attach index", target, others=(other,), text=text)
        return Action(f"index {_PLAIN[command.subtype]}", target, text=text)
    if kind == "view" and command.subtype == pb.AT_ColumnDefault:
        return Action("alter view", target, text=text)
    if kind == "type":
        cascade = command.behavior == pb.DROP_CASCADE
        options = {"type": "yes"} if command.subtype == pb.AT_AlterColumnType else {}
        return Action(
            "alter type attribute", target, name=command.name, cascade=cascade, options=options, text=text
        )
    plain = _PLAIN.get(command.subtype)
    if plain is None and command.subtype == pb.AT_SetTableSpace:
        plain = "set tablespace"
    if plain is None:
        raise KeyError(pb.AlterTableType.Name(command.subtype))
    if kind == "materialized view":
        return Action(plain, target, name=command.name, text=text)
    return Action(f"sequence {plain}" if kind == "sequence" else f"alter {kind}", target, text=text)


def _set_type(name: str, definition: type_message, target: Relation, text: str) -> Action:
    made = ColumnDef(
        name,
        data_type(definition.type_name),
        collation=".".join(strings(definition.coll_clause.collname)),
    )
    options = {}
    if definition.HasField("raw_default"):
        value = inner(definition.raw_default)
        if isinstance(value, pb.TypeCast) and data_type(value.type_name) == made.type:
            value = inner(value.arg)
        trivial = isinstance(value, pb.ColumnRef) and strings(value.fields) == (name,)
        options = {"using": "trivial" if trivial else "expression"}
    return Action("set type", target, column=made, name=name, options=options, text=text)


def _alter_constraint(definition: type_message, target: Relation, text: str) -> Action:
    options = {}
    if definition.alter_enforceability:
        options["enforced"] = "yes" if definition.is_enforced else "no"
    if definition.alter_deferrability:
        options["deferrable"] = "yes" if definition.deferrable else "no"
    return Action("alter constraint", target, name=definition.conname, options=options, text=text)


def _partition(subtype: int, definition: type_message, target: Relation, text: str) -> Action:
    other = relation(definition.name)
    if subtype == pb.AT_AttachPartition:
        options = {"bound": "\n".join(constants(definition.bound))}
        if definition.bound.is_default:
            options["default"] = "yes"
        return Action("attach partition", target, others=(other,), options=options, text=text)
    if subtype == pb.AT_DetachPartitionFinalize:
        return Action("detach partition finalize", target, others=(other,), text=text)
    return Action("detach partition", target, others=(other,), concurrently=definition.concurrent, text=text)


_AFTER_DEFAULT = {
    "NOT",
    "NULL",
    "CONSTRAINT",
    "CHECK",
    "UNIQUE",
    "PRIMARY",
    "REFERENCES",
    "GENERATED",
    "COLLATE",
}


def default_text(text: str) -> str:
    """The expression after DEFAULT in a column's definition, in the user's words."""
    found = tuple(tokens(text, Engine.POSTGRESQL))
    start = next((i + 1 for i, token in enumerate(found) if token.upper == "DEFAULT"), None)
    if start is None or start >= len(found):
        return ""
    depth, end = 0, found[-1].end
    for position in range(start, len(found)):
        token = found[position]
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and position > start and token.upper in _AFTER_DEFAULT:
            end = found[position - 1].end
            break
    return text[found[start].start : end]
