"""FerretDB over PostgreSQL with DocumentDB, out of what `make servers` fetched: MongoDB's protocol for the tests."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.servers import certificates, cluster
from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, missing
from tests.servers.process import Process, free_port, listens

PROXY = SERVERS / "ferretdb/ferretdb"
STORE = SERVERS / "documentdb/usr/lib/postgresql/18/bin"
PASSWORD = "dbtui-test"
_INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--wal-segsize=1",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_preload_libraries": "pg_cron,pg_documentdb_core,pg_documentdb",
    "cron.database_name": "postgres",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "max_wal_size": "64MB",
}
_USERS = """
create extension documentdb cascade;
select documentdb_api.create_user('{{"createUser":"admin","pwd":"{0}","roles":[
  {{"role":"clusterAdmin","db":"admin"}},{{"role":"readWriteAnyDatabase","db":"admin"}}]}}');
select documentdb_api.create_user('{{"createUser":"reader","pwd":"{0}","roles":[
  {{"role":"readAnyDatabase","db":"admin"}}]}}');
"""


class FerretServer(OwnServer):
    """A server of its own on 127.0.0.1, with a login: `admin` may everything, `reader` reads.

    With `tls` it has a second port, with a certificate for `localhost`, signed by `certificate`. Raises
    ServerFailed; skips, or fails where it is required, when it has not been fetched.
    """

    user = "admin"
    password = PASSWORD

    def __init__(self, *, tls: bool = False) -> None:
        super().__init__("ferretdb")
        self._tls = tls
        self._store_port = 0
        self.port = 0
        self.tls_port = 0

    def _require(self) -> None:
        if not PROXY.exists() or not (STORE / "postgres").exists():
            missing("mongodb", "no FerretDB with DocumentDB: run `make servers`")

    def _start(self) -> None:
        cluster.unpack(_template(), self.home)
        self._store_port = on_a_free_port(self._launch_store)
        self.tls_port = free_port() if self._tls else 0
        self.port = on_a_free_port(self._launch)

    def _launch_store(self, port: int) -> None:
        self._run(cluster.start(STORE, self.home, port), lambda: cluster.is_ready(self.home))

    def _launch(self, port: int) -> None:
        options = [
            f"--postgresql-url=postgres://postgres@127.0.0.1:{self._store_port}/postgres",
            f"--listen-addr=127.0.0.1:{port}",
            "--debug-addr=-",
            f"--state-dir={self.home / 'state'}",
            "--telemetry=disable",
        ]
        if self._tls:
            certificates.make(self.home, "mongodb")
            options += [
                f"--listen-tls=127.0.0.1:{self.tls_port}",
                f"--listen-tls-cert-file={self.home / certificates.CERTIFICATE}",
                f"--listen-tls-key-file={self.home / certificates.KEY}",
            ]
        process = Process(
            [PROXY, *options],
            log=self.home / "ferretdb.log",
            cwd=self.home,
            env={"DO_NOT_TRACK": "1", "HOME": str(self.home), **_mark()},
        )
        self._run(process, lambda: listens(port))

    @property
    def certificate(self) -> Path:
        """Of the authority that its own certificate is signed by."""
        return self.home / certificates.ROOT

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """FerretDB is ended while this is open, and comes again on the same port; the store stays."""
        self._processes.pop().stop()
        try:
            yield
        finally:
            self._launch(self.port)

    def url(
        self, database: str = "", user: str | None = None, password: str | None = None, **more: str
    ) -> str:
        """A URL with the password in it; `more` are its parameters."""
        name = quote(user or self.user, safe="")
        secret = quote(self.password if password is None else password, safe="")
        query = f"?{urlencode(more)}" if more else ""
        return f"mongodb://{name}:{secret}@127.0.0.1:{self.port}/{quote(database, safe='')}{query}"

    def tls_url(self, database: str = "") -> str:
        """A URL of the port with TLS, by the name that its certificate has."""
        plain = self.url(database, tls="true")
        return plain.replace(f"127.0.0.1:{self.port}", f"localhost:{self.tls_port}")


def _mark() -> dict[str, str]:
    """What tells a run's own processes; FerretDB gets no other part of the environment."""
    return {name: value for name, value in os.environ.items() if name == "DBTUI_TEST_RUN"}


def _template() -> Path:
    """An archive of a store with its extension and users."""

    def make(work: Path) -> None:
        cluster.run([STORE / "initdb", "-D", work / "data", *_INITDB], work)
        cluster.configure(work, _SETTINGS)
        port = free_port()
        process = cluster.start(STORE, work, port)
        try:
            process.wait_until(lambda: cluster.is_ready(work))
            extension, _, users = _USERS.format(PASSWORD).partition(";")
            for sql in (extension, users):
                argv = [STORE / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", work, "-p", str(port)]
                cluster.run([*argv, "-U", "postgres", "-d", "postgres", "-c", sql], work)
            cluster.run([STORE / "pg_ctl", "-D", work / "data", "-m", "fast", "-w", "stop"], work)
        finally:
            process.stop()

    return cluster.archive("documentdb", (str(STORE), _INITDB, _SETTINGS, _USERS, PASSWORD), make)
