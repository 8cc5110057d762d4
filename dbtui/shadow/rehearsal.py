"""A database with the source's whole schema and no rows, in which a migration shows its locks and its rewrites."""

from __future__ import annotations

from dataclasses import dataclass

from dbtui.config import Target
from dbtui.engines.postgres.source import PostgresSource
from dbtui.shadow.restore import NEVER, Missing, dump, listing
from dbtui.shadow.server import OWNER, Shadow
from dbtui.sql.quoting import identifier


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The database. Tables are empty, so that every statement is instant; the roles of the source are there."""

    shadow: Shadow
    database: str
    missing: tuple[Missing, ...]

    @property
    def target(self) -> Target:
        """How to connect: as `OWNER`, who owns everything in it and is a member of the source's roles."""
        return self.shadow.target(self.database)

    @property
    def verified(self) -> str:
        """What it is, for whoever reads its answers."""
        return f"PostgreSQL {self.shadow.version.partition('.')[0]} shadow: the schema without rows"

    async def drop(self) -> None:
        """Remove the database; its roles stay until the shadow ends."""
        await self.shadow.drop(self.database)


async def rehearsed(shadow: Shadow, source: PostgresSource, database: str) -> Rehearsal:
    """See `Shadow.rehearsal`."""
    await source.refuse_pile_up(None, database)
    await shadow.start()
    made, missing = await shadow.create(await source.locale(database))
    search_path = (await source.settings(database)).get("search_path", "")
    async with shadow.workshop() as folder:
        archive = folder / "all.dump"
        async with source.socket(folder, database):
            await dump(shadow.programs, folder, archive, "--no-statistics")
        entries = [entry for entry in await listing(shadow.programs, archive) if entry.kind not in NEVER]
        await _copy_roles(shadow, await source.roles())
        missing += await shadow.fill(made, archive, entries)
    if search_path:
        async with shadow.session("postgres") as session:
            await session.execute(
                f"alter role {OWNER} in database {identifier(made)} set search_path = {search_path}"
            )
    return Rehearsal(shadow, made, tuple(missing))


async def _copy_roles(shadow: Shadow, names: list[str]) -> None:
    """Roles by name alone, which policies and grants mention; the owner is a member of them."""
    async with shadow.session("postgres") as session:
        rows = await session.fetch("select rolname::text from pg_catalog.pg_roles")
        known = {row[0] for row in rows}
        for name in names:
            if name not in known:
                await session.execute(f"create role {identifier(name)} nologin role {OWNER}")
