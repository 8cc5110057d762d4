"""SQLite files, and other processes that hold them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
rows = [connection.execute(statement) for statement in sys.argv[2:]]
for row in rows:
    row.fetchone()  # half read, so that what a statement holds is kept
print("ready", flush=True)
sys.stdin.read()
"""


class SqliteFile:
    """A database of its own in a folder; what `sql` runs is done by a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        sqlite3.connect(path).close()

    @property
    def url(self) -> str:
        return f"sqlite:///{quote(str(self.path))}"

    def sql(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements, each in a transaction of its own; the rows of the last one."""
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            rows: list[tuple[object, ...]] = []
            for statement in statements:
                rows = connection.execute(statement).fetchall()
            return rows

    @contextlib.contextmanager
    def held(self, *statements: str) -> Iterator[int]:
        """Another process has run statements and keeps what they hold, while this is open; its pid."""
        argv = [sys.executable, "-c", _HOLDER, str(self.path), *statements]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield process.pid
            finally:
                process.stdin.close()
                process.wait(10)


@contextlib.contextmanager
def as_stranger() -> Iterator[None]:
    """Files are asked for as a user without rights, by this thread and those it starts, also under root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    libc.setfsuid(65534)
    try:
        yield
    finally:
        libc.setfsuid(0)
