"""Elasticsearch and OpenSearch out of what `make servers` fetched: their servers in the smallest packing."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tests.servers import certificates
from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, missing
from tests.servers.process import Process, listens

PASSWORD = "dbtui-test"
_HASH = "$2a$04$rudhazwm5ERHoCjnFo6qu.YAJk/aicaMimT5PlTJFDiLeJy6/0bS."  # of PASSWORD, by elasticsearch-users
_JVM = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # starts in half of the time
    "-XX:-UsePerfData",
)
# Users of Elasticsearch, each with the role of its name but for the first two.
_ROLES = """\
looker:
  cluster: [monitor]
  indices: [{names: ["*"], privileges: [monitor, view_index_metadata, read]}]
reader:
  indices: [{names: ["shop*"], privileges: [read]}]
blind:
  cluster: []
"""
_SECURED = {
    "xpack.security.enabled": "true",
    "xpack.security.transport.ssl.enabled": "false",
    "xpack.security.authc.api_key.enabled": "true",
    "resource.reload.interval.high": "50ms",  # of the file of users
}
_USERS = {"admin": "superuser", "looker": "looker", "reader": "reader", "blind": "blind"}


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a product, and the versions of Java that it takes."""

    product: str
    version: str
    java: tuple[int, int]
    heap: int = 256  # MB

    @property
    def program(self) -> Path:
        return SERVERS / self.product / self.version / "bin" / self.product

    @property
    def engine(self) -> str:
        """How DBTUI_REQUIRE_SERVERS names it: the product for the version that every run is tested on."""
        usual = self in (ELASTICSEARCH7, OPENSEARCH2)
        return self.product if usual else f"{self.product}{self.version.partition('.')[0]}"


ELASTICSEARCH7 = Release("elasticsearch", "7.17.28", (17, 21))
ELASTICSEARCH8 = Release("elasticsearch", "8.17.0", (17, 23))
# A document may take a tenth of its heap, and counts five times.
ELASTICSEARCH9 = Release("elasticsearch", "9.1.0", (21, 25), heap=896)
OPENSEARCH2 = Release("opensearch", "2.19.0", (17, 23))


