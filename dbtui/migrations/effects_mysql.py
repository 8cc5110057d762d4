"""What MySQL and MariaDB do for a statement: algorithm, lock and rebuild of the whole ALTER TABLE."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dbtui.migrations.locks import Cell, cell
from dbtui.model.migration import (
    Action,
    ColumnDef,
    Effects,
    Engine,
    KnownTable,
    Lock,
    Relation,
    Schema,
    Statement,
    Volatility,
)
from dbtui.rules.migration.transaction import relation_of

_ALGORITHMS = ("", "INSTANT", "NOCOPY", "INPLACE", "COPY")
_LOCKS = ("", "NONE", "SHARED", "EXCLUSIVE")
_BYTES = {"latin1": 1, "ascii": 1, "binary": 1, "utf8": 3, "utf8mb3": 3, "ucs2": 2, "utf16": 4, "utf32": 4}


def effects(
    statement: Statement,
    schema: Schema,
    engine: Engine,
    version: tuple[int, ...],
    settings: Mapping[str, str],
) -> tuple[Effects, str]:
    """What the server does, and why it would refuse the ALGORITHM= or LOCK= that is written ("" if it would not)."""
    tables: dict[str, list[Cell]] = {}
    options: dict[str, str] = {}
    by_action: list[tuple[str, ...]] = []
    for action in statement.actions:
        inline = action.op == "create index" and "inline" in action.options
        uses = () if inline else tuple(_cells(action, statement, schema, settings))
        by_action.append(tuple(name for name, _ in uses))
        for name, relation in uses:
            found = cell(engine.value, name, version)
            if found is None:
                return Effects(), f"{name} needs another version"
            tables.setdefault(str(relation), []).append(found)
            options.update(
                {key: action.options[key] for key in ("algorithm", "lock") if key in action.options}
            )
    refused = ""
    locks: list[Lock] = []
    rewrites: list[str] = []
    scans: list[str] = []
    algorithm = ""
    for name, cells in tables.items():
        table_algorithm, lock, rewrite = _combined(cells, engine)
        if table_algorithm == "COPY" and lock == "NONE" and _cascades(schema, name):
            lock = "SHARED"
        if options:
            table_algorithm, lock, rewrite, refused = _asserted(
                (table_algorithm, lock, rewrite), cells, options, engine, version
            )
        algorithm = max(algorithm, table_algorithm, key=_ALGORITHMS.index)
        if lock:
            locks.append(Lock(name, lock))
        if rewrite:
            rewrites.append(name)
        if rewrite or any(one.scan for one in cells):
            scans.append(name)
    made = Effects(tuple(locks), tuple(rewrites), tuple(scans), algorithm or None, tuple(by_action))
    return made, refused


def _combined(cells: list[Cell], engine: Engine) -> tuple[str, str, bool]:
    """One algorithm for all: the heaviest, and a rebuild where an instant change cannot be instant any more."""
    algorithm = max((one.algorithm for one in cells), key=_ALGORITHMS.index)
    lock = max((one.lock for one in cells), key=_LOCKS.index)
    rewrite = any(one.rewrite for one in cells)
    if algorithm not in ("", "INSTANT") and any(one.alone for one in cells):
        rewrite = True
        algorithm = "COPY" if algorithm == "COPY" else "INPLACE"
    return algorithm, lock, rewrite


def _cascades(schema: Schema, name: str) -> bool:
    """Whether a foreign key changes rows of a table by itself: MariaDB copies none such beside writers (11.8)."""
    known = schema.table(relation_of(name))
    return known is not None and any(
        {made.on_delete, made.on_update} & {"cascade", "set null", "set default"}
        for made in known.constraints
    )


def _asserted(
    least: tuple[str, str, bool],
    cells: list[Cell],
    options: Mapping[str, str],
    engine: Engine,
    version: tuple[int, ...],
) -> tuple[str, str, bool, str]:
    """The effects under the ALGORITHM= and LOCK= that the statement demands."""
    algorithm, lock, rewrite = least
    wanted = options.get("algorithm", "DEFAULT")
    wanted_lock = options.get("lock", "DEFAULT")
    if wanted in _ALGORITHMS and algorithm:
        if _ALGORITHMS.index(wanted) < _ALGORITHMS.index(algorithm):
            return algorithm, lock, rewrite, f"ALGORITHM={wanted} is refused: it needs {algorithm}"
        if wanted == "COPY" and algorithm != "COPY":
            online = engine is Engine.MARIADB and version >= (11, 2)
            algorithm, rewrite = "COPY", True
            lock = max(lock, "NONE" if online else "SHARED", key=_LOCKS.index)
        elif engine is Engine.MYSQL:  # for MariaDB it is the most that may be done
            rewrite = rewrite or (wanted == "INPLACE" and any(one.alone for one in cells))
            algorithm = wanted
    if wanted_lock in _LOCKS:
        if _LOCKS.index(wanted_lock) < _LOCKS.index(lock):
            return algorithm, lock, rewrite, f"LOCK={wanted_lock} is refused: it needs {lock}"
        lock = wanted_lock
    return algorithm, lock, rewrite, ""


def _cells(
    action: Action, statement: Statement, schema: Schema, settings: Mapping[str, str]
) -> Iterator[tuple[str, Relation]]:
    """The cells of one action with the table each is about."""
    table = (
        action.others[0] if action.op in ("drop index", "rename index") and action.others else action.relation
    )
    reader = _READERS.get(action.op)
    if action.op == "rename column" and any(
        action.name in constraint.referenced_columns for _, constraint in schema.referencing(table)
    ):
        yield "rename column referenced", table
    elif reader is not None:
        for name in reader(action, statement, schema.table(table), settings):
            yield name, table


Reader = Callable[[Action, Statement, KnownTable | None, Mapping[str, str]], Iterator[str]]


def _add_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    column = action.column
    assert column is not None
    if column.generated:
        yield f"add column {column.generated}"
        return
    if column.serial:
        yield "add column autoincrement"
        return
    if column.has("check"):
        yield "add column check"
    if column.has("foreign key"):
        yield "add column references"
    if column.has("unique") or column.has("primary key"):
        yield "add column unique"
    value = column.default
    if value is not None and value.text.startswith("(") and value.volatility is not Volatility.NULL:
        stable = value.volatility is not Volatility.VOLATILE
        yield "add column stable expression" if stable else "add column expression"
    elif value is not None and value.volatility is Volatility.VOLATILE:
        yield "add column expression"
    elif special := _special_table(known):
        yield special
    elif column.position:
        generated = known is not None and any(each.generated for each in known.columns.values())
        yield "add column placed generated" if generated else "add column placed"
    else:
        yield "add column"


def _special_table(known: KnownTable | None) -> str:
    """Tables on which no column can be added instantly."""
    if known is None:
        return ""
    if any(index.method == "fulltext" for index in known.indexes):
        return "column on fulltext"
    return "column on compressed" if known.options.get("row_format") == "compressed" else ""


def _drop_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    column = known.columns.get(action.name) if known else None
    if column is not None and column.generated:
        yield "drop generated column"
    elif known is not None and _in_primary_key(known, action.name):
        yield "drop primary key"
    elif special := _special_table(known):
        yield special
    elif known is not None and any(action.name in index.columns for index in known.indexes):
        yield "drop indexed column"
    else:
        yield "drop column"


def _change_column(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    new = action.column
    assert new is not None
    old = known.columns.get(action.name) if known else None
    if old is None or known is None:
        yield "change type"
        return
    generated = any(column.generated for column in known.columns.values())
    if new.name != action.name:
        yield "rename column"
    if new.position:
        yield "reorder column generated" if generated else "reorder column"
    if new.serial and not old.serial:
        yield "column autoincrement"
        return
    if (new.generated, new.expression) != (old.generated, old.expression):
        both = new.generated == old.generated == "virtual"
        yield "change virtual expression" if both else "change type"
    yield from _type_change(old, new, known)
    if new.not_null != (old.not_null or _in_primary_key(known, action.name)) and not new.has("primary key"):
        yield from _nullability(new, known, generated, action.name)
    if new == old:
        yield "column metadata"


def _in_primary_key(known: KnownTable, name: str) -> bool:
    key = known.primary_key
    return key is not None and name in key.columns


def _nullability(new: ColumnDef, known: KnownTable, generated: bool, name: str) -> Iterator[str]:
    if _in_primary_key(known, name):
        return
    if any(index.method == "fulltext" for index in known.indexes):
        yield "rebuild table fulltext"
    else:
        yield "nullability generated" if generated else "nullability"


def _type_change(old: ColumnDef, new: ColumnDef, known: KnownTable) -> Iterator[str]:
    was, now = old.type, new.type
    charset = now.charset or _of_collation(new.collation) or known.options.get("charset", "")
    old_charset = was.charset or _of_collation(old.collation) or known.options.get("charset", "")
    textual = now.name in ("varchar", "char", "text", "tinytext", "mediumtext", "longtext", "enum", "set")
    if textual and was.name == now.name and charset != old_charset:
        yield "column charset"
        return
    if textual and new.collation and new.collation != old.collation:
        yield "column collation"
    if was.name == now.name == "varchar":
        yield from _varchar(int((was.modifiers or ("1",))[0]), int((now.modifiers or ("1",))[0]), charset)
    elif was.name == now.name and now.name in ("enum", "set"):
        yield from _members(was.members, now.members, now.name)
    elif _differs(was.name, was.modifiers, now.name, now.modifiers) or was.unsigned != now.unsigned:
        yield "change type"
    else:
        yield "column metadata"


_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")


def _differs(name: str, modifiers: tuple[str, ...], new_name: str, new_modifiers: tuple[str, ...]) -> bool:
    """Whether two types differ in storage; the display width of an integer is not part of it."""
    if name != new_name:
        return True
    return name not in _INTEGERS and modifiers != new_modifiers


def _of_collation(collation: str) -> str:
    return collation.partition("_")[0] if collation else ""


def _varchar(was: int, now: int, charset: str) -> Iterator[str]:
    width = _BYTES.get(charset, 4)
    if now < was:
        yield "change type"
    elif now == was:
        yield "column metadata"
    elif (was * width <= 255) == (now * width <= 255):
        yield "extend varchar"
    else:
        # MariaDB keeps a length byte for values whose longest is below 128 bytes anyway.
        yield "extend varchar across 255 from 127" if was * width <= 127 else "extend varchar across 255"


def _members(was: tuple[str, ...], now: tuple[str, ...], kind: str) -> Iterator[str]:
    if was == now:
        yield "column metadata"
        return
    steps = (8, 16, 24, 32, 64) if kind == "set" else (255, 65535)
    same_size = _step(len(was), steps) == _step(len(now), steps)
    yield "append enum" if now[: len(was)] == was and same_size else "change type"


def _step(count: int, steps: tuple[int, ...]) -> int:
    return next((step for step in steps if count <= step), 0)


def _add_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    made = action.constraint
    assert made is not None
    if made.kind == "primary key":
        replaces = any(other.op == "drop primary key" for other in statement.actions)
        yield "replace primary key" if replaces else "add primary key"
    elif made.kind == "unique":
        yield "add index"
    elif made.kind == "foreign key":
        unchecked = settings.get("foreign_key_checks", "1").lower() in ("0", "off", "false")
        yield "add foreign key unchecked" if unchecked else "add foreign key"
    else:
        yield "add check" if made.enforced else "add check not enforced"


def _drop_primary_key(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    added = (other.constraint for other in statement.actions if other.constraint is not None)
    if not any(made.kind == "primary key" for made in added):
        yield "drop primary key"


def _drop_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    found = next((c for c in known.constraints if c.name == action.name), None) if known else None
    kind = found.kind if found else action.options.get("kind", "check")
    names = {"foreign key": "drop foreign key", "unique": "drop index", "primary key": "drop primary key"}
    yield names.get(kind, "drop check")


def _create_index(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    index = action.index
    assert index is not None
    if index.method == "fulltext":
        another = known is not None and any(other.method == "fulltext" for other in known.indexes)
        yield "fulltext" if another else "first fulltext"
    else:
        plain = "add index" if all(index.columns) else "add index expression"
        yield "spatial" if index.method == "spatial" else plain


def _rebuild(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    engine = action.options.get("engine", "innodb")
    was = known.options.get("engine", "innodb") if known else "innodb"
    if engine != was:
        yield "change engine"
    elif action.name == "ORDER BY":
        yield "order by"
    elif action.name in ("ENCRYPTION", "ENCRYPTED"):
        same = known is not None and _encryption(action.options) == _encryption(known.options)
        yield "table options" if same else "encryption"
    elif known is not None and any(index.method == "fulltext" for index in known.indexes):
        yield "rebuild table fulltext"
    else:
        yield "rebuild table"


def _encryption(options: Mapping[str, str]) -> bool:
    return {options.get("encryption", "n"), options.get("encrypted", "no")} & {"y", "yes"} != set()


def _table_options(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "keys" if action.name == "KEYS" else "table options"


def _alter_constraint(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "enforce check" if action.options.get("enforced") == "yes" else "drop check"


def _add_partition(
    action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
) -> Iterator[str]:
    yield "add range partition" if "VALUES" in action.text.upper() else "add hash partition"


def _is(name: str) -> Reader:
    def read(
        action: Action, statement: Statement, known: KnownTable | None, settings: Mapping[str, str]
    ) -> Iterator[str]:
        yield name

    return read


_READERS: dict[str, Reader] = {
    "add column": _add_column,
    "drop column": _drop_column,
    "change column": _change_column,
    "add constraint": _add_constraint,
    "drop constraint": _drop_constraint,
    "alter constraint": _alter_constraint,
    "drop primary key": _drop_primary_key,
    "create index": _create_index,
    "drop index": _is("drop index"),
    "rename index": _is("rename index"),
    "index visibility": _is("index visibility"),
    "rename column": _is("rename column"),
    "set default": _is("column metadata"),
    "drop default": _is("column metadata"),
    "column visibility": _is("column metadata"),
    "rebuild table": _rebuild,
    "optimize table": _rebuild,
    "convert charset": _is("convert charset"),
    "default charset": _is("default charset"),
    "table options": _table_options,
    "rename table": _is("rename table"),
    "partition by": _is("partition by"),
    "add partition": _add_partition,
    "drop partition": _is("drop partition"),
    "truncate partition": _is("drop partition"),
    "exchange partition": _is("exchange partition"),
    "reorganize partition": _is("reorganize partition"),
    "truncate": _is("exclusive"),
    "drop table": _is("exclusive"),
    "create trigger": _is("exclusive"),
    "tablespace file": _is("exclusive"),
    "add versioning": _is("add versioning"),
    "drop versioning": _is("drop versioning"),
    "add vector index": _is("add vector index"),
}
