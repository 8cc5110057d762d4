"""What makes one schema out of another: statements in the order in which they can run.

Both schemas are read from DDL. What is new comes in the words of the wanted schema; only changes of what is there
already are written here. Views, functions and triggers are compared by `difference_code`. What was not understood
is named, so that nobody takes silence for equality.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dbtui.migrations.difference_code import changes as code_changes
from dbtui.migrations.difference_code import code_of
from dbtui.migrations.difference_code import drops as code_drops
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.known import apply
from dbtui.migrations.parse import parse
from dbtui.migrations.planner.clauses import column_text
from dbtui.migrations.tokens import tokens
from dbtui.model.migration import (
    ColumnDef,
    ConstraintDef,
    Engine,
    IndexDef,
    KnownTable,
    Relation,
    Schema,
    Statement,
)
from dbtui.rules.migration.step import quoted, sql_name

_HOME = {Engine.POSTGRESQL: "public", Engine.SQLITE: "main"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Statements that lead from one schema to another, and what was not compared, a line each."""

    statements: tuple[str, ...]
    not_compared: tuple[str, ...] = ()

    @property
    def file(self) -> MigrationFile:
        """The statements as a migration."""
        return MigrationFile("difference.sql", "".join(f"{sql};\n" for sql in self.statements))


@dataclass(frozen=True, slots=True)
class _Side:
    """A schema as its DDL left it, and the statements that made it."""

    schema: Schema
    statements: tuple[Statement, ...]


def difference(was: Sequence[MigrationFile], wanted: Sequence[MigrationFile], engine: Engine) -> Difference:
    """The statements that make `wanted` out of `was`: additions, then changes, then what goes."""
    old, new = _read(was, engine), _read(wanted, engine)
    found = _Found(engine, old.schema, new.schema)
    created = [key for key in new.schema.tables if key not in old.schema.tables]
    both = [key for key in new.schema.tables if key in old.schema.tables]
    gone = [key for key in old.schema.tables if key not in new.schema.tables]
    for key in both:
        found.table(old.schema.tables[key], new.schema.tables[key])
    was_code, now_code = code_of(old.statements, engine), code_of(new.statements, engine)
    statements = [
        *_types(old, new, engine),
        *code_changes(was_code, now_code, engine, early=True),
        *_words_of(new, {new.schema.tables[key].relation for key in created}, late=False),
        *found.dropped_constraints,
        *found.dropped_indexes,
        *found.columns,
        *found.constraints,
        *found.indexes,
        *found.foreign_keys,
        *_words_of(new, {new.schema.tables[key].relation for key in created}, late=True),
        *code_changes(was_code, now_code, engine, early=False),
        *code_drops(was_code, now_code, engine),
        *found.dropped_columns,
        *_dropped(old.schema, gone, engine),
    ]
    return Difference(tuple(dict.fromkeys(statements)), tuple(_not_compared(new)))


def _read(files: Sequence[MigrationFile], engine: Engine) -> _Side:
    home = _HOME.get(engine, "")
    schema = Schema(home, fold=engine is not Engine.POSTGRESQL)
    statements: list[Statement] = []
    for file in files:
        for statement in parse(file.text, engine, file.name):
            apply(schema, statement)
            statements.append(statement)
        schema.search_path = home
    return _Side(schema, tuple(statements))


def _words_of(side: _Side, created: set[Relation], *, late: bool) -> Iterator[str]:
    """The wanted schema's own statements about tables that are new; foreign keys of ALTER TABLE come late."""
    keys = {side.schema.key(relation) for relation in created}
    for statement in side.statements:
        for action in statement.actions:
            target = (
                action.others[0] if action.op == "attach partition" and action.others else action.relation
            )
            if target.name and side.schema.key(target) in keys and action.op not in ("grant", "comment"):
                key = action.op == "add constraint" and action.constraint is not None
                foreign = key and action.constraint is not None and action.constraint.kind == "foreign key"
                if (foreign or action.op == "attach partition") == late:
                    yield statement.sql
                break


