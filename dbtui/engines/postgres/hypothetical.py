"""What PostgreSQL itself would plan with indexes that are not there: HypoPG, on servers that have it.

Its indexes are in the memory of one session: nothing is written, and a standby does as well. They are made, planned
with and forgotten while nobody else uses the session (https://hypopg.readthedocs.io/en/rel1_stable/usage.html).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from dbtui.engines.postgres.connection import Connection, Work
from dbtui.engines.postgres.explain import PostgresExplainer
from dbtui.errors import QueryError, UsageError
from dbtui.model.advice import NOTHING, WhatIf
from dbtui.model.plan import RawPlan
from dbtui.sql.lex import meaningful, word
from dbtui.sql.quoting import identifier

EXTENSION = "hypopg"


class HypotheticalPlanner:
    """See `model.advice.Planner`. It tries indexes alone: no settings, and hides no index."""

    missing: Sequence[object] = ()

    def __init__(self, work: Work, explainer: PostgresExplainer, database: str) -> None:
        self._work = work
        self._explainer = explainer
        self._database = database
        self._sizes: dict[str, int] = {}
        self.verified = "HypoPG, on the server itself"

    async def plan(self, query: str, what_if: WhatIf = NOTHING) -> RawPlan:
        """The plan of a statement with hypothetical indexes, under the names that their statements give them."""
        if what_if.hidden or what_if.statistics or what_if.settings:
            raise UsageError("only further indexes are tried with HypoPG", "install 'dbtui[shadow]' for more")
        async with self._with(what_if.indexes) as (connection, names):
            raw = await self._explainer.explain_in(connection, query)
        text = raw.text
        for hypothetical, name in names.items():
            text = text.replace(f'"{hypothetical}"', f'"{name}"')
        return RawPlan(text, raw.format, raw.query, raw.server_version, (*raw.notes, self.verified))

    async def prepare(self, indexes: Sequence[str]) -> dict[str, str]:
        """Those that HypoPG does not know, such as GIN and GiST, with its reason."""
        refused = {}
        for statement in indexes:
            try:
                async with self._with([statement]):
                    pass
            except QueryError as error:
                refused[statement] = str(error)
        return refused

    def size(self, index: str) -> int:
        """Bytes that HypoPG expects: about twice what deduplication leaves of many equal keys."""
        return self._sizes.get(index, 0)

    @asynccontextmanager
    async def _with(self, statements: Sequence[str]) -> AsyncIterator[tuple[Connection, dict[str, str]]]:
        """The session with these indexes, and the names that HypoPG gave them with those that they should have."""
        async with self._work.use(self._database) as connection:
            if connection.pooled:
                raise UsageError(
                    "HypoPG's indexes do not outlast a transaction behind a pooler", "connect past it"
                )
            schema = identifier(connection.probe.extensions[EXTENSION][0])
            names: dict[str, str] = {}
            try:
                for statement in statements:
                    create = f"SELECT indexrelid::int8, indexname::text FROM {schema}.hypopg_create_index($1)"  # noqa: S608
                    oid, given = (await connection.fetch(create, statement))[0]
                    names[given] = _name(statement) or given
                    size = await connection.fetchval(
                        f"SELECT {schema}.hypopg_relation_size($1::int8::oid)", oid
                    )
                    self._sizes[statement] = int(size)
                yield connection, names
            finally:
                await connection.fetch(f"SELECT {schema}.hypopg_reset()")


def _name(statement: str) -> str:
    """The name in a CREATE INDEX; "" where it gives none."""
    words = [word(statement, token) for token in meaningful(statement)]
    before = words[: words.index("on")] if "on" in words else words
    return before[-1] if before and before[-1] not in ("index", "concurrently", "exists") else ""
