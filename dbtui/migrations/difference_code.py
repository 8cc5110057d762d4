"""Views, functions, procedures and triggers that two schemas do not share: by what they say, not by how it is set.

Servers print them in words of their own, with casts, brackets, qualifiers and the long names of types. What differs
in these alone counts as the same: so a change of brackets alone is not seen. A star, or an expression that the server
has rewritten, may make a difference where none is: then what is there is replaced by what means the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dbtui.migrations.tokens import Token, tokens
from dbtui.model.migration import Engine, Relation, Statement
from dbtui.rules.migration.step import sql_name

_HEAD = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:ALGORITHM\s*=\s*\w+\s+)?(?:DEFINER\s*=\s*\S+\s+)?(?:SQL\s+SECURITY\s+\w+\s+)?"
    r"(?:CONSTRAINT\s+)?(?P<kind>MATERIALIZED\s+VIEW|VIEW|FUNCTION|PROCEDURE|TRIGGER)\s+(?:IF\s+NOT\s+EXISTS\s+)?",
    re.I,
)
_NAME = re.compile(r"""(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[\w$]+)""")
_SPELLINGS = {
    "int": "integer", "int2": "smallint", "int4": "integer", "int8": "bigint", "bool": "boolean", "float4": "real",
    "float8": "double precision", "varchar": "character varying", "char": "character", "decimal": "numeric",
    "timestamptz": "timestamp with time zone", "default": "=", "ucase": "upper", "lcase": "lower",
}  # fmt: skip
# What is so without being said, and what a server says or leaves out as it likes.
_UNSAID = re.compile(
    r" (?:volatile|called on null input|security invoker|parallel unsafe|not deterministic|contains sql"
    r"|sql security definer|for each statement|with data)(?= )"
)
_REPLACEABLE = {
    Engine.POSTGRESQL: {"VIEW", "FUNCTION", "PROCEDURE"},
    Engine.MYSQL: {"VIEW"},
    Engine.MARIADB: {"VIEW", "FUNCTION", "PROCEDURE", "TRIGGER"},
    Engine.SQLITE: set[str](),
}
_NEAR = 4  # words before AS, brackets apart
_WIDTHS = frozenset({"integer", "bigint", "smallint", "tinyint", "mediumint"})
Key = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Code:
    """One of them. `table` is a trigger's; `arguments` is how many a function takes."""

    kind: str  # "VIEW", "MATERIALIZED VIEW", "FUNCTION", "PROCEDURE" or "TRIGGER"
    relation: Relation
    table: Relation | None
    arguments: int
    says: tuple[str, ...]
    statement: Statement

    @property
    def unchecked(self) -> bool:
        """Whether it may be made before the tables that it speaks of."""
        return self.kind in ("FUNCTION", "PROCEDURE") and "plpgsql" in self.says

    @property
    def key(self) -> Key:
        """What it is known by on both sides."""
        schema = "" if self.relation.schema in ("public", "main") else self.relation.schema
        return self.kind, schema, self.relation.name.casefold(), self.arguments


def code_of(statements: Sequence[Statement], engine: Engine) -> dict[Key, Code]:
    """All that the statements make; of two with one name the later."""
    found = (_read(statement, engine) for statement in statements)
    return {one.key: one for one in found if one is not None}


def changes(old: dict[Key, Code], new: dict[Key, Code], engine: Engine, *, early: bool) -> Iterator[str]:
    """Statements for what is new or says something else, in the words of the wanted schema.

    Early comes what triggers of new tables call, and what is not checked against tables when it is made.
    """
    for key, wanted in new.items():
        if wanted.unchecked != early:
            continue
        there = old.get(key)
        if there is None:
            yield wanted.statement.sql
        elif there.says != wanted.says:
            yield from _replaced(there, wanted, engine)


def drops(old: dict[Key, Code], new: dict[Key, Code], engine: Engine) -> Iterator[str]:
    """Statements for what is gone; views go with the tables."""
    for key, one in reversed(old.items()):
        if key not in new and "VIEW" not in one.kind:
            yield _drop(one, engine)


