"""MySQL's and MariaDB's statements: DDL by our own reading, queries by sqlglot."""

from __future__ import annotations

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.parse_columns import (
    key_columns,
    table_element,
)
from dbtui.migrations.parse_mysql_alter import alter, read_option
from dbtui.migrations.parse_verbs import Reader, by_verb, plain, select
from dbtui.migrations.queries import query
from dbtui.migrations.words import Words
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, Engine, IndexDef, Relation


def understand(sql: str, engine: Engine) -> tuple[Action, ...]:
    """The actions of one statement. Raises NotUnderstoodError."""
    return by_verb(sql, engine, _VERBS)


def _create(words: Words, sql: str) -> tuple[Action, ...]:
    words.take("OR", "REPLACE")
    replaced = words.at > 1
    temporary = words.take("TEMPORARY")
    words.take_any("ONLINE", "OFFLINE")
    kind = words.take_any("UNIQUE", "FULLTEXT", "SPATIAL")
    if words.take("INDEX"):
        return _create_index(words, kind)
    if words.take("TABLE"):
        return _create_table(words, sql, temporary, replaced)
    if words.take("DATABASE") or words.take("SCHEMA"):
        return (Action("create schema"),)
    return _create_other(words, sql, replaced)


def _create_other(words: Words, sql: str, replaced: bool) -> tuple[Action, ...]:
    """Views, triggers and routines, whose bodies are not run."""
    while words.take_any("DEFINER", "ALGORITHM", "SQL", "AGGREGATE"):
        words.take("=") or words.take("SECURITY")
        words.token()
        if words.take("@") or words.next.text.startswith("@"):
            words.token()
    if words.take("SQL", "SECURITY"):
        words.token()
    if words.take("VIEW"):
        words.take("IF", "NOT", "EXISTS")
        return (Action("create view", words.relation(), options={"replace": "yes"} if replaced else {}),)
    if words.take("TRIGGER"):
        words.take("IF", "NOT", "EXISTS")
        name = words.relation()
        while not words.done and not words.take("ON"):
            words.token()
        return (Action("create trigger", words.relation(), name=name.name),)
    if words.take_any("PROCEDURE", "FUNCTION", "EVENT", "USER", "ROLE", "SEQUENCE", "SERVER", "PACKAGE"):
        return (Action("create definition"),)
    raise words.unexpected("something that can be created")


def _create_index(words: Words, kind: str) -> tuple[Action, ...]:
    absent = words.take("IF", "NOT", "EXISTS")
    name = words.name()
    if words.take("USING"):
        words.token()
    words.expect("ON")
    table = words.relation()
    columns, lengths = key_columns(words)
    options = _index_tail(words)
    index = IndexDef(
        name,
        table,
        columns,
        unique=kind == "UNIQUE",
        method=kind.lower() if kind != "UNIQUE" else "",
        lengths=lengths,
    )
    return (Action("create index", table, index=index, name=name, if_not_exists=absent, options=options),)


def _index_tail(words: Words) -> dict[str, str]:
    options: dict[str, str] = {}
    while not words.done:
        if key := words.take_any("ALGORITHM", "LOCK"):
            words.take("=")
            options[key.lower()] = words.name().upper()
        elif words.take_any("VISIBLE", "INVISIBLE", "IGNORED", "NOWAIT"):
            continue
        elif words.take_any("USING", "COMMENT", "KEY_BLOCK_SIZE", "WAIT"):
            words.take("=")
            words.token()
        elif words.take("WITH", "PARSER"):
            words.name()
        else:
            words.finish()
    return options


def _create_table(words: Words, sql: str, temporary: bool, replaced: bool) -> tuple[Action, ...]:
    absent = words.take("IF", "NOT", "EXISTS")
    table = words.relation()
    options: dict[str, str] = {"temporary": "yes"} if temporary else {}
    if words.take("LIKE"):
        return (Action("create table", table, others=(words.relation(),), if_not_exists=absent,
                       options={**options, "like": "yes"}),)  # fmt: skip
    if words.ahead("(", "LIKE"):
        other = Words(words.inside_text(), words.engine)
        other.expect("LIKE")
        return (Action("create table", table, others=(other.relation(),), if_not_exists=absent,
                       options={**options, "like": "yes"}),)  # fmt: skip
    columns: list[ColumnDef] = []
    constraints: list[ConstraintDef] = []
    indexes: list[IndexDef] = []
    if words.ahead("(") and not words.ahead("(", "SELECT"):
        for item in words.items():
            inner = Words(item, words.engine)
            made = table_element(inner, table)
            inner.finish()
            if isinstance(made, ColumnDef):
                columns.append(made)
                constraints += [c for c in made.constraints if c.kind != "foreign key"]
            elif isinstance(made, ConstraintDef):
                constraints.append(made)
            else:
                indexes.append(made)
    options |= _create_options(words)
    op = "create table" if words.done else "create table as"
    yielded = Action(op, table, columns=tuple(columns), constraints=tuple(constraints), if_not_exists=absent,
                     options=options)  # fmt: skip
    added = tuple(Action("create index", table, index=index, name=index.name, options={"inline": "yes"})
                  for index in indexes)  # fmt: skip
    return (yielded, *added)


def _create_options(words: Words) -> dict[str, str]:
    """Options behind the list; a query may follow them."""
    options: dict[str, str] = {}
    while not words.done:
        words.take(",")
        if words.take("PARTITION", "BY"):
            options["partitioned"] = "yes"
            words.skip()
            break
        if words.take("WITH", "SYSTEM", "VERSIONING"):
            options["versioned"] = "yes"
            continue
        key, value = read_option(words)
        if not key:
            if words.next.upper not in ("SELECT", "AS", "(", "IGNORE", "REPLACE", "WITH", "VALUES", "TABLE"):
                raise words.unexpected("a table option")
            break
        options[key.lower()] = value
    return options


