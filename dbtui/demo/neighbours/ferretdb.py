"""The shop's catalogue of documents: FerretDB over a PostgreSQL with DocumentDB, on unix sockets."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from dbtui.demo.neighbours.base import Neighbour, fetched, listens

_SETTINGS = {
    "listen_addresses": "",
    "shared_preload_libraries": "pg_cron,pg_documentdb_core,pg_documentdb",
    "cron.database_name": "postgres",
    "fsync": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "64MB",
}


def _proxy() -> Path:
    return fetched() / "ferretdb/ferretdb"


def _store() -> Path:
    return fetched() / "documentdb/usr/lib/postgresql/18/bin"


class FerretShop(Neighbour):
    """Finds and changes of documents, and an aggregation that reads them all."""

    name = "documents"
    product = "FerretDB (MongoDB's protocol)"

    @classmethod
    def available(cls) -> bool:
        return _proxy().exists() and (_store() / "postgres").exists()

    @property
    def url(self) -> str:
        return f"mongodb://{quote(str(self.folder / 'ferret.sock'), safe='')}/catalogue"

    def launch(self) -> Iterator[None]:
        data, store = self.folder / "data", _store()
        new = not data.exists()
        if new:
            initdb: list[str | Path] = [
                store / "initdb",
                "-D",
                data,
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
            ]
            yield from self._run([*initdb, "--locale=C", "--no-sync", "--wal-segsize=1"])
        argv: list[str | Path] = [store / "postgres", "-D", data, "-k", self.folder]
        here = {
            "documentdb.localhost_connection_string": f"host={self.folder}",
            "cron.host": str(self.folder),
        }
        settings = {**_SETTINGS, **here}
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        yield from self._serve("store", argv, self._store_is_ready, quit_signal=signal.SIGQUIT)
        if new:
            psql: list[str | Path] = [
                store / "psql",
                "-XAtq",
                "-h",
                self.folder,
                "-U",
                "postgres",
                "-d",
                "postgres",
            ]
            yield from self._run([*psql, "-c", "create extension documentdb cascade"])
        options = [
            f"--postgresql-url=postgres://postgres@/postgres?host={self.folder}",
            "--listen-addr=",
            f"--listen-unix={self.folder / 'ferret.sock'}",
            "--debug-addr=-",
            f"--state-dir={self.folder / 'state'}",
            "--telemetry=disable",
            "--no-auth",
            "--log-level=error",
        ]
        env = {"DO_NOT_TRACK": "1", "HOME": str(self.folder)}
        yield from self._serve(
            "documents", [_proxy(), *options], lambda: listens(self.folder / "ferret.sock"), env=env
        )

    def _store_is_ready(self) -> bool:
        try:
            lines = (self.folder / "data/postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"