def _types(old: _Side, new: _Side, engine: Engine) -> Iterator[str]:
    """Enums, domains and sequences that are new, and values that enums gain."""
    before = {_named(s): s for s in old.statements if _named(s)}
    for statement in new.statements:
        name = _named(statement)
        if not name:
            continue
        if name not in before:
            yield statement.sql
        elif statement.kind == "create enum":
            yield from _values(before[name], statement, engine)


def _named(statement: Statement) -> str:
    if statement.kind not in ("create enum", "create domain", "create sequence") or not statement.actions:
        return ""
    relation = statement.actions[0].relation
    return f"{statement.kind} {relation.name}" if relation.name else ""


def _values(old: Statement, new: Statement, engine: Engine) -> Iterator[str]:
    had = [t.text for t in tokens(old.sql, engine) if t.kind == "string"]
    wants = [t.text for t in tokens(new.sql, engine) if t.kind == "string"]
    kind = sql_name(new.actions[0].relation, engine)
    for position, value in enumerate(wants):
        if value not in had:
            where = f" AFTER {wants[position - 1]}" if position else (f" BEFORE {had[0]}" if had else "")
            yield f"ALTER TYPE {kind} ADD VALUE {value}{where}"


def _dropped(schema: Schema, keys: Sequence[tuple[str, str]], engine: Engine) -> Iterator[str]:
    """Tables that go, those that refer to others first."""
    left = [schema.tables[key] for key in keys]
    while left:
        free = [t for t in left if not any(o is not t and _refers(o, t, schema) for o in left)] or left[:1]
        for table in free:
            left.remove(table)
            word = {"view": "VIEW", "materialized view": "MATERIALIZED VIEW"}.get(table.kind, "TABLE")
            yield f"DROP {word} {sql_name(table.relation, engine)}"


def _refers(table: KnownTable, other: KnownTable, schema: Schema) -> bool:
    keys = any(
        c.references is not None and schema.same(c.references, other.relation) for c in table.constraints
    )
    reads = any(schema.same(read, other.relation) for read in table.reads)
    return keys or reads or (table.parent is not None and schema.same(table.parent, other.relation))


def _not_compared(new: _Side) -> Iterator[str]:
    for statement in new.statements:
        if statement.error:
            yield f"not understood, so not compared: {statement.sql.splitlines()[0][:80]}"


