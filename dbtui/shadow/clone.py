"""A clone of schema, statistics and sizes: the planner decides as on the source, over files without pages."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from dbtui.engines.postgres.connection import Connection, Connector
from dbtui.engines.postgres.embedded import SUPERUSER
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.engines.postgres.source import PostgresSource
from dbtui.errors import QueryError, UsageError
from dbtui.model.advice import NOTHING, WhatIf
from dbtui.model.plan import RawPlan
from dbtui.shadow import extended
from dbtui.shadow.extended import Extended
from dbtui.shadow.files import BLOCK
from dbtui.shadow.pages import Pages
from dbtui.shadow.restore import Missing
from dbtui.shadow.server import OWNER, Shadow
from dbtui.sql.lex import meaningful, word
from dbtui.sql.quoting import identifier, literal
from dbtui.sql.split import split

_INDEXES = """
select i.indexrelid::int8, n.nspname::text, c.relname::text
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where i.indexrelid >= 16384"""
# An index that is not valid is kept up to date, and never planned with.
_HIDE = """
update pg_catalog.pg_index set indisvalid = not indexrelid = any (array[{hidden}]::oid[])
 where indexrelid >= 16384 and indisvalid = (indexrelid = any (array[{hidden}]::oid[]))"""


COUNTED = "statistics counted on the server, no common values"


class Clone:
    """A database of the shadow, made from the database `of` of a source. See `model.advice.Planner`.

    One question at a time.
    """

    def __init__(
        self,
        shadow: Shadow,
        database: str,
        source: PostgresSource,
        of: str,
        missing: Sequence[Missing],
        pages: Pages,
    ) -> None:
        self.shadow = shadow
        self.database = database
        self._source = source
        self._of = of
        self.missing = tuple(missing)
        self._pages = pages
        self._made: dict[str, tuple[int, ...]] = {}  # statement → the indexes that it made
        self._extended: dict[str, Extended] = {}  # statement → the statistics object that it made
        self._shown: tuple[str, ...] = ()  # of these, those whose figures the planner sees
        self._hidden: frozenset[int] = frozenset()
        self._settings: Mapping[str, str] = {}
        self._engine: PostgresEngine | None = None
        self._connector = Connector(shadow.target(database, SUPERUSER))
        self._hiding: Connection | None = None
        self._turn = asyncio.Lock()

    @property
    def verified(self) -> str:
        major = self.shadow.version.partition(".")[0]
        return f"PostgreSQL {major} shadow of a server of version {self._source.server.version}"

    async def plan(self, query: str, what_if: WhatIf = NOTHING) -> RawPlan:
        """The plan of a statement there. Raises QueryError, also for what the what-if itself says wrongly."""
        async with self._turn:
            await self._make(what_if.indexes)
            await self._hide(what_if)
            await self._extend(what_if.statistics)
            engine = await self._planning(what_if.settings)
            raw = await engine.explain.explain(query)
        notes = (*raw.notes, self.verified, *((COUNTED,) if what_if.statistics else ()))
        return RawPlan(raw.text, raw.format, raw.query, raw.server_version, notes)

    async def prepare(self, indexes: Sequence[str]) -> dict[str, str]:
        """Make candidates in one go, which is faster than one by one; what was refused, with the reason."""
        refused = {}
        async with self._turn:
            try:
                await self._make(indexes)
            except QueryError:
                for statement in indexes:
                    try:
                        await self._make([statement])
                    except QueryError as error:
                        refused[statement] = str(error)
        return refused

    def size(self, index: str) -> int:
        """Bytes that an index of a what-if is estimated to take; 0 for one that was not planned with."""
        return self._pages.blocks(self._made.get(index, ())) * BLOCK

    async def drop(self) -> None:
        """Remove the clone."""
        if self._engine is not None:
            await self._engine.close()
        await self._connector.close()
        await self.shadow.drop(self.database)

    # ---- inside

    async def _make(self, statements: Sequence[str]) -> None:
        """Create the indexes that are not there yet, with the size that they would have."""
        new = [statement for statement in dict.fromkeys(statements) if statement not in self._made]
        if not new:
            return
        made: list[int] = []
        refusal: QueryError | None = None
        async with self._pages.emptied(), self.shadow.session(self.database, OWNER) as session:
            known = {row[0] for row in await session.fetch(_INDEXES)}
            for statement in new:
                try:
                    await session.execute(plain_create_index(statement))
                except QueryError as error:
                    refusal = error
                    break
                found = {row[0] for row in await session.fetch(_INDEXES)}
                self._made[statement] = tuple(found - known)
                made += found - known
                known = found
        await self._pages.build(made)  # also of those before the one that was refused
        if refusal is not None:
            raise refusal

    async def _hide(self, what_if: WhatIf) -> None:
        """Keep the planner from every candidate that is not asked for, and from what is asked to be hidden."""
        shown = {oid for statement in what_if.indexes for oid in self._made[statement]}
        hidden = {oid for oids in self._made.values() for oid in oids} - shown
        session = await self._superuser()
        for oid, schema, name in await session.fetch(_INDEXES) if what_if.hidden else []:
            if {name, f"{schema}.{name}"} & set(what_if.hidden):
                hidden.add(oid)
        if hidden != self._hidden:
            await session.execute(_HIDE.format(hidden=", ".join(map(str, sorted(hidden)))))
        self._hidden = frozenset(hidden)

    async def _extend(self, statements: Sequence[str]) -> None:
        """Let the planner see the figures of these statistics objects, and of no other that was tried."""
        wanted = tuple(dict.fromkeys(statements))
        if wanted == self._shown:
            return
        session = await self._superuser()
        if not self._extended:
            await extended.allow(session)
        for statement in [one for one in wanted if one not in self._extended]:
            async with self.shadow.session(self.database, OWNER) as owner:
                made = await extended.create(owner, statement, self._source, self._of)
            self._extended[statement] = made
        await extended.show(
            session, list(self._extended.values()), [self._extended[statement] for statement in wanted]
        )
        self._shown = wanted

    async def _superuser(self) -> Connection:
        """The session that hides indexes; opened once, since it is needed for almost every question."""
        if self._hiding is None or self._hiding.closed:
            self._hiding = await self._connector.open("act", writable=True)
        return self._hiding

    async def _planning(self, settings: Mapping[str, str]) -> PostgresEngine:
        """The engine that explains, in sessions with these settings on top of the source's."""
        if self._engine is not None and settings == self._settings:
            return self._engine
        if self._engine is not None:
            await self._engine.close()
        async with self.shadow.session(self.database) as session:
            where = f"alter role {OWNER} in database {identifier(self.database)}"
            await session.execute(f"{where} reset all")
            for name, value in settings.items():
                await session.execute(f"{where} set {identifier(name)} = {literal(value)}")
        self._settings = dict(settings)
        self._engine = PostgresEngine(self.shadow.target(self.database))
        await self._engine.open()
        return self._engine


def plain_create_index(statement: str) -> str:
    """A CREATE INDEX without CONCURRENTLY, which no transaction takes. Raises UsageError for anything else."""
    text = statement.strip().rstrip("; ")
    found = list(meaningful(text))
    words = [word(text, token) for token in found]
    if len(split(text)) != 1 or words[:2] not in (["create", "index"], ["create", "unique"]):
        raise UsageError("that is no CREATE INDEX", "write CREATE INDEX ON table (column, …)")
    place = words.index("index")
    if words[place : place + 2] == ["index", "concurrently"]:
        token = found[place + 1]
        text = text[: token.start] + text[token.end :]
    return text
