"""MariaDB out of what `make servers` fetched."""

from __future__ import annotations

from collections.abc import Sequence

from tests.servers.mysql import MysqlProtocolServer
from tests.servers.places import SERVERS

HOME = SERVERS / "mariadb/usr"


class MariadbServer(MysqlProtocolServer):
    engine = "mariadb"
    scheme = "mariadb"
    program = HOME / "sbin/mariadbd"

    def _extra(self) -> list[str]:
        return [f"--basedir={HOME}"]

    def _initialise(self, common: Sequence[str]) -> None:
        install = ["bash", HOME / "bin/mariadb-install-db", *common, *self._extra(), "--skip-name-resolve"]
        self._prepare([*install, "--auth-root-authentication-method=normal", "--skip-test-db"])
