"""ALTER of MySQL and MariaDB, specification by specification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dbtui.migrations.parse_columns import (
    read_column,
    read_default,
    table_element,
)
from dbtui.migrations.words import Words
from dbtui.model.migration import Action, ColumnDef, ConstraintDef, DataType, IndexDef, Relation


def alter(words: Words, sql: str) -> tuple[Action, ...]:
    """The actions of what follows ALTER. Raises NotUnderstoodError."""
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
        negated = "NOT " if words.take("NOT") else ""
        shown = words.take_any("VISIBLE", "INVISIBLE", "IGNORED")
        yield Action("index visibility", table, name=name, options={"to": f"{negated}{shown}"})
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
