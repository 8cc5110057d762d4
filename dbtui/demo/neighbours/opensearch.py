"""The shop's search: an OpenSearch of one node, on a port of 127.0.0.1 since it knows no unix sockets."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from dbtui.demo.neighbours.base import Neighbour, fetched
from dbtui.engines.postgres.embedded import Account

_JVM = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


def _home() -> Path | None:
    homes = sorted((fetched() / "opensearch").glob("2.*"))
    return homes[-1] if homes else None


def _java() -> Path | None:
    """The home of a Java 17 to 23."""
    found = shutil.which("java")
    homes = [Path(found).resolve().parents[1]] if found else []
    for home in (*homes, *sorted(Path("/usr/lib/jvm").glob("*"))):
        release = home / "release"
        said = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
        if said is not None and 17 <= int(said[1]) <= 23 and (home / "bin/java").exists():
            return home
    return None


class OpensearchShop(Neighbour):
    """Documents that are indexed, and searches of them."""

    name = "search"
    product = "OpenSearch"
    how = "OpenSearch needs Java 17"

    def __init__(self, folder: Path, account: Account) -> None:
        super().__init__(folder, account)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])

    @classmethod
    def available(cls) -> bool:
        return _home() is not None and _java() is not None

    @property
    def url(self) -> str:
        return f"opensearch://127.0.0.1:{self._port}"

    def launch(self) -> Iterator[None]:
        home, java = _home(), _java()
        assert home is not None and java is not None
        config, scratch = self.folder / "config", self.folder / "tmp"
        shutil.copytree(home / "config", config, dirs_exist_ok=True)
        scratch.mkdir(exist_ok=True)
        (config / "jvm.options").write_text("\n".join((*_JVM, f"-Djava.io.tmpdir={scratch}")) + "\n")
        settings = {
            "cluster.name": "demo-shop",
            "node.name": "node-0",
            "network.host": "127.0.0.1",
            "http.port": self._port,
            "transport.port": "0",
            "discovery.type": "single-node",
            "path.data": self.folder / "data",
            "path.logs": self.folder / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        (config / "opensearch.yml").write_text(
            "".join(f"{name}: {value}\n" for name, value in settings.items())
        )
        self.account.own(self.folder)
        env = {
            **os.environ,
            "OPENSEARCH_JAVA_HOME": str(java),
            "OPENSEARCH_PATH_CONF": str(config),
            "OPENSEARCH_TMPDIR": str(scratch),
            "HOME": str(self.folder),
        }
        yield from self._serve("search", ["/bin/bash", home / "bin/opensearch"], self._answers, env=env)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
