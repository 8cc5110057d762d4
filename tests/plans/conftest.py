"""Plans of every shape, taken from real servers once a session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from tests.plans.shapes import SCHEMA, SHAPES
from tests.servers.postgres import PostgresServer


class Explained:
    """Runs EXPLAIN on one server; statements of one call share one connection."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self.version = server.version
        self.server = server
        self.database = database

    def texts(self, requests: Sequence[tuple[str, str, str]]) -> list[str]:
        """What EXPLAIN prints for each (options, settings, statement), each rolled back."""
        return asyncio.run(self._texts(requests))

    async def _texts(self, requests: Sequence[tuple[str, str, str]]) -> list[str]:
        connection = await asyncpg.connect(
            host=str(self.server.socket), port=self.server.port, user="postgres", database=self.database
        )
        try:
            return [await self._text(connection, *request) for request in requests]
        finally:
            await connection.close()

    async def _text(self, connection: asyncpg.Connection, options: str, settings: str, sql: str) -> str:
        await connection.execute("begin")
        try:
            if settings.strip():
                await connection.execute(settings)
            query = f"explain ({options}) {sql}"
            rows = await connection.fetch(query)
        finally:
            await connection.execute("rollback")
        return "\n".join(str(row[0]) for row in rows)

    def shapes(self, options: str) -> dict[str, str]:
        """The plan of every shape with these options."""
        return self.variants(options)[options]

    def variants(self, *options: str) -> dict[str, dict[str, str]]:
        """For each of the options the plan of every shape, those of one shape taken one after the other."""
        asked = [(name, each) for name in SHAPES for each in options]
        told = self.texts([(each, *SHAPES[name]) for name, each in asked])
        found: dict[str, dict[str, str]] = {each: {} for each in options}
        for (name, each), text in zip(asked, told, strict=True):
            found[each][name] = text
        return found

    def notations(self, options: str) -> dict[str, dict[str, str]]:
        """The same for each notation of EXPLAIN, by its name."""
        names = ("json", "text", "yaml", "xml")
        found = self.variants(*(f"{options}, format {name}" for name in names))
        return dict(zip(names, found.values(), strict=True))


# A table that is analysed between two readings of a plan has another plan.
_UNTOUCHED = """
do $$ declare name text; begin
  for name in select oid::regclass from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace loop
    execute format('alter table %s set (autovacuum_enabled = off)', name);
  end loop;
end $$
"""


@pytest.fixture(scope="session")
def explained(postgres: PostgresServer) -> Explained:
    """A server with the schema of the shapes."""
    database = postgres.create_database()
    postgres.psql(SCHEMA, database=database)
    postgres.psql(_UNTOUCHED, database=database)
    return Explained(postgres, database)
