"""The shop's old back office: a MariaDB, else a MySQL, on a unix socket."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

from dbtui.demo.neighbours.base import Neighbour, fetched, listens

_SMALL = ("--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0", "--performance-schema=ON",
          "--skip-networking", "--skip-name-resolve")  # fmt: skip


def _home(program: str) -> Path | None:
    """The folder above sbin/ of a server's program: the system's, else what `make servers` fetched."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if found is not None:
        return Path(found).resolve().parents[1]
    home = fetched() / ("mariadb" if program == "mariadbd" else "mysql") / "usr"
    return home if (home / "sbin" / program).exists() else None


class MariadbShop(Neighbour):
    """Point reads, a report without an index, and a row that is held for seconds."""

    name = "office"
    product = "MariaDB"
    how = "MariaDB: mariadb-server will do"

    @classmethod
    def available(cls) -> bool:
        return bool(_home("mariadbd") or _home("mysqld"))

    @property
    def url(self) -> str:
        return (
            f"{'mariadb' if _home('mariadbd') else 'mysql'}://dbtui@/office?socket={self.folder / 'socket'}"
        )

    def launch(self) -> Iterator[None]:
        data = self.folder / "data"
        maria = _home("mariadbd")
        home = maria or _home("mysqld")
        assert home is not None
        base = [f"--basedir={home}", f"--datadir={data}"]
        program = home / "sbin" / ("mariadbd" if maria else "mysqld")
        more = [] if maria else [f"--lc-messages-dir={home / 'share/mysql'}", "--mysqlx=OFF"]
        if not data.exists():
            if maria:
                install: list[str | Path] = [
                    "/bin/bash",
                    home / "bin/mariadb-install-db",
                    "--no-defaults",
                    *base,
                    "--skip-test-db",
                ]
                yield from self._run(
                    [*install, "--skip-name-resolve", "--auth-root-authentication-method=normal"]
                )
            else:
                yield from self._run([program, "--no-defaults", *base, *more, "--initialize-insecure"])
        socket = self.folder / "socket"
        argv: list[str | Path] = [
            program,
            "--no-defaults",
            *base,
            *more,
            f"--socket={socket}",
            f"--tmpdir={self.folder}",
        ]
        argv += [f"--pid-file={self.folder / 'pid'}", *_SMALL]
        yield from self._serve("office", argv, lambda: listens(socket), quit_signal=signal.SIGKILL)
