"""PostgreSQL's statements, understood by its own parser (libpg_query 18)."""

from __future__ import annotations

import re
from functools import cache

from dbtui.migrations import parse_postgresql_objects, parse_postgresql_work
from dbtui.migrations.libpg_query import ParseError, TooDeep, parse
from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.parse_postgresql_alter import alter_table
from dbtui.migrations.parse_postgresql_parts import (
    Reader,
    inner,
    type_message,
)
from dbtui.migrations.parse_postgresql_work import is_off
from dbtui.model.migration import Action, Relation

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


def _explain(message: type_message, sql: str) -> tuple[Action, ...]:
    """EXPLAIN ANALYZE runs what it explains."""
    runs = any(
        node.def_elem.defname == "analyze" and not is_off(node.def_elem.arg) for node in message.options
    )
    which = message.query.WhichOneof("node")
    if runs and which in _READERS:
        return _READERS[which](inner(message.query), sql)
    return (Action("explain"),)


_READERS: dict[str, Reader] = {
    **parse_postgresql_objects.READERS,
    **parse_postgresql_work.READERS,
    "alter_table_stmt": alter_table,
    "explain_stmt": _explain,
}
