"""PgBouncer in front of a PostgreSQL of the tests."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, missing
from tests.servers.postgres import PostgresServer
from tests.servers.process import Process, listens


def program() -> Path | None:
    """The program: what `make servers` fetched, else the system's; None when this machine has none."""
    fetched = SERVERS / "pgbouncer/usr/sbin/pgbouncer"
    if fetched.exists():
        return fetched
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    return Path(found) if found else None


class PgBouncer(OwnServer):
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
        super().__init__("pgbouncer")
        self._server = server
        self._settings = {"pool_mode": "transaction", **(settings or {})}
        self._users = {server.user: server.password, **(users or {})}
        self.port = 0

    def _require(self) -> None:
        if program() is None:
            missing("pgbouncer", "no PgBouncer: install pgbouncer or run `make servers`")

    def _start(self) -> None:
        self.port = on_a_free_port(self._launch)

    def _launch(self, port: int) -> None:
        found = program()
        assert found is not None
        process = Process([found, self._configuration(port)], log=self.home / "log", cwd=self.home)
        self._run(process, lambda: listens(port))

    def _configuration(self, port: int) -> Path:
        users = self.home / "users"
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in self._users.items()))
        settings = {
            "listen_addr": "127.0.0.1",
            "listen_port": str(port),
            "unix_socket_dir": "",
            "auth_type": "scram-sha-256",
            "auth_file": str(users),
            "admin_users": self._server.user,
            "server_idle_timeout": "1",  # nobody's sessions stay on a server that other tests count on
            **self._settings,
        }
        lines = ["[databases]", f"* = host={self._server.socket} port={self._server.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        configuration = self.home / "pgbouncer.ini"
        configuration.write_text("\n".join(lines) + "\n")
        for file in (users, configuration):
            file.chmod(0o644)  # inside a folder of mode 0700
        return configuration

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