class _Found:
    """Differences between tables that both sides have, sorted by when they can run."""

    def __init__(self, engine: Engine, old: Schema, new: Schema) -> None:
        self.engine = engine
        self.old, self.new = old, new
        self.columns: list[str] = []
        self.constraints: list[str] = []
        self.indexes: list[str] = []
        self.foreign_keys: list[str] = []
        self.dropped_constraints: list[str] = []
        self.dropped_indexes: list[str] = []
        self.dropped_columns: list[str] = []

    def table(self, was: KnownTable, now: KnownTable) -> None:
        if was.kind != "table" or now.kind != "table":
            return
        table = sql_name(was.relation, self.engine)
        for name, column in now.columns.items():
            if name not in was.columns:
                self.columns.append(f"ALTER TABLE {table} ADD COLUMN {self._definition(column)}")
            else:
                self.columns += self._changed(table, was.columns[name], column, now)
        for name in was.columns:
            if name not in now.columns:
                self.dropped_columns.append(f"ALTER TABLE {table} DROP COLUMN {quoted(name, self.engine)}")
        self._constraints(table, was, now)
        self._indexes(table, was, now)

    def _definition(self, column: ColumnDef) -> str:
        """The column in the words of the wanted schema."""
        return column.text or definition(column, self.engine)

    def _changed(self, table: str, was: ColumnDef, now: ColumnDef, known: KnownTable) -> Iterator[str]:
        name = quoted(now.name, self.engine)
        keyed = known.primary_key is not None and now.name in known.primary_key.columns
        null = was.not_null != now.not_null and not keyed
        typed = _type(was) != _type(now)
        default = _plain(was.default.text if was.default else "") != _plain(
            now.default.text if now.default else ""
        )
        default = default and not (was.serial or now.serial)
        if self.engine in (Engine.MYSQL, Engine.MARIADB):
            if typed or null or default:
                yield f"ALTER TABLE {table} MODIFY COLUMN {self._definition(now)}"
            return
        column = f"ALTER TABLE {table} ALTER COLUMN {name}"
        if typed:
            written = (
                column_text(f"ADD COLUMN {now.text}", self.engine) if now.text and not now.serial else None
            )
            yield f"{column} TYPE {written.type if written is not None else _type_text(now, self.engine)}"
        if default:
            text = now.default.text if now.default else ""
            yield f"{column} SET DEFAULT {text}" if text else f"{column} DROP DEFAULT"
        if null:
            yield f"{column} {'SET' if now.not_null else 'DROP'} NOT NULL"

    def _constraints(self, table: str, was: KnownTable, now: KnownTable) -> None:
        had = {_meaning(c) for c in was.constraints if c.kind != "not null"}
        wants = {_meaning(c) for c in now.constraints if c.kind != "not null"}
        for made in now.constraints:
            if made.kind != "not null" and _meaning(made) not in had and self._column_stays(was, made, now):
                text = f"ALTER TABLE {table} {_adding(made, self.engine)}"
                (self.foreign_keys if made.kind == "foreign key" else self.constraints).append(text)
        for made in was.constraints:
            lost = made.kind != "not null" and _meaning(made) not in wants and made.name
            if lost and all(name in now.columns for name in made.columns):
                self.dropped_constraints.append(f"ALTER TABLE {table} {_dropping(made, self.engine)}")

    def _column_stays(self, was: KnownTable, made: ConstraintDef, now: KnownTable) -> bool:
        """Whether the constraint does not come with a column that is added in words that hold it."""
        inline = len(made.columns or tuple(made.mentions)) == 1
        (name,) = (made.columns or tuple(made.mentions)) if inline else ("",)
        column = now.columns.get(name)
        return not (inline and column is not None and name not in was.columns and made in column.constraints)

    def _indexes(self, table: str, was: KnownTable, now: KnownTable) -> None:
        had = {_index_meaning(i) for i in was.indexes if not i.constraint}
        wants = {_index_meaning(i) for i in now.indexes if not i.constraint}
        for index in now.indexes:
            if not index.constraint and _index_meaning(index) not in had:
                self.indexes.append(index.text if _is_create(index) else _create(index, table, self.engine))
        for index in was.indexes:
            gone = not index.constraint and index.name and _index_meaning(index) not in wants
            if gone and all(name in now.columns for name in index.columns if name):
                where = f" ON {table}" if self.engine in (Engine.MYSQL, Engine.MARIADB) else ""
                relation = Relation(index.name, was.relation.schema if not where else "")
                self.dropped_indexes.append(f"DROP INDEX {sql_name(relation, self.engine)}{where}")


def definition(column: ColumnDef, engine: Engine) -> str:
    """A column's definition from what is known of it."""
    parts = [quoted(column.name, engine), _type_text(column, engine)]
    if column.collation:
        parts.append(f"COLLATE {quoted(column.collation, engine)}")
    if column.not_null:
        parts.append("NOT NULL")
    if column.default is not None and column.default.text:
        parts.append(f"DEFAULT {column.default.text}")
    if column.serial and engine in (Engine.MYSQL, Engine.MARIADB):
        parts.append("AUTO_INCREMENT")
    if column.identity:
        parts.append("GENERATED BY DEFAULT AS IDENTITY")
    return " ".join(parts)


def _type_text(column: ColumnDef, engine: Engine) -> str:
    kind = column.type
    if engine is Engine.POSTGRESQL and column.serial:
        return {"int2": "smallserial", "int4": "serial", "int8": "bigserial"}.get(kind.name, kind.text)
    plain = re.fullmatch(r"[a-z_][a-z0-9_ ]*", kind.name)
    return (
        kind.text
        if plain or engine is not Engine.POSTGRESQL
        else kind.text.replace(kind.name, quoted(kind.name), 1)
    )


def _type(column: ColumnDef) -> tuple[object, ...]:
    """A type so that two spellings of it are equal; the display width of MySQL's integers is no part of it."""
    kind = column.type
    modifiers = () if kind.name.endswith("int") else kind.modifiers
    return kind.name.casefold(), modifiers, kind.array, kind.unsigned, kind.members


