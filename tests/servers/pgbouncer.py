"""PgBouncer in front of a PostgreSQL of the tests."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from tests.servers.places import SERVERS, missing, private_folder
from tests.servers.postgres import PostgresServer
from tests.servers.process import Process, free_port


def program() -> Path | None:
    """The program: what `make servers` fetched, else the system's; None when this machine has none."""
    fetched = SERVERS / "pgbouncer/usr/sbin/pgbouncer"
    if fetched.exists():
        return fetched
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    return Path(found) if found else None


class PgBouncer:
    """A pooler of its own: `with PgBouncer(server, {"pool_mode": "session"}) as pooler: ...`

    Pools by transaction unless told otherwise, and knows the superuser and `users` (name → password).
    Raises ServerFailed; skips, or fails where it is required, when there is no pgbouncer.
    """

    def __init__(
        self,
        server: PostgresServer,
        settings: Mapping[str, str] | None = None,
        users: Mapping[str, str] | None = None,
    ) -> None:
        self._server = server
        self._settings = {"pool_mode": "transaction", **(settings or {})}
        self._users = {server.user: server.password, **(users or {})}
        self._process: Process | None = None
        self._folder = Path()
        self.port = 0

    def __enter__(self) -> Self:
        found = program()
        if found is None:
            missing("pgbouncer", "no PgBouncer: install pgbouncer or run `make servers`")
        self._folder = private_folder("pgbouncer")
        try:
            self.port = free_port()
            self._process = Process(
                [found, self._configuration()], log=self._folder / "log", cwd=self._folder
            )
            self._process.wait_until(self._answers)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _configuration(self) -> Path:
        users = self._folder / "users"
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self._users.items()))
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(users),
            "admin_users": self._server.user,
            **self._settings,
        }
        lines = ["[databases]", f"* = host={self._server.socket} port={self._server.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n")
        for file in (users, configuration):
            file.chmod(0o644)  # inside a folder of mode 0700
        return configuration

    def _answers(self) -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def url(
        self,
        database: str = "postgres",
        user: str | None = None,
        password: str | None = None,
        **parameters: str,
    ) -> str:
        """A URL over TCP with the password in it; `parameters` are libpq's."""
        user = user or self._server.user
        secret = self._users.get(user, "") if password is None else password
        login = f"{quote(user, safe='')}:{quote(secret, safe='')}"
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"postgresql://{login}@127.0.0.1:{self.port}/{quote(database, safe='')}{query}"

    def stop(self) -> None:
        """End it and remove its folder; a second call does nothing."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