class ElasticServer(OwnServer):
    """A cluster of one node on 127.0.0.1. Elasticsearch wants a login: see `_USERS`, all with PASSWORD.

    `settings` are lines of its configuration. With `tls` it speaks nothing else, with a certificate for `localhost`
    signed by `.certificate`. Raises ServerFailed; skips, or fails where it is required, when it has not been fetched.
    """

    def __init__(
        self, release: Release, settings: Mapping[str, str] | None = None, *, tls: bool = False
    ) -> None:
        super().__init__(release.product)
        self.release = release
        self._settings = dict(settings or {})
        self._tls = tls
        self._java: Path | None = None
        self.port = 0

    @property
    def product(self) -> str:
        return {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}[self.release.product]

    @property
    def reindexes(self) -> bool:
        """Whether it has the module that answers _reindex."""
        return (self.release.program.parents[1] / "modules" / "reindex").exists()

    @property
    def secured(self) -> bool:
        """Whether it knows users."""
        return self.release.product == "elasticsearch"

    @property
    def certificate(self) -> Path:
        """Of the authority that its own certificate is signed by."""
        return self.home / "config" / certificates.ROOT

    def _require(self) -> None:
        release = self.release
        if not release.program.exists():
            missing(release.engine, f"no {self.product} {release.version}: run `make servers`")
        lowest, highest = release.java
        self._java = _java(lowest, highest)
        if self._java is None:
            missing(
                release.engine,
                f"no Java {lowest} to {highest} for {self.product} {release.version}: install one",
            )

        if release is ELASTICSEARCH9 and not Path("/tmp").stat().st_mode & 0o002:
            missing(
                release.engine,
                "Elasticsearch 9 attaches to itself through /tmp, which its user may not write",
            )

    def _start(self) -> None:
        config = self.home / "config"
        shutil.copytree(self.release.program.parents[1] / "config", config)
        for folder in (config, self.home / "data", self.home / "logs", self.home / "tmp"):
            folder.mkdir(exist_ok=True)
        heap = self.release.heap
        own = (f"-Xms{heap}m", f"-Xmx{heap}m", f"-Djava.io.tmpdir={self.home / 'tmp'}")
        (config / "jvm.options").write_text("\n".join((*_JVM, *own)) + "\n")
        if self.secured:
            self.write_users()
            (config / "users_roles").write_text("".join(f"{role}:{user}\n" for user, role in _USERS.items()))
            (config / "roles.yml").write_text(_ROLES)
        _give(self.home)
        if self._tls:
            certificates.make(config, self.release.engine)
        self.port = on_a_free_port(self._launch)
        self.ask("GET", "/_cluster/health?wait_for_status=yellow&timeout=20s")

    def restart(self) -> None:
        """End it and start it anew on the same port."""
        self.end()
        self._launch(self.port)

    def write_users(self, *, without: str = "") -> None:
        """Let all users in, or all but one; the server hears of it within a moment."""
        users = "".join(f"{user}:{_HASH}\n" for user in _USERS if user != without)
        (self.home / "config" / "users").write_text(users)

    def _launch(self, port: int) -> None:
        settings = {
            "cluster.name": "dbtui-test",
            "node.name": "node-0",
            "network.host": "127.0.0.1",
            "http.port": str(port),
            "transport.port": "0",
            "discovery.type": "single-node",
            "path.data": str(self.home / "data"),
            "path.logs": str(self.home / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            **(_SECURED if self.secured else {}),
            **(self._encrypted() if self._tls else {}),
            **self._settings,
        }
        lines = "".join(f"{name}: {value}\n" for name, value in settings.items())
        (self.home / "config" / f"{self.release.product}.yml").write_text(lines)
        prefix = {"elasticsearch": "ES", "opensearch": "OPENSEARCH"}[self.release.product]
        env = {
            **os.environ,
            f"{prefix}_JAVA_HOME": str(self._java),
            f"{prefix}_PATH_CONF": str(self.home / "config"),
            f"{prefix}_TMPDIR": str(self.home / "tmp"),
            "CLI_JAVA_OPTS": f"-Djava.io.tmpdir={self.home / 'tmp'}",
            "HOME": str(self.home),
        }
        argv: list[str | Path] = ["nice", "-n", "10", "bash", self.release.program]
        process = Process(argv, log=self.home / "log", cwd=self.home, env=env)
        self._run(process, lambda: listens(port))

    def _encrypted(self) -> dict[str, str]:
        return {
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.key": certificates.KEY,
            "xpack.security.http.ssl.certificate": certificates.CERTIFICATE,
            "xpack.security.http.ssl.certificate_authorities": certificates.ROOT,
        }

    def url(self, user: str = "admin", password: str = PASSWORD, host: str = "127.0.0.1", **more: str) -> str:
        """A URL, with a login where the server wants one; `more` are its parameters."""
        login = f"{quote(user, safe='')}:{quote(password, safe='')}@" if self.secured and user else ""
        query = f"?{urlencode(more)}" if more else ""
        return f"{self.release.product}{'+https' if self._tls else ''}://{login}{host}:{self.port}{query}"

    def drop(self, *indices: str) -> None:
        """Delete those of them that are there; AssertionError where the server refuses, for others would meet them."""
        answer = self.ask("DELETE", f"/{','.join(indices)}?ignore_unavailable=true")
        assert answer.get("acknowledged"), answer

    def ask(self, method: str, path: str, body: object = None, *, user: str = "admin") -> Any:
        """What a test prepares and checks; the decoded answer, of a refusal too. A text is sent as it is."""
        text = body if isinstance(body, str) else None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/x-ndjson" if isinstance(body, str) else "application/json"}
        if self.secured:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            headers=headers,
            data=None if text is None else text.encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            said = error.read()
        return json.loads(said) if said[:1] in (b"{", b"[") else said.decode()


def _java(lowest: int, highest: int) -> Path | None:
    """The home of a Java of one of these versions."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    if found := shutil.which("java"):
        homes.append(Path(found).resolve().parents[1])
    for home in (*homes, *sorted(Path("/usr/lib/jvm").glob("*"))):
        release = home / "release"
        said = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
        if said is not None and lowest <= int(said[1]) <= highest and (home / "bin/java").exists():
            return home
    return None


def _give(folder: Path) -> None:
    """Make the servers' user own what was put into its folder."""
    owner = folder.stat()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
