"""What a URL says about the way to a server: redis://, rediss://, valkey://, valkeys://, and sockets."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from dbtui.errors import UsageError
from dbtui.urls import options

PORT = 6379
CONNECT_TIMEOUT = 10.0  # seconds
_TLS_SCHEMES = ("rediss", "valkeys")
_VERIFY = ("none", "optional", "required")
_KNOWN = (
    "db", "timeout", "protocol", "ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile",
    "ssl_check_hostname",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is to be; the names in a URL are those of the driver, with ssl_ before them."""

    cert_reqs: str = "required"
    ca_certs: str = ""
    ca_path: str = ""
    certfile: str = ""
    keyfile: str = ""
    check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class Parameters:
    """The way to one server."""

    host: str
    port: int
    path: str  # of a socket, "" over TCP
    user: str
    database: str
    tls: Tls | None
    connect_timeout: float  # seconds
    protocol: int  # of RESP: 3, or 2 for proxies that know no newer one

    @property
    def where(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read(url: str) -> Parameters:
    """The parameters in a URL without a password. Raises UsageError.

    `redis://[USER@]HOST[:PORT][/DATABASE]`, or `redis:///PATH/TO/SOCKET?db=1`; ?timeout= is in seconds.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise UsageError("the URL cannot be read", "write redis://USER@HOST:6379/0") from None
    given = options(parts.query, _KNOWN)
    number = parts.path.strip("/")
    path = ""
    if not parts.netloc.rpartition("@")[2] and number and not number.isdecimal():
        path, number = unquote(parts.path), ""
    database = given.get("db") or number or "0"
    if not database.isdecimal():
        raise UsageError(f"{database} is no database of Redis", "they are numbers: redis://HOST/0")
    encrypted = parts.scheme in _TLS_SCHEMES
    if not encrypted and any(name.startswith("ssl_") for name in given):
        raise UsageError("ssl_ options need TLS", f"write {parts.scheme}s:// for it")
    return Parameters(
        host=unquote(host or "localhost"),
        port=PORT if port is None else port,
        path=path,
        user=unquote(parts.username or ""),
        database=str(int(database)),
        tls=_tls(given) if encrypted else None,
        connect_timeout=_number(given, "timeout", CONNECT_TIMEOUT),
        protocol=int(_number(given, "protocol", 3)),
    )


def _number(given: dict[str, str], name: str, default: float) -> float:
    try:
        number = float(given.get(name) or default)
    except ValueError:
        number = 0.0
    if not 0 < number < 3600 or (name == "protocol" and number not in (2, 3)):
        raise UsageError(f"{name}={given[name]} cannot be used", f"leave it out, or give {default:g}")
    return number


def _tls(given: dict[str, str]) -> Tls:
    verify = given.get("ssl_cert_reqs", "required").lower()
    if verify not in _VERIFY:
        raise UsageError(f"ssl_cert_reqs={verify} is unknown", "use one of " + ", ".join(_VERIFY))
    return Tls(
        cert_reqs=verify,
        ca_certs=given.get("ssl_ca_certs", ""),
        ca_path=given.get("ssl_ca_path", ""),
        certfile=given.get("ssl_certfile", ""),
        keyfile=given.get("ssl_keyfile", ""),
        check_hostname=given.get("ssl_check_hostname", "true").lower() not in ("0", "f", "false", "n", "no"),
    )
