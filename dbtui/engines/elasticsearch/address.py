"""What a URL says about the way to a cluster: elasticsearch://, opensearch://, and both with +https."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from dbtui.errors import UsageError
from dbtui.urls import options

PORT = 9200
CONNECT_TIMEOUT = 10.0  # seconds
_LOGINS = ("basic", "apikey", "bearer")
_TLS = ("verify_certs", "ca_certs", "ca_path", "client_cert", "client_key", "assert_hostname")
_KNOWN = ("auth", "timeout", *_TLS)
_HOW = "write elasticsearch+https://USER@HOST:9200"

Login = Literal["basic", "apikey", "bearer"]


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is to be; the names in a URL are those of the products' own Python clients."""

    verify: bool = True
    check_hostname: bool = True
    ca_file: str = ""
    ca_folder: str = ""
    certificate: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The way to one cluster, through one of its nodes or what stands before them."""

    host: str
    port: int
    prefix: str  # of every path, "" or "/behind/a/proxy"
    user: str
    login: Login
    tls: Tls | None
    connect_timeout: float  # seconds

    @property
    def where(self) -> str:
        """Host and port, as they are shown and as the Host header has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(url: str) -> tuple[Parameters, ...]:
    """The parameters in a URL without a password, for each of its hosts. Raises UsageError.

    `elasticsearch[+https]://[USER@]HOST[:PORT][,HOST[:PORT]…][/PREFIX]`; ?timeout= is in seconds, ?auth= says what
    the password is: that of the user (basic), an API key or a bearer token.
    """
    try:
        parts = urlsplit(url)
        places = list(_places(parts.netloc.rpartition("@")[2]))
    except ValueError:
        raise UsageError("the URL cannot be read", _HOW) from None
    given = options(parts.query, _KNOWN)
    encrypted = parts.scheme.endswith("+https")
    if not encrypted and (wrong := next((name for name in _TLS if name in given), None)):
        product = parts.scheme.partition("+")[0]
        raise UsageError(f"{wrong} needs TLS", f"write {product}+https:// for it")
    user = unquote(parts.username or "")
    login = given.get("auth", "basic").lower()
    if login not in _LOGINS:
        raise UsageError(f"auth={login} is unknown", "use one of " + ", ".join(_LOGINS))
    if user and login != "basic":
        raise UsageError(f"auth={login} has no user", "leave the user out of the URL")
    prefix, seconds, how = _prefix(parts.path), _seconds(given), _tls(given) if encrypted else None
    return tuple(
        Parameters(host, port, prefix, user, login, how, seconds)  # type: ignore[arg-type]
        for host, port in places
    )


def _places(hosts: str) -> Iterator[tuple[str, int]]:
    """Each host with its port. Raises ValueError."""
    for one in hosts.split(","):
        parts = urlsplit(f"//{one}")
        yield unquote(parts.hostname or "localhost"), PORT if parts.port is None else parts.port


def _prefix(path: str) -> str:
    names = [unquote(name) for name in path.split("/") if name]
    if any(name in (".", "..") for name in names):
        raise UsageError("the URL's path cannot be used", "leave . and .. out of it")
    return "".join(f"/{quote(name, safe='')}" for name in names)


def _seconds(given: dict[str, str]) -> float:
    try:
        seconds = float(given.get("timeout") or CONNECT_TIMEOUT)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise UsageError(
            f"timeout={given['timeout']} cannot be used", f"give seconds, as in {CONNECT_TIMEOUT:g}"
        )
    return seconds


def _tls(given: dict[str, str]) -> Tls:
    return Tls(
        verify=_yes(given.get("verify_certs", "true")),
        check_hostname=_yes(given.get("assert_hostname", "true")),
        ca_file=given.get("ca_certs", ""),
        ca_folder=given.get("ca_path", ""),
        certificate=given.get("client_cert", ""),
        key=given.get("client_key", ""),
    )


def _yes(value: str) -> bool:
    return value.lower() not in ("0", "f", "false", "n", "no")
