"""The shadow's server: started once, filled with databases, gone with this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from dbtui import errors
from dbtui.config import Target
from dbtui.engines.postgres.connection import Connection, Connector
from dbtui.engines.postgres.embedded import SUPERUSER
from dbtui.engines.postgres.source import PostgresSource
from dbtui.errors import ConnectError, DbtuiError, QueryError
from dbtui.model.server import Environment
from dbtui.shadow.restore import Entry, Missing, restore
from dbtui.sql.quoting import identifier, literal

if TYPE_CHECKING:
    from dbtui.shadow.clone import Clone
    from dbtui.shadow.rehearsal import Rehearsal

OWNER = "shadow"  # owns what comes from the source
_PACKAGES = Path(__file__).parents[2]
_FAREWELL = 5.0  # seconds
_AS_C = frozenset({"C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8"})  # all sort by the bytes


class Shadow:
    """One embedded server: `async with Shadow() as shadow`. It is started by the first that needs it."""

    def __init__(self) -> None:
        self.folder = Path()
        self.programs = Path()
        self.version = ""  # "18.6"
        self._guardian: asyncio.subprocess.Process | None = None
        self._number = 0
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Start it unless it runs. Raises UsageError without the wheel, ConnectError."""
        async with self._starting:
            if self._guardian is not None and self._guardian.returncode is None:
                return
            path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
            self._guardian = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "dbtui.shadow.guardian"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": path},
                start_new_session=True,  # Ctrl-C and a hang-up reach it through the pipe alone
            )
            try:
                await self._listen(self._guardian)
                async with self.session("postgres") as session:
                    await session.execute(f"create role {OWNER} login createrole")
                    await session.execute("create extension pg_buffercache")
            except BaseException:
                await self.close()
                raise

    async def _listen(self, guardian: asyncio.subprocess.Process) -> None:
        assert guardian.stdout is not None
        line = await guardian.stdout.readline()
        if not line:
            raise ConnectError("the shadow ended before it was ready", "see TMPDIR and the space there")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            kind: type[DbtuiError] = getattr(errors, said["error"], ConnectError)
            raise kind(said["message"], said["hint"])
        self.folder = Path(said["ready"]["folder"])
        self.programs = Path(said["ready"]["programs"])
        self.version = said["ready"]["version"].rpartition(" ")[2]

    async def close(self) -> None:
        """End the server and remove its folder, within about 5 s. A second call does nothing."""
        guardian, self._guardian = self._guardian, None
        if guardian is None:
            return
        assert guardian.stdin is not None
        guardian.stdin.close()
        try:
            async with asyncio.timeout(_FAREWELL):
                await guardian.wait()
        except TimeoutError:
            guardian.kill()
            await guardian.wait()
        if guardian.returncode == -signal.SIGKILL and self.folder != Path():  # it could not clear away
            with contextlib.suppress(OSError, ValueError, IndexError):
                os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def clone(
        self, source: PostgresSource, tables: Sequence[str] | None = None, *, database: str = ""
    ) -> Clone:
        """A database that plans like the source's; with `tables`, only these and what they need of it.

        Names are qualified, or found by the source's search_path; views, partitions and indexes come along.
        Raises QueryTimeout or QueryError where locks pile up on the source, PermissionDenied, ConnectError.
        """
        from dbtui.shadow.making import cloned

        return await cloned(self, source, tables, database)

    async def rehearsal(self, source: PostgresSource, *, database: str = "") -> Rehearsal:
        """A database with the whole schema and no statistics, for statements that change it. Raises as `clone`."""
        from dbtui.shadow.rehearsal import rehearsed

        return await rehearsed(self, source, database)

    # ---- what its databases are made with

    def target(self, database: str, user: str = OWNER) -> Target:
        """How to connect to a database of the shadow."""
        url = f"postgresql://{user}@/{quote(database)}?host={quote(str(self.folder))}"
        return Target("shadow", "postgresql", url, Environment.DEVELOPMENT, read_only=False)

    @contextlib.asynccontextmanager
    async def session(self, database: str, user: str = SUPERUSER) -> AsyncIterator[Connection]:
        """A session that may write, for as long as the block lasts."""
        connector = Connector(self.target(database, user))
        try:
            yield await connector.open("act", writable=True)
        finally:
            await connector.close()

    @contextlib.asynccontextmanager
    async def workshop(self) -> AsyncIterator[Path]:
        """A folder for archives and sockets, removed after the block."""
        folder = Path(tempfile.mkdtemp(prefix="w", dir=self.folder))
        try:
            yield folder
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def create(self, locale: str) -> tuple[str, list[Missing]]:
        """An empty database of `OWNER`'s that sorts by a locale where this machine has it; its name."""
        self._number += 1
        name = f"shadow_{self._number}"
        how = f"create database {name} owner {OWNER} template template0 locale_provider"
        missing = []
        async with self.session("postgres") as session:
            try:
                if locale in _AS_C:
                    raise QueryError("the built-in one is the same everywhere")
                await session.execute(f"{how} libc locale {literal(locale)}")
            except QueryError as error:
                await session.execute(f"{how} builtin builtin_locale 'C.UTF-8' locale 'C'")
                if locale not in _AS_C:
                    why = f"texts are sorted as in C, so that LIKE 'x%' may find an index: {error.message}"
                    missing.append(Missing(Entry("", "COLLATION", "", locale), why))
        return name, missing

    async def forget_pages(self) -> None:
        """Write out and drop what the server keeps of its files in memory, since they are about to change."""
        async with self.session("postgres") as session:
            await session.execute("select pg_buffercache_evict_all()")

    async def drop(self, database: str) -> None:
        """Remove a database; nothing where the server has ended, which has removed them all."""
        if self._guardian is None:
            return
        async with self.session("postgres") as session:
            await session.execute(f"drop database if exists {identifier(database)} with (force)")

    async def fill(self, database: str, archive: Path, entries: Sequence[Entry]) -> list[Missing]:
        """Restore an archive's entries: extensions, which are this machine's, as superuser, the rest as `OWNER`."""
        extensions = [entry for entry in entries if entry.kind == "EXTENSION"]
        schemas = [entry for entry in entries if entry.kind == "SCHEMA"]
        rest = [entry for entry in entries if entry.kind not in ("EXTENSION", "SCHEMA")]
        missing = []
        for user, wanted in ((OWNER, schemas), (SUPERUSER, extensions), (OWNER, rest)):
            missing += await restore(self.programs, self.folder, database, user, archive, wanted)
        return missing
