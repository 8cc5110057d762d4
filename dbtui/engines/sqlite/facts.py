"""What is shown beside an object: facts as label and value, and its DDL."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from dbtui import text
from dbtui.engines import parts
from dbtui.engines.sqlite import statistics
from dbtui.engines.sqlite.place import Place, size_of
from dbtui.engines.sqlite.space import Space
from dbtui.engines.sqlite.structure import Structure
from dbtui.model.catalog import Detail, Kind, Node

_AUTO_VACUUM = {0: "none", 1: "full", 2: "incremental"}


def database(raw: sqlite3.Connection, node: Node, place: Place) -> Detail:
    """The file and its settings."""

    def asked(pragma: str) -> Any:
        row = raw.execute(f"PRAGMA {pragma}").fetchone()
        return row[0] if row else None

    pages, free, page_size = asked("page_count"), asked("freelist_count"), asked("page_size")
    cache = asked("cache_size")
    share = f"{free:,} ({text.percent(free / pages)})" if pages else "0"
    analysed = len(statistics.collected(raw))
    facts = (
        ("file", place.path),
        ("size", text.size(size_of(place.path))),
        ("WAL", text.size(size_of(place.wal))),
        ("shared memory", text.size(size_of(place.shm))),
        ("journal mode", str(asked("journal_mode"))),
        ("pages", f"{pages:,} of {text.size(page_size)}"),
        ("free pages", share),
        ("page cache", text.size(-cache * 1024 if cache < 0 else cache * page_size) + " for each connection"),
        (
            "checkpoint every",
            f"{asked('wal_autocheckpoint'):,} pages, if the application does not say otherwise",
        ),
        ("encoding", str(asked("encoding"))),
        ("auto vacuum", _AUTO_VACUUM.get(asked("auto_vacuum"), "")),
        ("schema version", str(asked("schema_version"))),
        ("user version", str(asked("user_version"))),
        ("application id", str(asked("application_id"))),
        (
            "statistics",
            f"of {analysed:,} tables" if analysed else "none: PRAGMA optimize or ANALYZE makes them",
        ),
    )
    return Detail(node, facts)


def relation(raw: sqlite3.Connection, node: Node, name: str, made: Structure, space: Space | None) -> Detail:
    """A table or view, with what the planner thinks of it."""
    facts = [("options", ", ".join(made.options))]
    if made.type in ("table", "shadow"):
        known = statistics.collected(raw).get(name)
        last = statistics.last_rowid(raw, name)
        facts.append(("rows", "" if known is None else f"{known:,} when it was analysed"))
        facts.append(("last rowid", "" if last is None else f"{last:,}"))
        if known is None:
            facts.append(("statistics", "none: ANALYZE makes them"))
        facts.append(
            ("size", text.size(space.total) if space and space.bytes else "not told within the time given")
        )
        if space and space.total:
            facts.append(("unused", text.percent(space.unused / space.total)))
    ddl = ";\n\n".join(filter(None, (made.sql, *made.texts)))
    table = made.table
    if space:
        sized = tuple(replace(index, size=space.bytes.get(index.name)) for index in table.indexes)
        table = replace(table, indexes=sized)
    return Detail(node, tuple(facts), ddl + ";" if ddl else "", table)


def part(node: Node, made: Structure) -> Detail:
    """A column, index, constraint or trigger, with its relation."""
    name, table = node.path[-1], made.table
    if node.kind is Kind.TRIGGER:
        return Detail(node, (), next((one.sql for one in made.triggers if one.name == name), ""), table)
    if node.kind is Kind.INDEX:
        found = next((one for one in table.indexes if one.name == name), None)
        is_sql = found is not None and found.definition.upper().startswith("CREATE")
        facts = (("keys", node.detail), ("", "" if found is None or is_sql else found.definition))
        return Detail(node, facts, found.definition if found is not None and is_sql else "", table)
    return Detail(node, (("definition", node.detail), ("", node.note)), table=table)


def nodes(made: Structure, folder: str) -> tuple[Node, ...]:
    """The nodes of one of "columns", "indexes", "constraints", "triggers"."""
    if folder == "columns":
        return parts.columns(made.table)
    if folder == "indexes":
        return parts.indexes(made.table, unused="")
    if folder == "constraints":
        return parts.constraints(made.table, unheld="")
    return tuple(
        parts.part(made.table, Kind.TRIGGER, folder, one.name, " ".join(one.sql.split()[:12]))
        for one in made.triggers
    )
