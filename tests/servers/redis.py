"""Redis and Valkey out of what `make servers` fetched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis

from tests.servers import certificates
from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, missing
from tests.servers.process import Process, listens

PROGRAMS = {product: SERVERS / product / f"usr/bin/{product}-server" for product in ("redis", "valkey")}


class RedisServer(OwnServer):
    """A server of its own, on 127.0.0.1 and a unix socket, that saves nothing. `product` is redis or valkey.

    `settings` are options without their dashes, with one value or several. With `tls` its port speaks nothing else;
    it has a certificate for `localhost`, signed by `.root_certificate`. Raises ServerFailed; skips, or fails where it
    is required, when it has not been fetched.
    """

    def __init__(
        self, product: str, settings: Mapping[str, str | tuple[str, ...]] | None = None, *, tls: bool = False
    ) -> None:
        super().__init__(product)
        self.product = product
        self._settings: dict[str, str | tuple[str, ...]] = {
            "save": "",
            "enable-debug-command": "yes",
            **(settings or {}),
        }
        self._tls = tls
        self.port = 0

    @property
    def socket(self) -> Path:
        return self.home / "socket"

    @property
    def root_certificate(self) -> Path:
        return self.home / certificates.ROOT

    def _require(self) -> None:
        if not PROGRAMS[self.product].exists():
            missing(self.product, f"no {self.product.capitalize()}: run `make servers`")

    def _start(self) -> None:
        if self._tls:
            certificates.make(self.home, self.product)
        self.port = on_a_free_port(self._launch)

    def start(self) -> None:
        """Start it anew on its port, after `end`."""
        self._launch(self.port)

    def _launch(self, port: int) -> None:
        settings = {
            "bind": "127.0.0.1",
            "dir": str(self.home),
            "unixsocket": str(self.socket),
            **self._settings,
        }
        settings |= self._listening(port)
        argv: list[str | Path] = [PROGRAMS[self.product]]
        for name, value in settings.items():
            argv += [f"--{name}", *((value,) if isinstance(value, str) else value)]
        self._run(Process(argv, log=self.home / "log", cwd=self.home), lambda: listens(port))

    def _listening(self, port: int) -> dict[str, str]:
        if not self._tls:
            return {"port": str(port)}
        files = {
            "tls-cert-file": certificates.CERTIFICATE,
            "tls-key-file": certificates.KEY,
            "tls-ca-cert-file": certificates.ROOT,
        }
        paths = {name: str(self.home / file) for name, file in files.items()}
        return {"port": "0", "tls-port": str(port), "tls-auth-clients": "no", **paths}

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
