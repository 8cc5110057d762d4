"""MySQL out of what `make servers` fetched."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.places import SERVERS, as_unprivileged, missing, private_folder
from tests.servers.process import Process, ServerFailed, free_port

HOME = SERVERS / "mysql/usr"


class MysqlServer:
    """A server of its own, on 127.0.0.1 and a unix socket, with `root` and no password.

    `settings` are options of mysqld without their dashes. Raises ServerFailed; skips, or fails where it is
    required, when it has not been fetched.
    """

    user = "root"

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._settings = {
            "innodb-buffer-pool-size": "64M",
            "innodb-flush-log-at-trx-commit": "0",
            "mysqlx": "OFF",
            "secure-file-priv": "",
            **(settings or {}),
        }
        self._process: Process | None = None
        self._folder = Path()
        self.port = 0

    @property
    def socket(self) -> Path:
        return self._folder / "socket"

    def __enter__(self) -> Self:
        if not (HOME / "sbin/mysqld").exists():
            missing("mysql", "no MySQL: run `make servers`")
        self._folder = private_folder("mysql")
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
        program = HOME / "sbin/mysqld"
        common = ["--no-defaults", f"--basedir={HOME}", f"--datadir={self._folder / 'data'}"]
        common += [f"--lc-messages-dir={HOME / 'share/mysql'}"]
        done = subprocess.run(
            [program, *common, "--initialize-insecure"],
            cwd=self._folder,
            capture_output=True,
            text=True,
            **as_unprivileged(),
        )
        if done.returncode:
            raise ServerFailed(f"mysqld --initialize-insecure failed:\n{done.stderr[-2000:]}")
        self.port = free_port()
        listen = ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self.socket}"]
        listen += [f"--pid-file={self._folder / 'pid'}", "--skip-name-resolve"]
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        self._process = Process(
            [program, *common, *listen, *options], log=self._folder / "log", cwd=self._folder
        )
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """End it and remove its folder; a second call does nothing."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)
