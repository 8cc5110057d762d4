"""MySQL out of what `make servers` fetched, and what it has in common with MariaDB."""

from __future__ import annotations

import itertools
import os
import subprocess
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pymysql
import pymysql.cursors

from tests.servers.own import OwnServer, on_a_free_port
from tests.servers.places import SERVERS, as_unprivileged, missing
from tests.servers.process import Process, ServerFailed

HOME = SERVERS / "mysql/usr"
PASSWORD = "dbtui-test"
_SMALL = {"innodb-buffer-pool-size": "64M", "innodb-flush-log-at-trx-commit": "0"}
_number = itertools.count(1)


class MysqlProtocolServer(OwnServer):
    """A server of its own, on 127.0.0.1 and a unix socket.

    `root` has no password on the socket; over TCP it is `admin` with `password`, who may do everything.
    `settings` are options of the server without their dashes. Raises ServerFailed; skips, or fails where it is
    required, when it has not been fetched.
    """

    user = "root"
    admin = "admin"
    password = PASSWORD
    engine: str
    program: Path
    scheme: str

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(self.engine)
        self._settings = {**_SMALL, **(settings or {})}
        self.port = 0

    @property
    def socket(self) -> Path:
        return self.home / "socket"

    @property
    def folder(self) -> Path:
        return self.home / "data"

    def url(
        self, database: str = "", *, user: str | None = None, password: str | None = None, tcp: bool = False,
        **parameters: str,
    ) -> str:  # fmt: skip
        """A URL as a user would write it."""
        if not tcp:
            parameters["socket"] = str(self.socket)
        who = quote(user or (self.admin if tcp else self.user), safe="")
        secret = self.password if password is None and tcp and user is None else password
        if secret is not None:
            who += ":" + quote(secret, safe="")
        place = f"127.0.0.1:{self.port}" if tcp else ""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return f"{self.scheme}://{who}@{place}/{quote(database, safe='')}{query}"

    def connect(self, database: str = "", **more: Any) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """Another client, as root unless told otherwise."""
        options: dict[str, Any] = {"user": self.user, "autocommit": True, "charset": "utf8mb4", **more}
        return pymysql.connect(unix_socket=str(self.socket), database=database or None, **options)

    def sql(self, *statements: str, database: str = "") -> list[tuple[Any, ...]]:
        """Run statements as root; the rows of the last one."""
        client = self.connect(database)
        try:
            cursor = client.cursor()
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())
        finally:
            client.close()

    def create_database(self) -> str:
        """A fresh database."""
        name = f"db_{os.getpid()}_{next(_number)}"
        self.sql(f"CREATE DATABASE `{name}`")
        return name

    def create_user(self, *grants: str, password: str = PASSWORD) -> str:
        """A new user from anywhere, with what the GRANTs before ON say: "PROCESS ON *.*"."""
        name = f"user_{os.getpid()}_{next(_number)}"
        self.sql(
            f"CREATE USER '{name}'@'%' IDENTIFIED BY '{password}'",
            *(f"GRANT {grant} TO '{name}'@'%'" for grant in grants),
        )
        return name

    def _require(self) -> None:
        if not self.program.exists():
            missing(self.engine, f"no {self.engine}: run `make servers`")

    def _start(self) -> None:
        self._initialise(["--no-defaults", f"--datadir={self.folder}"])
        self.port = on_a_free_port(self._launch)
        self.sql(
            f"CREATE USER '{self.admin}'@'%' IDENTIFIED BY '{self.password}'",
            f"GRANT ALL PRIVILEGES ON *.* TO '{self.admin}'@'%' WITH GRANT OPTION",
        )

    @abstractmethod
    def _initialise(self, common: Sequence[str]) -> None: ...

    @abstractmethod
    def _extra(self) -> list[str]: ...

    def _prepare(self, argv: Sequence[str | Path]) -> None:
        """Run what makes the data folder. Its temporary files have fixed names: each server has a folder for them."""
        done = subprocess.run(
            argv,
            cwd=self.home,
            capture_output=True,
            text=True,
            env={**os.environ, "TMPDIR": str(self.home)},
            **as_unprivileged(),
        )
        if done.returncode:
            raise ServerFailed(f"{argv[0]} failed:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")

    def _launch(self, port: int) -> None:
        argv: list[str | Path] = [self.program, "--no-defaults", f"--datadir={self.folder}", *self._extra()]
        argv += ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={self.socket}"]
        argv += [f"--pid-file={self.home / 'pid'}", "--skip-name-resolve", f"--tmpdir={self.home}"]
        argv += [f"--{name}={value}" for name, value in self._settings.items()]
        self._run(Process(argv, log=self.home / "log", cwd=self.home), self._answers)

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.err.Error:
            return False
        return True

    def restart(self) -> None:
        """End it and start it anew on the same port."""
        self.end()
        self._launch(self.port)


class MysqlServer(MysqlProtocolServer):
    engine = "mysql"
    scheme = "mysql"
    program = HOME / "sbin/mysqld"

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        super().__init__({"mysqlx": "OFF", "secure-file-priv": "", **(settings or {})})

    def _extra(self) -> list[str]:
        return [f"--basedir={HOME}", f"--lc-messages-dir={HOME / 'share/mysql'}"]

    def _initialise(self, common: Sequence[str]) -> None:
        self._prepare([self.program, *common, *self._extra(), "--initialize-insecure"])
