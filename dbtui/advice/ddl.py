"""Candidates as the statements that make them, and those that take them back."""

from __future__ import annotations

from dbtui.advice.candidates import Candidate, Key, quoted

_LONGEST_NAME = {"postgres": 63, "mysql": 64, "mariadb": 64, "sqlite": 128}


def create(candidate: Candidate, dialect: str, *, partitioned: bool = False, name: str = "") -> str:
    """CREATE INDEX for a server in use: CONCURRENTLY where there is such a thing, which a partitioned table lacks."""
    mark = "`" if dialect in ("mysql", "mariadb") else '"'
    name = quoted(name or index_name(candidate, dialect), mark)
    table = qualified(candidate, dialect)
    keys = ", ".join(_key(key, mark) for key in candidate.keys)
    if dialect != "postgres":
        tail = f" WHERE {candidate.predicate}" if candidate.predicate and dialect == "sqlite" else ""
        extra = "".join(f", {quoted(column, mark)}" for column in candidate.include)
        return f"CREATE INDEX {name} ON {table} ({keys}{extra}){tail}"
    concurrently = "" if partitioned else "CONCURRENTLY "
    using = f" USING {candidate.method}" if candidate.method != "btree" else ""
    include = f" INCLUDE ({', '.join(quoted(c) for c in candidate.include)})" if candidate.include else ""
    where = f" WHERE {candidate.predicate}" if candidate.predicate else ""
    return f"CREATE INDEX {concurrently}{name} ON {table}{using} ({keys}){include}{where}"


def drop(candidate: Candidate, dialect: str, *, partitioned: bool = False) -> str:
    """The way back."""
    name = index_name(candidate, dialect)
    if dialect in ("mysql", "mariadb"):
        return f"DROP INDEX {quoted(name, '`')} ON {qualified(candidate, dialect)}"
    schema = f"{quoted(candidate.schema)}." if candidate.schema else ""
    concurrently = "CONCURRENTLY " if dialect == "postgres" and not partitioned else ""
    return f"DROP INDEX {concurrently}{schema}{quoted(name)}"


def qualified(candidate: Candidate, dialect: str) -> str:
    """The table's name as a statement writes it."""
    mark = "`" if dialect in ("mysql", "mariadb") else '"'
    parts = (candidate.schema, candidate.table) if candidate.schema else (candidate.table,)
    return ".".join(quoted(part, mark) for part in parts)


def index_name(candidate: Candidate, dialect: str) -> str:
    """table_columns_idx, cut where a name may not be as long; what else it has is told by a letter."""
    words = [key.key if key.column else "expr" for key in candidate.keys]
    kind = {"gin": "gin", "brin": "brin", "gist": "gist"}.get(candidate.method, "idx")
    marks = ("incl_" if candidate.include else "") + ("part_" if candidate.predicate else "")
    tail = f"_{marks}{kind}"
    head = "_".join([candidate.table, *words])
    longest = _LONGEST_NAME.get(dialect, 63) - len(tail)
    return head.encode()[:longest].decode("utf-8", "ignore") + tail


def _key(key: Key, mark: str) -> str:
    text = quoted(key.key, mark) if key.column else f"({key.key})"
    if key.operators:
        text += f" {key.operators}"
    if key.descending:
        text += " DESC"
    if key.nulls_first is not None:
        text += " NULLS FIRST" if key.nulls_first else " NULLS LAST"
    return text