def _plain(text: str) -> str:
    """An expression without casts, brackets and spaces: servers add them when they print it."""
    bare = re.sub(r"::(?:[\w. ]+|\"[^\"]+\")(?:\(\d+(?:,\s*\d+)?\))?(?:\[\])?", "", text)
    bare = "" if bare.strip().upper() == "NULL" else bare
    pieces = re.split(r"('(?:[^']|'')*')", bare)
    return "".join(p if p.startswith("'") else re.sub(r"[\s()]", "", p).casefold() for p in pieces)


def _meaning(made: ConstraintDef) -> tuple[object, ...]:
    """A constraint without its name: what two sides must share."""
    references = made.references.name.casefold() if made.references is not None else ""
    body = _plain(_condition(made.text)) if made.kind in ("check", "exclude") else ""
    columns = tuple(name.casefold() for name in made.columns) if made.kind != "check" else ()
    rules = tuple(
        "" if rule in ("no action", "restrict") else rule for rule in (made.on_delete, made.on_update)
    )
    return made.kind, columns, references, body, rules


def _condition(text: str) -> str:
    """What stands after CHECK or EXCLUDE."""
    found = re.search(r"\b(?:CHECK|EXCLUDE)\b(.*)", text, re.I | re.S)
    return re.sub(r"\bNOT\s+VALID\s*$", "", found.group(1), flags=re.I) if found else text


def _index_meaning(index: IndexDef) -> tuple[object, ...]:
    where = ""
    if index.partial or "" in index.columns:
        found = re.search(r"\bON\b\s+(?:ONLY\s+)?\S+\s*(.*)", index.text, re.I | re.S)
        where = _plain(re.sub(r"\busing\s+btree\b", "", found.group(1), flags=re.I)) if found else index.name
    method = "" if index.method in ("btree", "") else index.method
    return tuple(name.casefold() for name in index.columns), index.unique, method, where


def _is_create(index: IndexDef) -> bool:
    return index.text[:6].upper() == "CREATE" and bool(
        re.match(r"CREATE\s+(UNIQUE\s+)?INDEX", index.text, re.I)
    )


def _create(index: IndexDef, table: str, engine: Engine) -> str:
    names = ", ".join(quoted(name, engine) for name in index.columns)
    kind = "UNIQUE " if index.unique else "FULLTEXT " if index.method == "fulltext" else ""
    return f"CREATE {kind}INDEX {quoted(index.name, engine)} ON {table} ({names})"


def _adding(made: ConstraintDef, engine: Engine) -> str:
    """ADD CONSTRAINT in the words of the wanted schema."""
    text = re.sub(r"^ADD\s+", "", made.text.strip(), flags=re.I)
    if not text:
        text = _written(made, engine)
    named = text.upper().startswith("CONSTRAINT")
    return f"ADD {text}" if named or not made.name else f"ADD CONSTRAINT {quoted(made.name, engine)} {text}"


def _written(made: ConstraintDef, engine: Engine) -> str:
    columns = ", ".join(quoted(name, engine) for name in made.columns)
    if made.kind != "foreign key" or made.references is None:
        return f"{made.kind.upper()} ({columns})"
    keys = ", ".join(quoted(name, engine) for name in made.referenced_columns)
    rules = [
        f" ON {event} {rule.upper()}"
        for event, rule in (("DELETE", made.on_delete), ("UPDATE", made.on_update))
        if rule
    ]
    target = f"{sql_name(made.references, engine)}{f' ({keys})' if keys else ''}"
    return f"FOREIGN KEY ({columns}) REFERENCES {target}{''.join(rules)}"


def _dropping(made: ConstraintDef, engine: Engine) -> str:
    if engine in (Engine.MYSQL, Engine.MARIADB):
        if made.kind == "primary key":
            return "DROP PRIMARY KEY"
        words = {"foreign key": "FOREIGN KEY", "unique": "INDEX", "check": "CONSTRAINT"}
        return f"DROP {words.get(made.kind, 'CONSTRAINT')} {quoted(made.name, engine)}"
    return f"DROP CONSTRAINT {quoted(made.name, engine)}"
