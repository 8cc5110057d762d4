"""What a MongoDB URL says, read without the driver: that would ask DNS for mongodb+srv:// at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from dbtui.errors import UsageError

DEFAULT_PORT = 27017
_URL = re.compile(r"(mongodb(?:\+srv)?)://(?:([^@/?]*)@)?([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.S)


@dataclass(frozen=True, slots=True)
class Location:
    """The parts of a URL. It holds no password; `options` have names in lower case."""

    srv: bool
    user: str
    hosts: tuple[tuple[str, int | None], ...]  # a socket's path has no port
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""  # database and options as they were written

    @property
    def place(self) -> str:
        """The servers in a few words."""
        named = [f"{host}:{port}" if port is not None and not self.srv else host for host, port in self.hosts]
        return named[0] if len(named) == 1 else f"{named[0]} and {len(named) - 1} more"

    @property
    def tls(self) -> bool:
        """Whether the connection is wanted with TLS, which mongodb+srv:// has by default."""
        stated = self.options.get("tls", self.options.get("ssl", "true" if self.srv else "false"))
        return stated.lower() == "true"

    def through(self, ip: str, port: int) -> str:
        """The URL of the near end of a tunnel to the first server."""
        user = f"{self.user}@" if self.user else ""
        return f"mongodb://{user}{ip}:{port}{self.rest}"


def locate(url: str) -> Location:
    """The parts of a URL. Raises UsageError, which shows nothing of it."""
    match = _URL.fullmatch(url)
    if match is None or not match[3]:
        raise UsageError("that is no URL of MongoDB", "write mongodb://USER@HOST:PORT/DATABASE")
    scheme, user, hosts, database, query = match.groups()
    pairs = (pair.partition("=") for pair in (query or "").split("&") if pair)
    path = f"/{database or ''}" + (f"?{query}" if query else "")
    return Location(
        srv=scheme.endswith("+srv"),
        user=(user or "").partition(":")[0],
        hosts=tuple(_host(host) for host in hosts.split(",") if host),
        database=unquote(database or "").partition(".")[0],
        options={name.lower(): unquote(value) for name, _, value in pairs},
        rest=path,
    )


def _host(text: str) -> tuple[str, int | None]:
    if text.lower().endswith(".sock"):
        return unquote(text), None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.strip("[]").lower(), DEFAULT_PORT
    if not port.isdecimal():
        raise UsageError("the port in the URL is no number", "write mongodb://USER@HOST:PORT/DATABASE")
    return host.strip("[]").lower(), int(port)
