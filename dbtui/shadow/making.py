"""How a clone is made: what is dumped of the source, what of it is restored, and in which order.

Statistics go in after every index, since building one on an empty table counts its rows anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from dbtui.engines.postgres.source import PostgresSource, SourceRelation
from dbtui.errors import QueryError, UsageError
from dbtui.shadow import extended
from dbtui.shadow.clone import Clone
from dbtui.shadow.pages import Pages
from dbtui.shadow.restore import NEVER, Entry, Missing, dump, listing
from dbtui.shadow.server import OWNER, Shadow
from dbtui.sql.quoting import identifier, literal

_STATISTICS = "STATISTICS DATA"
_NOT_PLANNED = NEVER | {"TRIGGER", "POLICY", "ROW SECURITY", "PUBLICATION", "FOREIGN TABLE"}
_WITHOUT = ("FK CONSTRAINT", "FUNCTION", "PROCEDURE", "AGGREGATE", "DEFAULT", "SEQUENCE OWNED BY")
_OUTSIDE = ("does not exist", "does not own")  # fails because of a table that was not asked for


async def cloned(
    shadow: Shadow, source: PostgresSource, tables: Sequence[str] | None, database: str
) -> Clone:
    """See `Shadow.clone`."""
    await source.refuse_pile_up(tables, database)
    relations = await source.relations(tables, database)
    if not relations:
        raise UsageError("there is no table to clone", "name tables of this database")
    settings = await source.settings(database)
    await shadow.start()
    made, missing = await shadow.create(await source.locale(database))
    try:
        async with shadow.workshop() as folder:
            if tables is None:
                missing += await _whole(shadow, source, database, made, folder)
            else:
                missing += await _some(shadow, source, database, made, folder, relations)
        missing += await _settle(shadow, made, settings)
        await _add_trigrams(shadow, made)
        pages = Pages(shadow, made)
        await pages.adopt(relations)
    except BaseException:
        await shadow.drop(made)
        raise
    missing += await _extended(shadow, source, database, made, relations)
    foreign = [
        Missing(Entry("", "FOREIGN TABLE", r.schema, r.name), "its rows are on another server")
        for r in relations
        if r.kind == "f"
    ]
    return Clone(shadow, made, source, database, [*missing, *foreign], pages)


async def _extended(
    shadow: Shadow, source: PostgresSource, database: str, made: str, relations: Sequence[SourceRelation]
) -> list[Missing]:
    """Statistics over several columns: pg_dump 18 leaves their figures out, and all of them where it is told tables."""
    here = {(relation.schema, relation.name) for relation in relations}
    objects = [one for one in await source.extended(database) if one.table in here]
    async with shadow.session(made) as session, shadow.session(made, OWNER) as owner:
        lacking = await extended.adopt(session, owner, objects)
    return [
        Missing(Entry("", "STATISTICS", one.schema, one.name), f"{why}: rows may be estimated as without it")
        for one, why in lacking
    ]


async def _add_trigrams(shadow: Shadow, made: str) -> None:
    """The extension that an index for LIKE '%x%' needs, though the source may not have it yet."""
    async with shadow.session(made) as session:
        with contextlib.suppress(QueryError):  # there is no schema public
            await session.execute("create extension if not exists pg_trgm schema public")


async def _whole(
    shadow: Shadow, source: PostgresSource, database: str, made: str, folder: Path
) -> list[Missing]:
    archive = folder / "all.dump"
    async with source.socket(folder, database):
        await dump(shadow.programs, folder, archive, "--statistics")
    return await _restore(shadow, made, archive)


async def _some(
    shadow: Shadow,
    source: PostgresSource,
    database: str,
    made: str,
    folder: Path,
    relations: Sequence[SourceRelation],
) -> list[Missing]:
    """Types, functions and schemas are dumped apart: --table takes nothing that a table needs."""
    parts = folder / "parts.dump"
    async with source.socket(folder, database):
        await dump(shadow.programs, folder, parts, "--no-statistics", "--exclude-table=*.*")
    waiting = await _restore(shadow, made, parts)
    archive = folder / "tables.dump"
    chosen = [f"--table={identifier(r.schema)}.{identifier(r.name)}" for r in relations if r.kind in "rpvm"]
    async with source.socket(folder, database):
        await dump(shadow.programs, folder, archive, "--statistics", *chosen)
    missing = await _restore(shadow, made, archive)
    missing += await shadow.fill(
        made, parts, [one.entry for one in waiting]
    )  # functions that speak of tables
    return [one for one in missing if not _is_outside(one)]


def _is_outside(missing: Missing) -> bool:
    return missing.entry.kind in _WITHOUT and any(words in missing.reason for words in _OUTSIDE)


async def _restore(shadow: Shadow, made: str, archive: Path) -> list[Missing]:
    entries = [entry for entry in await listing(shadow.programs, archive) if entry.kind not in _NOT_PLANNED]
    structure = [entry for entry in entries if entry.kind != _STATISTICS]
    statistics = [entry for entry in entries if entry.kind == _STATISTICS]
    missing = await shadow.fill(made, archive, structure)
    lost = {(one.entry.schema, one.entry.name) for one in missing}
    more = await shadow.fill(made, archive, statistics)
    return missing + [one for one in more if (one.entry.schema, one.entry.name) not in lost]


async def _settle(shadow: Shadow, made: str, settings: Mapping[str, str]) -> list[Missing]:
    """Let the sessions there begin with the source's settings."""
    missing = []
    async with shadow.session("postgres") as session:
        for name, value in settings.items():
            meant = value if name == "search_path" and value else literal(value)
            try:
                await session.execute(f"alter database {identifier(made)} set {identifier(name)} = {meant}")
            except QueryError as error:
                missing.append(Missing(Entry("", "SETTING", "", name), error.message))
    return missing
