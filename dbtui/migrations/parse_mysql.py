"""MySQL's and MariaDB's statements: DDL by our own reading, queries by sqlglot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dbtui.migrations.not_understood import NotUnderstoodError
from dbtui.migrations.parse_columns import (
    key_columns,
    read_column,
    read_default,
    table_element,
)
from dbtui.migrations.queries import query
from dbtui.migrations.words import Words
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, DataType, Engine, IndexDef, Relation


def understand(sql: str, engine: Engine) -> tuple[Action, ...]:
    """The actions of one statement. Raises NotUnderstoodError."""
    words = Words(sql if len(sql) < 200_000 else sql[:2_000], engine)
    if words.done:
        return (Action("comment"),)
    verb = words.token().upper
    reader = _VERBS.get(verb)
    if reader is None:
        raise NotUnderstoodError(f"{verb[:40]} is not known here")
    return reader(words, sql)


def _alter(words: Words, sql: str) -> tuple[Action, ...]:
    words.take_any("ONLINE", "OFFLINE")
    words.take("IGNORE")
    if words.take("TABLE"):
        words.take("IF", "EXISTS")
        return _alter_table(words, words.relation())
    if words.take("DATABASE") or words.take("SCHEMA"):
        return (Action("alter database"),)
    if words.take_any(
        "USER", "ROLE", "EVENT", "VIEW", "PROCEDURE", "FUNCTION", "DEFINER", "ALGORITHM", "SQL", "SEQUENCE"
    ):
        return (Action("alter definition"),)
    raise words.unexpected("TABLE")


def _alter_table(words: Words, table: Relation) -> tuple[Action, ...]:
    """All specifications, with ALGORITHM= and LOCK= on each action."""
    if words.take("WAIT"):
        words.token()
    words.take("NOWAIT")
    made: list[Action] = []
    asserted: dict[str, str] = {}
    while not words.done:
        start = words.at
        for action in _specification(words, table):
            if action.op == "assert":
                asserted.update(action.options)
            else:
                made.append(replace(action, text=words.since(start)))
        if not words.take(","):
            if asserted or (made and made[-1].op in _OPTION_OPS):
                continue
            words.finish()
    if not made:
        made.append(Action("table options", table))
    return tuple(replace(action, options={**action.options, **asserted}) for action in made)


# These may follow one another without commas.
_OPTION_OPS = {"table options", "rebuild table", "default charset"}


def _specification(words: Words, table: Relation) -> Iterator[Action]:
    for reader in (_assertion, _add, _drop_part, _change, _rename_part, _alter_part, _partitioning, _option):
        made = tuple(reader(words, table))
        if made:
            yield from made
            return
    raise words.unexpected("a specification of ALTER TABLE")


def _assertion(words: Words, table: Relation) -> Iterator[Action]:
    for key in ("ALGORITHM", "LOCK"):
        if words.take(key):
            words.take("=")
            yield Action("assert", options={key.lower(): words.name().upper()})
            return


def _add(words: Words, table: Relation) -> Iterator[Action]:
    if not words.take("ADD"):
        return
    if words.take("PARTITION"):
        words.take("IF", "NOT", "EXISTS")
        words.rest_until_comma()
        yield Action("add partition", table)
        return
    if words.take("SYSTEM", "VERSIONING") or words.take("PERIOD", "FOR"):
        words.rest_until_comma()
        yield Action("add versioning", table)
        return
    if words.take("VECTOR", "INDEX") or words.take("VECTOR", "KEY"):
        words.rest_until_comma()
        yield Action("add vector index", table)
        return
    column = words.take("COLUMN")
    absent = words.take("IF", "NOT", "EXISTS")
    if words.ahead("("):
        for item in words.items():
            yield from _added(table_element(Words(item, words.engine), table), table, absent, "")
        return
    if column:
        made: ColumnDef | ConstraintDef | IndexDef = read_column(words)
    else:
        made = table_element(words, table)
    yield from _added(made, table, absent, _position(words))


def _position(words: Words) -> str:
    if words.take("FIRST"):
        return "first"
    return f"after {words.name()}" if words.take("AFTER") else ""


def _added(
    made: ColumnDef | ConstraintDef | IndexDef, table: Relation, absent: bool, position: str
) -> Iterator[Action]:
    if isinstance(made, ColumnDef):
        column = replace(made, position=position)
        yield Action("add column", table, column=column, name=column.name, if_not_exists=absent)
    elif isinstance(made, ConstraintDef):
        yield Action("add constraint", table, constraint=made, name=made.name, if_not_exists=absent)
    else:
        yield Action("create index", table, index=made, name=made.name, if_not_exists=absent)


def _drop_part(words: Words, table: Relation) -> Iterator[Action]:
    if not words.take("DROP"):
        return
    if words.take("PARTITION"):
        words.skip()
        yield Action("drop partition", table)
    elif words.take("SYSTEM", "VERSIONING"):
        yield Action("drop versioning", table)
    elif words.take("PRIMARY", "KEY"):
        yield Action("drop primary key", table, name="PRIMARY")
    elif words.take("FOREIGN", "KEY"):
        exists = words.take("IF", "EXISTS")
        yield Action(
            "drop constraint", table, name=words.name(), if_exists=exists, options={"kind": "foreign key"}
        )
    elif words.take("CONSTRAINT") or words.take("CHECK"):
        exists = words.take("IF", "EXISTS")
        yield Action("drop constraint", table, name=words.name(), if_exists=exists)
    elif words.take("INDEX") or words.take("KEY"):
        exists = words.take("IF", "EXISTS")
        yield Action("drop index", Relation(words.name()), others=(table,), if_exists=exists)
    else:
        words.take("COLUMN")
        exists = words.take("IF", "EXISTS")
        name = words.name()
        cascade = bool(words.take_any("CASCADE", "RESTRICT"))
        yield Action("drop column", table, name=name, if_exists=exists, cascade=cascade)


def _change(words: Words, table: Relation) -> Iterator[Action]:
    verb = words.take_any("MODIFY", "CHANGE")
    if not verb:
        return
    words.take("COLUMN")
    exists = words.take("IF", "EXISTS")
    old = words.name() if verb == "CHANGE" else words.next.name
    column = replace(read_column(words), position=_position(words))
    yield Action("change column", table, column=column, name=old, if_exists=exists)


def _rename_part(words: Words, table: Relation) -> Iterator[Action]:
    if not words.take("RENAME"):
        return
    if words.take("COLUMN"):
        old = words.name()
        words.expect("TO")
        yield Action("rename column", table, name=old, new_name=words.name())
    elif words.take("INDEX") or words.take("KEY"):
        old = words.name()
        words.expect("TO")
        yield Action("rename index", Relation(old), new_name=words.name(), others=(table,))
    else:
        words.take_any("TO", "AS", "=")
        new = words.relation()
        yield Action("rename table", table, new_name=new.name)


def _alter_part(words: Words, table: Relation) -> Iterator[Action]:
    if not words.take("ALTER"):
        return
    if words.take("INDEX") or words.take("KEY"):
        name = words.name()
        words.take("NOT")
        words.take_any("VISIBLE", "INVISIBLE", "IGNORED")
        yield Action("index visibility", table, name=name)
        return
    if words.take("CHECK") or words.take("CONSTRAINT"):
        name = words.name()
        enforced = not words.take("NOT")
        words.expect("ENFORCED")
        yield Action("alter constraint", table, name=name, options={"enforced": "yes" if enforced else "no"})
        return
    words.take("COLUMN")
    words.take("IF", "EXISTS")
    name = words.name()
    if words.take("DROP", "DEFAULT"):
        yield Action("drop default", table, name=name)
    elif words.take("SET", "DEFAULT"):
        column = ColumnDef(name, DataType(""), default=read_default(words))
        yield Action("set default", table, column=column, name=name)
    else:
        words.expect("SET")
        if not words.take_any("VISIBLE", "INVISIBLE"):
            raise words.unexpected("VISIBLE or INVISIBLE")
        yield Action("column visibility", table, name=name)


_PARTITION_VERBS = {
    "TRUNCATE": "truncate partition", "EXCHANGE": "exchange partition", "REORGANIZE": "reorganize partition",
    "COALESCE": "reorganize partition", "REBUILD": "reorganize partition", "OPTIMIZE": "reorganize partition",
    "ANALYZE": "analyze partition", "CHECK": "analyze partition", "REPAIR": "reorganize partition",
}  # fmt: skip


def _partitioning(words: Words, table: Relation) -> Iterator[Action]:
    if words.take("PARTITION", "BY"):
        words.rest_until_comma()
        while words.take(","):
            words.rest_until_comma()
        yield Action("partition by", table)
        return
    if words.take("REMOVE", "PARTITIONING"):
        yield Action("partition by", table)
        return
    for verb, op in _PARTITION_VERBS.items():
        if words.take(verb, "PARTITION"):
            while not words.done and not words.ahead("ALGORITHM"):
                words.token()
            yield Action(op, table)
            return


_STATISTICS = {"AUTO_INCREMENT", "COMMENT", "STATS_PERSISTENT", "STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES", "CHECKSUM",
               "MAX_ROWS", "MIN_ROWS", "AVG_ROW_LENGTH", "PACK_KEYS", "DELAY_KEY_WRITE", "INSERT_METHOD",
               "SECONDARY_ENGINE", "CONNECTION", "COMPRESSION", "PAGE_CHECKSUM", "TRANSACTIONAL"}  # fmt: skip
_REBUILD = {"ENGINE", "ROW_FORMAT", "KEY_BLOCK_SIZE", "ENCRYPTION", "TABLESPACE", "PAGE_COMPRESSED",
            "PAGE_COMPRESSION_LEVEL", "ENCRYPTED", "ENCRYPTION_KEY_ID"}  # fmt: skip


def _option(words: Words, table: Relation) -> Iterator[Action]:
    """Table options, of which several may follow without commas."""
    if words.take("FORCE"):
        yield Action("rebuild table", table, name="FORCE")
    elif words.take("CONVERT", "TO"):
        words.take("CHARACTER", "SET") or words.take("CHARSET")
        options = {"charset": words.name().lower()}
        if words.take("COLLATE"):
            words.take("=")
            options["collation"] = words.name()
        yield Action("convert charset", table, options=options)
    elif words.take("DISCARD", "TABLESPACE"):
        yield Action("tablespace file", table, name="DISCARD")
    elif words.take("IMPORT", "TABLESPACE"):
        yield Action("tablespace file", table, name="IMPORT")
    elif words.take("DISABLE", "KEYS") or words.take("ENABLE", "KEYS"):
        yield Action("table options", table, name="KEYS")
    elif words.take("ORDER", "BY"):
        words.rest_until_comma()
        yield Action("rebuild table", table, name="ORDER BY")
    else:
        yield from _named_option(words, table)


def _named_option(words: Words, table: Relation) -> Iterator[Action]:
    key, value = read_option(words)
    if not key:
        return
    if key in _REBUILD:
        yield Action("rebuild table", table, name=key, options={key.lower(): value})
    elif key in ("CHARSET", "COLLATE"):
        yield Action("default charset", table, options={key.lower(): value})
    else:
        yield Action("table options", table, name=key, options={key.lower(): value})


def read_option(words: Words) -> tuple[str, str]:
    """One option of a table with its value; ("", "") when none comes next."""
    default = words.take("DEFAULT")
    if words.take("CHARACTER", "SET"):
        key = "CHARSET"
    elif words.next.upper in _STATISTICS | _REBUILD | {"CHARSET", "COLLATE", "UNION", "DATA", "INDEX"}:
        key = words.token().upper
        if key in ("DATA", "INDEX"):
            words.expect("DIRECTORY")
    elif default:
        raise words.unexpected("a character set")
    else:
        return "", ""
    words.take("=")
    if words.ahead("("):
        return key, words.inside_text()
    token = words.token()
    return key, (token.value if token.kind == "string" else token.name).lower()


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
    return _create_other(words, sql)


def _create_other(words: Words, sql: str) -> tuple[Action, ...]:
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
        return (Action("create view", words.relation()),)
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


def _tables(op: str) -> Callable[[Words, str], tuple[Action, ...]]:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        words.take_any("NO_WRITE_TO_BINLOG", "LOCAL")
        if not words.take_any("TABLE", "TABLES"):
            return (Action("explain"),)
        made = [words.relation()]
        while words.take(","):
            made.append(words.relation())
        return tuple(Action(op, table) for table in made)

    return read


def _dml(op: str) -> Callable[[Words, str], tuple[Action, ...]]:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        while words.take_any("LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "QUICK", "IGNORE", "INTO", "FROM"):
            pass
        target = words.relation()
        return query(sql, words.engine, op, target)

    return read


def _select(words: Words, sql: str) -> tuple[Action, ...]:
    return query(sql, words.engine, "select", None)


def _with(words: Words, sql: str) -> tuple[Action, ...]:
    return query(sql, words.engine, "select", None)


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


def _plain(op: str) -> Callable[[Words, str], tuple[Action, ...]]:
    return lambda words, sql: (Action(op),)


def _begin(words: Words, sql: str) -> tuple[Action, ...]:
    return (Action("begin"),)


def _start(words: Words, sql: str) -> tuple[Action, ...]:
    return (Action("begin" if words.take("TRANSACTION") else "replication"),)


def _rollback(words: Words, sql: str) -> tuple[Action, ...]:
    words.take("WORK")
    if words.take("TO"):
        words.take("SAVEPOINT")
        return (Action("rollback to", name=words.name()),)
    return (Action("rollback"),)


def _opaque(why: str) -> Callable[[Words, str], tuple[Action, ...]]:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        raise NotUnderstoodError(why)

    return read


_VERBS: dict[str, Callable[[Words, str], tuple[Action, ...]]] = {
    "ALTER": _alter,
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
    "SELECT": _select,
    "WITH": _with,
    "SET": _set,
    "BEGIN": _begin,
    "START": _start,
    "COMMIT": _plain("commit"),
    "ROLLBACK": _rollback,
    "SAVEPOINT": _plain("savepoint"),
    "RELEASE": _plain("release"),
    "LOCK": _plain("lock table"),
    "UNLOCK": _plain("unlock tables"),
    "USE": _plain("use"),
    "SHOW": _plain("show"),
    "EXPLAIN": _plain("explain"),
    "DESCRIBE": _plain("explain"),
    "DESC": _plain("explain"),
    "GRANT": _plain("grant"),
    "REVOKE": _plain("revoke"),
    "FLUSH": _plain("flush"),
    "LOAD": _plain("copy"),
    "CALL": _opaque("CALL runs a procedure whose code is not read"),
    "EXECUTE": _opaque("EXECUTE runs a statement prepared elsewhere"),
    "PREPARE": _plain("prepare"),
    "DEALLOCATE": _plain("deallocate"),
}
