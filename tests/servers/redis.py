"""Redis and Valkey out of what `make servers` fetched."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from tests.servers.places import SERVERS, as_unprivileged, missing, private_folder
from tests.servers.process import Process, ServerFailed, free_port

PROGRAMS = {product: SERVERS / product / f"usr/bin/{product}-server" for product in ("redis", "valkey")}
_NEW_KEY = "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
_CERTIFICATES = (
    f"{_NEW_KEY} -x509 -days 2 -subj /CN=dbtui-test-root -keyout root.key -out root.crt",
    f"{_NEW_KEY} -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr",
    "x509 -req -in server.csr -CA root.crt -CAkey root.key -CAcreateserial -days 2"
    " -copy_extensions copy -out server.crt",
)


class RedisServer:
    """A server of its own, on 127.0.0.1 and a unix socket, that saves nothing. `product` is redis or valkey.

    `settings` are options without their dashes, with one value or several. With `tls` its port speaks nothing else;
    it has a certificate for `localhost`, signed by `.root_certificate`. Raises ServerFailed; skips, or fails where it
    is required, when it has not been fetched.
    """

    def __init__(
        self, product: str, settings: Mapping[str, str | tuple[str, ...]] | None = None, *, tls: bool = False
    ) -> None:
        self.product = product
        self._settings: dict[str, str | tuple[str, ...]] = {
            "save": "",
            "enable-debug-command": "yes",
            **(settings or {}),
        }
        self._tls = tls
        self._process: Process | None = None
        self.folder = Path()
        self.port = 0

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    @property
    def root_certificate(self) -> Path:
        return self.folder / "root.crt"

    def __enter__(self) -> Self:
        if not PROGRAMS[self.product].exists():
            missing(self.product, f"no {self.product.capitalize()}: run `make servers`")
        self.folder = private_folder(self.product)
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, on the same port when it ran before."""
        settings = {**self._settings, "dir": str(self.folder), "unixsocket": str(self.socket)}
        if self._tls:
            settings |= {"tls-auth-clients": "no", **self._certificates()}
        for attempt in range(3):
            port = self.port or free_port()
            listen = {"port": "0", "tls-port": str(port)} if self._tls else {"port": str(port)}
            try:
                self._launch({"bind": "127.0.0.1", **listen, **settings}, port)
            except ServerFailed as problem:  # somebody else took the port between our look and the server's
                if attempt == 2 or "Address already in use" not in str(problem):
                    raise
            else:
                self.port = port
                return

    def _launch(self, settings: Mapping[str, str | tuple[str, ...]], port: int) -> None:
        argv: list[str | Path] = [PROGRAMS[self.product]]
        for name, value in settings.items():
            argv += [f"--{name}", *((value,) if isinstance(value, str) else value)]
        self._process = Process(argv, log=self.folder / "log", cwd=self.folder)
        self._process.wait_until(lambda: _listens(port))

    def _certificates(self) -> dict[str, str]:
        if shutil.which("openssl") is None:
            missing(self.product, "no openssl: install it for the TLS tests")
        if not self.root_certificate.exists():
            for arguments in _CERTIFICATES:
                argv = ["openssl", *arguments.split()]
                subprocess.run(argv, cwd=self.folder, check=True, capture_output=True, **as_unprivileged())
        files = {"tls-cert-file": "server.crt", "tls-key-file": "server.key", "tls-ca-cert-file": "root.crt"}
        return {name: str(self.folder / file) for name, file in files.items()}

    def url(self, database: int = 0, user: str = "", password: str = "", scheme: str = "redis") -> str:
        login = f"{user}:{password}@" if user or password else ""
        return f"{scheme}://{login}127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0, **more: Any) -> redis.Redis:
        """The driver's own client, for what a test prepares and checks."""
        return redis.Redis(port=self.port, host="127.0.0.1", db=database, protocol=2, **more)

    def blocked(self) -> int:
        """How many clients wait in a blocking command."""
        with self.client() as admin:
            return int(admin.info("clients")["blocked_clients"])

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server still accepts, and answers nothing, while this is open."""
        assert self._process is not None
        with self._process.stalled():
            yield

    def end(self) -> None:
        """End the process; its folder stays, so that `start` can follow."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def stop(self) -> None:
        """End it and remove its folder; a second call does nothing."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0
