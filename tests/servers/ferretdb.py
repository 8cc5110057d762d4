"""FerretDB over PostgreSQL with DocumentDB, out of what `make servers` fetched: MongoDB's protocol for the tests."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from tests.servers.places import SERVERS, as_unprivileged, missing, private_folder
from tests.servers.process import Process, ServerFailed, free_port

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


class FerretServer:
    """A server of its own on 127.0.0.1, with a login: `admin` may everything, `reader` reads.

    With `tls` it has a second port, with a certificate for `localhost` that is signed by itself. Raises
    ServerFailed; skips, or fails where it is required, when it has not been fetched.
    """

    user = "admin"
    password = PASSWORD

    def __init__(self, *, tls: bool = False) -> None:
        self._tls = tls
        self._folder = Path()
        self._store: Process | None = None
        self._proxy: Process | None = None
        self._store_port = 0
        self.port = 0
        self.tls_port = 0

    def __enter__(self) -> Self:
        if not PROXY.exists() or not (STORE / "postgres").exists():
            missing("mongodb", "no FerretDB with DocumentDB: run `make servers`")
        self._folder = private_folder("ferretdb")
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        with _template().open("rb") as archive:
            subprocess.run(
                ["tar", "-xf", "-"], stdin=archive, cwd=self._folder, check=True, **as_unprivileged()
            )
        self._store_port = free_port()
        self._store = _postgres(self._folder, self._store_port)
        self.port = free_port()
        self._launch()

    def _launch(self) -> None:
        options = [
            f"--postgresql-url=postgres://postgres@127.0.0.1:{self._store_port}/postgres",
            f"--listen-addr=127.0.0.1:{self.port}",
            "--debug-addr=-",
            f"--state-dir={self._folder / 'state'}",
            "--telemetry=disable",
        ]
        if self._tls:
            self.tls_port = free_port()
            options += [f"--listen-tls=127.0.0.1:{self.tls_port}", *self._certificates()]
        self._proxy = Process(
            [PROXY, *options],
            log=self._folder / "ferretdb.log",
            cwd=self._folder,
            env={"DO_NOT_TRACK": "1", "HOME": str(self._folder), **_mark()},
        )
        self._proxy.wait_until(self._answers)

    def _certificates(self) -> list[str]:
        if shutil.which("openssl") is None:
            missing("mongodb", "no openssl: install it for the TLS tests")
        key = self._folder / "server.key"
        new = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
        argv = ["openssl", *new.split(), "-addext", "subjectAltName=DNS:localhost", "-keyout", key]
        _run([*argv, "-out", self.certificate], self._folder)
        return [f"--listen-tls-cert-file={self.certificate}", f"--listen-tls-key-file={key}"]

    @property
    def certificate(self) -> Path:
        return self._folder / "server.crt"

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """FerretDB is ended while this is open, and comes again on the same port; the store stays."""
        assert self._proxy is not None
        self._proxy.stop()
        try:
            yield
        finally:
            self._launch()

    def _answers(self) -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server still accepts, and answers nothing, while this is open."""
        assert self._proxy is not None
        with self._proxy.stalled():
            yield

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

    def stop(self) -> None:
        """End both processes and remove their folder; a second call does nothing."""
        for process in (self._proxy, self._store):
            if process is not None:
                process.stop()
        self._proxy = self._store = None
        shutil.rmtree(self._folder, ignore_errors=True)


def _mark() -> dict[str, str]:
    """What tells a run's own processes; FerretDB gets no other part of the environment."""
    return {name: value for name, value in os.environ.items() if name == "DBTUI_TEST_RUN"}


def _postgres(folder: Path, port: int) -> Process:
    process = Process(
        [STORE / "postgres", "-D", folder / "data", "-k", folder, "-p", str(port)],
        log=folder / "postgres.log",
        cwd=folder,
        quit_signal=signal.SIGQUIT,  # immediate shutdown: the data is thrown away
    )

    def ready() -> bool:
        with contextlib.suppress(OSError):
            lines = (folder / "data/postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[7].strip() == "ready"
        return False

    process.wait_until(ready)
    return process


def _template() -> Path:
    """An archive of a store with its extension and users: making one takes seconds, unpacking it none."""
    made_by = hashlib.sha256(repr((str(STORE), _INITDB, _SETTINGS, _USERS, PASSWORD)).encode()).hexdigest()[
        :8
    ]
    archive = SERVERS / "templates" / f"documentdb-{made_by}.tar"
    if archive.exists():
        return archive
    work = private_folder("documentdb")
    try:
        _run([STORE / "initdb", "-D", work / "data", *_INITDB], work)
        with (work / "data/postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in _SETTINGS.items())
        port = free_port()
        process = _postgres(work, port)
        try:
            psql = [
                STORE / "psql",
                "-XAtq",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                work,
                "-p",
                str(port),
                "-U",
                "postgres",
            ]
            _run([*psql, "-d", "postgres", "-c", _USERS.format(PASSWORD).split(";")[0]], work)
            _run([*psql, "-d", "postgres", "-c", _USERS.format(PASSWORD).partition(";")[2]], work)
            _run([STORE / "pg_ctl", "-D", work / "data", "-m", "fast", "-w", "stop"], work)
        finally:
            process.stop()
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(f"{archive.name}.{os.getpid()}")
        subprocess.run(["tar", "-cf", partial, "-C", work, "--owner=0", "--group=0", "data"], check=True)
        partial.rename(archive)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return archive


def _run(argv: list[str | Path], folder: Path) -> None:
    done = subprocess.run(
        [str(a) for a in argv], cwd=folder, capture_output=True, text=True, **as_unprivileged()
    )
    if done.returncode:
        raise ServerFailed(f"{Path(argv[0]).name} failed:\n{done.stderr[-2000:]}")
