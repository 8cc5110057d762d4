"""What a migration rule sees: one statement in its place, and the words to answer with."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dbtui.model.finding import Severity
from dbtui.model.migration import Action, Effects, Engine, KnownTable, Relation, Schema, Statement


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule saw. `sql` are statements that would do the same without harm, in order."""

    object: str
    message: str
    advice: str = ""
    sql: tuple[str, ...] = ()
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    severity: Severity | None = None  # where it is not the rule's own


@dataclass(frozen=True, slots=True)
class Done:
    """A statement that ran earlier in the same transaction."""

    actions: tuple[Action, ...]
    effects: Effects


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of the file as a whole."""

    name: str
    style: str = "plain"
    has_down: bool | None = None  # None where its style does not tell
    transactional: int = 0  # statements that may run in a transaction
    not_transactional: int = 0  # statements that must not
    position: int = 0  # of this statement among the file's
    again: bool = False  # runs more than once by design (Flyway's repeatable files)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement, what it does, and what was before it."""

    statement: Statement
    effects: Effects
    schema: Schema  # as it was before this statement
    engine: Engine
    version: tuple[int, ...]
    file: FileFacts
    transaction: int = 0  # 0 outside of one
    wrapper: str = ""  # "" none, "script" its own BEGIN, "runner" the migration tool's
    earlier: tuple[Done, ...] = ()  # in the same transaction
    previous: Done | None = None  # the statement before, whatever its transaction
    settings: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""  # why this server version would not take the statement

    def fresh(self, relation: Relation) -> bool:
        """Whether the table was created earlier in this file, so that nobody uses it yet."""
        known = self.schema.table(relation)
        return known is not None and (known.temporary or (known.file != "" and known.file == self.file.name))

    def table(self, relation: Relation) -> KnownTable | None:
        return self.schema.table(relation)

    def seen(self, relation: Relation) -> KnownTable | None:
        """The table, or what the files so far have said of one that was created elsewhere."""
        return self.schema.seen(relation)

    def used(self, cell: str, action: Action | None = None) -> bool:
        """Whether the effects of the statement, or of one of its actions, come from this cell of the matrix."""
        if action is None:
            return cell in self.effects.cells
        pairs = zip(self.statement.actions, self.effects.by_action, strict=False)
        return any(each is action and cell in cells for each, cells in pairs)

    def earlier_actions(self) -> Iterator[Action]:
        for done in self.earlier:
            yield from done.actions


_BARE = re.compile(r"[a-z_][a-z0-9_$]*")
_RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "column",
        "constraint",
        "create",
        "current_date",
        "current_role",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "from",
        "grant",
        "group",
        "having",
        "in",
        "initially",
        "intersect",
        "into",
        "lateral",
        "leading",
        "limit",
        "localtime",
        "localtimestamp",
        "not",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "placing",
        "primary",
        "references",
        "returning",
        "select",
        "session_user",
        "some",
        "symmetric",
        "system_user",
        "table",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "variadic",
        "when",
        "where",
        "window",
        "with",
    ]
)


def quoted(name: str, engine: Engine = Engine.POSTGRESQL) -> str:
    """A name as SQL, in quotes where it needs them."""
    if _BARE.fullmatch(name) and name not in _RESERVED:
        return name
    mark = "`" if engine in (Engine.MYSQL, Engine.MARIADB) else '"'
    return mark + name.replace(mark, mark * 2) + mark


def sql_name(relation: Relation, engine: Engine = Engine.POSTGRESQL) -> str:
    """A relation as SQL."""
    name = quoted(relation.name, engine)
    return f"{quoted(relation.schema, engine)}.{name}" if relation.schema else name


def columns(names: tuple[str, ...], engine: Engine = Engine.POSTGRESQL) -> str:
    return ", ".join(quoted(name, engine) for name in names)


def short(*parts: str) -> str:
    """A name made of parts, cut to PostgreSQL's 63 bytes."""
    return "_".join(part for part in parts if part).encode()[:63].decode(errors="ignore")


def with_timeout(*statements: str) -> tuple[str, ...]:
    """Statements in a transaction of their own that gives up rather than queue."""
    return ("BEGIN;", "SET LOCAL lock_timeout = '2s';", *statements, "COMMIT;")
