"""SQLite's statements: DDL by our own reading, queries by sqlglot."""

from __future__ import annotations

from dbtui.migrations.parse_columns import key_columns, read_column, table_element
from dbtui.migrations.parse_verbs import Reader, by_verb, plain, select
from dbtui.migrations.queries import query
from dbtui.migrations.words import Words
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, DataType, Engine, IndexDef, Relation


def understand(sql: str) -> tuple[Action, ...]:
    """The actions of one statement. Raises NotUnderstoodError."""
    return by_verb(sql, Engine.SQLITE, _VERBS)


def _alter(words: Words, sql: str) -> tuple[Action, ...]:
    words.expect("TABLE")
    table = words.relation()
    made = _alteration(words, table, sql)
    words.finish()
    return (made,)


def _alteration(words: Words, table: Relation, sql: str) -> Action:
    if words.take("RENAME", "TO"):
        return Action("rename table", table, new_name=words.name())
    if words.take("RENAME"):
        words.take("COLUMN")
        old = words.name()
        words.expect("TO")
        return Action("rename column", table, name=old, new_name=words.name())
    if words.take("ADD"):
        return _add(words, table)
    if words.take("DROP", "CONSTRAINT"):
        return Action("drop constraint", table, name=words.name())
    if words.take("DROP"):
        words.take("COLUMN")
        return Action("drop column", table, name=words.name())
    if words.take("ALTER"):
        return _alter_column(words, table)
    raise words.unexpected("a change of the table")


def _add(words: Words, table: Relation) -> Action:
    if not words.take("COLUMN") and words.next.upper in (
        "CONSTRAINT",
        "CHECK",
        "FOREIGN",
        "UNIQUE",
        "PRIMARY",
    ):
        made = table_element(words, table)
        if not isinstance(made, ConstraintDef):
            raise words.unexpected("a constraint")
        return Action("add constraint", table, constraint=made, name=made.name)
    column = read_column(words)
    return Action("add column", table, column=column, name=column.name)


def _alter_column(words: Words, table: Relation) -> Action:
    words.take("COLUMN")
    name = words.name()
    if words.take("SET", "NOT", "NULL"):
        return Action("set not null", table, name=name)
    if words.take("DROP", "NOT", "NULL"):
        return Action("drop not null", table, name=name)
    # SQLite has no other ALTER COLUMN; the words are read so that the finding can say what was wanted.
    words.skip()
    return Action("set type", table, name=name, column=ColumnDef(name, DataType("")))


def _create(words: Words, sql: str) -> tuple[Action, ...]:
    temporary = bool(words.take_any("TEMP", "TEMPORARY"))
    unique = words.take("UNIQUE")
    if words.take("INDEX"):
        return _create_index(words, unique)
    if words.take("TABLE"):
        return _create_table(words, sql, temporary)
    if words.take("VIRTUAL", "TABLE"):
        words.take("IF", "NOT", "EXISTS")
        return (Action("create virtual table", words.relation()),)
    if words.take("VIEW"):
        words.take("IF", "NOT", "EXISTS")
        return query(sql, Engine.SQLITE, "create view", words.relation())
    if words.take("TRIGGER"):
        words.take("IF", "NOT", "EXISTS")
        name = words.relation()
        while not words.done and not words.take("ON"):
            words.token()
        return (Action("create trigger", words.relation(), name=name.name, text=sql),)
    raise words.unexpected("something that can be created")


def _create_index(words: Words, unique: bool) -> tuple[Action, ...]:
    absent = words.take("IF", "NOT", "EXISTS")
    name = words.relation()
    words.expect("ON")
    table = words.relation()
    columns, _ = key_columns(words)
    partial = words.take("WHERE")
    if not partial:
        words.finish()
    index = IndexDef(name.name, table, columns, unique=unique, partial=partial)
    return (Action("create index", table, index=index, name=name.name, if_not_exists=absent),)


def _create_table(words: Words, sql: str, temporary: bool) -> tuple[Action, ...]:
    absent = words.take("IF", "NOT", "EXISTS")
    table = words.relation()
    options = {"temporary": "yes"} if temporary else {}
    if words.take("AS"):
        return query(sql, Engine.SQLITE, "create table as", table)
    columns: list[ColumnDef] = []
    constraints: list[ConstraintDef] = []
    for item in words.items():
        inner = Words(item, Engine.SQLITE)
        made = table_element(inner, table)
        inner.finish()
        if isinstance(made, ColumnDef):
            columns.append(made)
            constraints += made.constraints
        elif isinstance(made, ConstraintDef):
            constraints.append(made)
    while option := words.take_any("WITHOUT", "STRICT"):
        if option == "WITHOUT":
            words.expect("ROWID")
        words.take(",")
    words.finish()
    return (
        Action("create table", table, columns=tuple(columns), constraints=tuple(constraints), if_not_exists=absent,
               options=options),
    )  # fmt: skip


def _drop(words: Words, sql: str) -> tuple[Action, ...]:
    kind = words.take_any("TABLE", "INDEX", "VIEW", "TRIGGER")
    if not kind:
        raise words.unexpected("something that can be dropped")
    exists = words.take("IF", "EXISTS")
    made = Action(f"drop {kind.lower()}", words.relation(), if_exists=exists)
    words.finish()
    return (made,)


def _pragma(words: Words, sql: str) -> tuple[Action, ...]:
    name = words.relation().name.lower()
    value = ""
    if words.take("="):
        value = words.rest_until_comma()
    elif words.ahead("("):
        value = words.inside_text()
    return (Action("set", name=name, new_name=value.strip("'\"").lower()),)


def _dml(op: str) -> Reader:
    def read(words: Words, sql: str) -> tuple[Action, ...]:
        if words.take("OR"):
            words.name()
        words.take_any("INTO", "FROM")
        return query(sql, Engine.SQLITE, op, words.relation())

    return read


def _begin(words: Words, sql: str) -> tuple[Action, ...]:
    words.take_any("DEFERRED", "IMMEDIATE", "EXCLUSIVE")
    words.take("TRANSACTION")
    words.finish()
    return (Action("begin"),)


def _rollback(words: Words, sql: str) -> tuple[Action, ...]:
    words.take("TRANSACTION")
    if words.take("TO"):
        words.take("SAVEPOINT")
        return (Action("rollback to", name=words.name()),)
    return (Action("rollback"),)


_VERBS: dict[str, Reader] = {
    "ALTER": _alter,
    "CREATE": _create,
    "DROP": _drop,
    "PRAGMA": _pragma,
    "INSERT": _dml("insert"),
    "REPLACE": _dml("insert"),
    "UPDATE": _dml("update"),
    "DELETE": _dml("delete"),
    "SELECT": select,
    "WITH": select,
    "VALUES": select,
    "BEGIN": _begin,
    "COMMIT": plain("commit"),
    "END": plain("commit"),
    "ROLLBACK": _rollback,
    "SAVEPOINT": plain("savepoint"),
    "RELEASE": plain("release"),
    "VACUUM": plain("vacuum"),
    "ANALYZE": plain("analyze"),
    "REINDEX": plain("reindex"),
    "EXPLAIN": plain("explain"),
    "ATTACH": plain("attach"),
    "DETACH": plain("detach"),
}