def _replaced(there: Code, wanted: Code, engine: Engine) -> Iterator[str]:
    if wanted.kind in _REPLACEABLE[engine]:
        bare = re.sub(r"^CREATE\s+(?:OR\s+REPLACE\s+)?", "", wanted.statement.sql, flags=re.I)
        yield f"CREATE OR REPLACE {bare}"
        return
    yield _drop(there, engine)
    yield wanted.statement.sql


def _drop(one: Code, engine: Engine) -> str:
    on = f" ON {sql_name(one.table, engine)}" if one.table is not None and engine is Engine.POSTGRESQL else ""
    return f"DROP {one.kind} {sql_name(one.relation, engine)}{on}"


def _read(statement: Statement, engine: Engine) -> Code | None:
    head = _HEAD.match(statement.sql)
    if head is None:
        return None
    kind = " ".join(head.group("kind").upper().split())
    names, at = _names(statement.sql, head.end())
    if not names:
        return None
    relation = Relation(names[-1], names[-2] if len(names) > 1 else "")
    rest = list(tokens(statement.sql[at:], engine))
    action = statement.actions[0] if statement.actions else None
    table = action.relation if kind == "TRIGGER" and action is not None else None
    routine = kind in ("FUNCTION", "PROCEDURE")
    says = _plain(rest, engine)
    if routine and engine is Engine.POSTGRESQL:  # whose clauses may stand in any order
        says = tuple(sorted(says))
    return Code(kind, relation, table, _arguments(rest) if routine else 0, says, statement)


def _names(sql: str, at: int) -> tuple[list[str], int]:
    """A name with what qualifies it, and where it ends."""
    found: list[str] = []
    while (match := _NAME.match(sql, at)) is not None:
        text = match.group()
        found.append(text[1:-1] if text[0] in '"`[' else text)
        at = match.end()
        if not sql.startswith(".", at):
            break
        at += 1
    return found, at


def _arguments(rest: Sequence[Token]) -> int:
    depth = count = 0
    for position, token in enumerate(rest):
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            return count + (position > 1)
        count += token.text == "," and depth == 1
    return count


def _plain(rest: Sequence[Token], engine: Engine) -> tuple[str, ...]:
    """The words that mean something, each in one spelling."""
    said: list[str] = []
    position = 0
    while position < len(rest):
        token = rest[position]
        following = rest[position + 1].text if position + 1 < len(rest) else ""
        if token.text == "::":
            position = _behind_type(rest, position + 1)
            continue
        if token.kind in ("word", "quoted") and following == ".":
            position += 2
            continue
        word = _word(token, engine)
        if word == "as" and following and _word(rest[position + 1], engine) in said[-_NEAR:]:
            position += 2  # a column that is called what it is, or what its function is
            continue
        if word in ("charset", "collate") and engine in (Engine.MYSQL, Engine.MARIADB):
            position += 2  # of a text that a function takes or gives: the server adds the default's
            continue
        if word in _WIDTHS and following == "(":
            said.append(word)
            position += 3  # MariaDB's int(11)
            continue
        if word and word not in "();":
            said += word.split(" ")
        position += 1
    return tuple(_UNSAID.sub("", f" {' '.join(said)} ").split(" ")[1:-1])


def _behind_type(rest: Sequence[Token], position: int) -> int:
    """The position behind the type of a cast."""
    position += 1
    while position < len(rest) and rest[position].text.casefold() in ("varying", "precision", ".", "[", "]"):
        position += 1
    return position


def _word(token: Token, engine: Engine) -> str:
    if token.kind == "string":
        text = token.text
        body = text.strip("$").partition("$")[2].rpartition("$")[0] if text.startswith("$") else token.value
        if text.startswith("$$"):
            body = text[2:-2]
        return "'" + " ".join(body.split()).replace(" ", "\N{NO-BREAK SPACE}")
    name = token.name if token.kind == "quoted" else token.text.casefold()
    if engine is Engine.POSTGRESQL:
        name = {"procedure": "function", "<>": "!="}.get(name, name)
    return _SPELLINGS.get(name, name)