_DROPPED = {
    "VIEW": "drop view", "DATABASE": "drop database", "SCHEMA": "drop database", "TRIGGER": "drop definition",
    "PROCEDURE": "drop definition", "FUNCTION": "drop definition", "EVENT": "drop definition",
    "USER": "drop definition", "ROLE": "drop definition", "SEQUENCE": "drop definition",
    "SERVER": "drop definition", "PREPARE": "deallocate", "PACKAGE": "drop definition",
}  # fmt: skip


def _drop(words: Words, sql: str) -> tuple[Action, ...]:
    temporary = words.take("TEMPORARY")
    if words.take("TABLE") or words.take("TABLES"):
        exists = words.take("IF", "EXISTS")
        made = [words.relation()]
        while words.take(","):
            made.append(words.relation())
        cascade = words.take("CASCADE")
        words.take("RESTRICT")
        words.finish()
        op = "drop temporary table" if temporary else "drop table"
        return tuple(Action(op, table, if_exists=exists, cascade=cascade) for table in made)
    if words.take("INDEX"):
        exists = words.take("IF", "EXISTS")
        name = words.name()
        words.expect("ON")
        table = words.relation()
        return (
            Action(
                "drop index", Relation(name), others=(table,), if_exists=exists, options=_index_tail(words)
            ),
        )
    for word, op in _DROPPED.items():
        if words.take(word):
            words.take("IF", "EXISTS")
            return (Action(op, words.relation()),)
    raise words.unexpected("something that can be dropped")


def _rename(words: Words, sql: str) -> tuple[Action, ...]:
    if words.take("USER"):
        return (Action("alter definition"),)
    words.take_any("TABLES", "TABLE")
    made: list[Action] = []
    while True:
        words.take("IF", "EXISTS")
        old = words.relation()
        words.expect("TO")
        made.append(Action("rename table", old, new_name=words.relation().name))
        if not words.take(","):
            words.finish()
            return tuple(made)


def _truncate(words: Words, sql: str) -> tuple[Action, ...]:
    words.take("TABLE")
    return (Action("truncate", words.relation()),)


def _tables(op: str) -> Reader:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        words.take_any("NO_WRITE_TO_BINLOG", "LOCAL")
        if not words.take_any("TABLE", "TABLES"):
            return (Action("explain"),)
        made = [words.relation()]
        while words.take(","):
            made.append(words.relation())
        return tuple(Action(op, table) for table in made)

    return read


def _dml(op: str) -> Reader:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        while words.take_any("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "IGNORE", "INTO", "FROM"):
            pass
        target = words.relation()
        return query(sql, words.engine, op, target)

    return read


def _set(words: Words, sql: str) -> tuple[Action, ...]:
    made: list[Action] = []
    while not words.done:
        scope = words.take_any("SESSION", "GLOBAL", "LOCAL", "PERSIST")
        token = words.token()
        name = token.name.lstrip("@").lower()
        if name in ("session", "global", "local") and words.take("."):
            scope, name = name.upper(), words.name().lower()
        if not (words.take("=") or words.take(":", "=") or words.take(":=")):
            return (*made, Action("set", name="statement"))
        value = words.rest_until_comma()
        options = {"global": "yes"} if scope in ("GLOBAL", "PERSIST") else {}
        made.append(Action("set", name=name, new_name=value.strip("'\""), options=options))
        if not words.take(","):
            break
    if not made:
        raise words.unexpected("a setting")
    return tuple(made)


def _start(words: Words, sql: str) -> tuple[Action, ...]:
    return (Action("begin" if words.take("TRANSACTION") else "replication"),)


def _rollback(words: Words, sql: str) -> tuple[Action, ...]:
    words.take("WORK")
    if words.take("TO"):
        words.take("SAVEPOINT")
        return (Action("rollback to", name=words.name()),)
    return (Action("rollback"),)


def _opaque(why: str) -> Reader:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        raise NotUnderstoodError(why)

    return read


_VERBS: dict[str, Reader] = {
    "ALTER": alter,
    "CREATE": _create,
    "DROP": _drop,
    "RENAME": _rename,
    "TRUNCATE": _truncate,
    "OPTIMIZE": _tables("optimize table"),
    "ANALYZE": _tables("analyze"),
    "CHECK": _tables("check table"),
    "REPAIR": _tables("optimize table"),
    "INSERT": _dml("insert"),
    "REPLACE": _dml("insert"),
    "UPDATE": _dml("update"),
    "DELETE": _dml("delete"),
    "SELECT": select,
    "WITH": select,
    "SET": _set,
    "BEGIN": plain("begin"),
    "START": _start,
    "COMMIT": plain("commit"),
    "ROLLBACK": _rollback,
    "SAVEPOINT": plain("savepoint"),
    "RELEASE": plain("release"),
    "LOCK": plain("lock table"),
    "UNLOCK": plain("unlock tables"),
    "USE": plain("use"),
    "SHOW": plain("show"),
    "EXPLAIN": plain("explain"),
    "DESCRIBE": plain("explain"),
    "DESC": plain("explain"),
    "GRANT": plain("grant"),
    "REVOKE": plain("revoke"),
    "FLUSH": plain("flush"),
    "LOAD": plain("copy"),
    "CALL": _opaque("CALL runs a procedure whose code is not read"),
    "EXECUTE": _opaque("EXECUTE runs a statement prepared elsewhere"),
    "PREPARE": plain("prepare"),
    "DEALLOCATE": plain("deallocate"),
}
