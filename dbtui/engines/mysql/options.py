"""Where to connect and how: what a URL says, completed by ~/.my.cnf and the environment, as the mysql client does.

URL over option file over environment over default. Its parameters are the client's own option names.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from dbtui.config import Secret
from dbtui.errors import UsageError

PORT = 3306
ADMIN_PORT = 33062  # MySQL's own default for admin_port
CONNECT_TIMEOUT = 10.0  # seconds
TLS_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_SOCKETS = ("/run/mysqld/mysqld.sock", "/var/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock",
            "/tmp/mysql.sock")  # noqa: S108 - where servers put them  # fmt: skip
_BOOLEAN = {
    "1": True,
    "true": True,
    "on": True,
    "yes": True,
    "0": False,
    "false": False,
    "off": False,
    "no": False,
}
# What other programs put into such URLs: it says nothing about how to reach the server.
_IGNORED = frozenset(
    re.findall(
        r"\S+",
        """
        charset collation encoding timezone server-timezone connection-limit pool-timeout pool-size
        pool-recycle max-overflow parse-time loc read-timeout write-timeout autoreconnect use-unicode
        characterencoding allowpublickeyretrieval get-server-public-key multistatements
        allow-multi-queries local-infile schema
        """,
    )
)


@dataclass(frozen=True, slots=True)
class Tls:
    """As the mysql client's --ssl-mode and its companions."""

    mode: str = "PREFERRED"  # one of TLS_MODES
    ca: str = ""
    ca_folder: str = ""
    certificate: str = ""
    key: str = ""
    lowest: str = "TLSv1.2"


@dataclass(frozen=True, slots=True)
class Parameters:
    """One server and one user."""

    host: str  # "" with a socket
    port: int
    socket: str
    user: str
    database: str
    password: Secret | None = None  # of an option file or the environment
    tls: Tls = Tls()
    connect_timeout: float = CONNECT_TIMEOUT  # seconds
    notes: tuple[str, ...] = ()
    door: tuple[str, int] | None = None  # MySQL's admin_address and admin_port, MariaDB's host and extra_port

    @property
    def address(self) -> str:
        return self.socket or _place(self.host, self.port)

    def through_the_door(self) -> Parameters | None:
        """The same login at the port that is kept for administrators, None where none is named."""
        if self.door is None:
            return None
        host, port = self.door
        return replace(self, host=host, port=port, socket="", door=None)


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parameters(url: str, environ: Mapping[str, str] | None = None) -> Parameters:
    """What a URL and its surroundings mean. Raises UsageError for what cannot be understood."""
    environ = os.environ if environ is None else environ
    parts = urlsplit(url)
    options, notes = _option_file(Path(environ.get("HOME") or "/nonexistent", ".my.cnf"), parts.scheme)
    try:
        port = parts.port
    except ValueError:
        raise UsageError(
            "the port of the URL is no number", "write mysql://USER@HOST:3306/DATABASE"
        ) from None
    for name, value in (
        ("host", parts.hostname),
        ("port", None if port is None else str(port)),
        ("user", unquote(parts.username or "")),
        ("database", unquote(parts.path.lstrip("/"))),
    ):
        if value:
            options[name] = value
    if parts.hostname:
        options.pop("socket", None)
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        notes += _take(options, re.sub(r"_", "-", name.lower()), value, name)
    return _made(options, environ, tuple(notes))


def _take(options: dict[str, str], name: str, value: str, written: str) -> list[str]:
    """Put one parameter of the URL among the options; the notes it gives rise to."""
    if name in _KNOWN:
        options[_KNOWN[name]] = value
    elif name in ("ssl", "usessl", "tls"):
        options["ssl-mode"] = _tls_switch(value)
    elif name == "requiressl":
        options["ssl-mode"] = "REQUIRED" if _BOOLEAN.get(value.lower()) else "PREFERRED"
    elif name in ("sslaccept", "verifyservercertificate", "ssl-verify-server-cert", "ssl-verify-identity"):
        strict = value.lower() == "strict" or _BOOLEAN.get(value.lower(), False)
        options["ssl-mode"] = "VERIFY_IDENTITY" if strict else "REQUIRED"
    elif name in _IGNORED:
        return [f"{written} in the URL changes nothing here"]
    else:
        raise UsageError(
            f"the URL holds an unknown parameter {written}", "it knows " + ", ".join(sorted(_KNOWN))
        )
    return []


_KNOWN = {
    "ssl-mode": "ssl-mode", "sslmode": "ssl-mode", "ssl-ca": "ssl-ca", "sslca": "ssl-ca", "sslrootcert": "ssl-ca",
    "ssl-capath": "ssl-capath", "ssl-cert": "ssl-cert", "sslcert": "ssl-cert", "ssl-key": "ssl-key",
    "sslkey": "ssl-key", "tls-version": "tls-version", "socket": "socket", "unix-socket": "socket",
    "connect-timeout": "connect-timeout", "admin-address": "admin-address", "admin-port": "admin-port",
    "extra-port": "admin-port", "user": "user", "host": "host", "port": "port", "database": "database",
}  # fmt: skip


def _tls_switch(value: str) -> str:
    """`ssl=true`, `tls=skip-verify`, `ssl={"rejectUnauthorized":true}` as they are met in URLs."""
    text = value.lower().replace(" ", "")
    if text in ("skip-verify", "preferred"):
        return "REQUIRED" if text == "skip-verify" else "PREFERRED"
    if "rejectunauthorized" in text:
        return "VERIFY_IDENTITY" if "true" in text else "REQUIRED"
    if text not in _BOOLEAN:
        return value
    return "REQUIRED" if _BOOLEAN[text] else "DISABLED"


def _made(options: Mapping[str, str], environ: Mapping[str, str], notes: tuple[str, ...]) -> Parameters:
    host = options.get("host") or ("" if options.get("socket") else environ.get("MYSQL_HOST", ""))
    socket = options.get("socket", "")
    if not host and not socket:
        usual = (environ.get("MYSQL_UNIX_PORT", ""), *_SOCKETS)
        socket = next((path for path in usual if path and Path(path).exists()), "")
    host = "" if socket else host or "127.0.0.1"
    door = options.get("admin-port") or (str(ADMIN_PORT) if options.get("admin-address") else "")
    password = options.get("password") or environ.get("MYSQL_PWD", "")
    return Parameters(
        host=host,
        port=_number(options.get("port") or environ.get("MYSQL_TCP_PORT") or str(PORT), "port", 65535),
        socket=socket,
        user=options.get("user") or environ.get("USER") or "root",
        database=options.get("database", ""),
        password=Secret(password) if password else None,
        tls=_tls(options),
        connect_timeout=float(_number(options.get("connect-timeout") or "10", "connect-timeout", 3600)),
        notes=notes,
        door=(options.get("admin-address") or host or "127.0.0.1", _number(door, "admin-port", 65535))
        if door
        else None,
    )


def _number(text: str, name: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) <= most:
        raise UsageError(f"{name} is no number that can be used", f"give one from 1 to {most}")
    return int(text)


def _tls(options: Mapping[str, str]) -> Tls:
    mode = options.get("ssl-mode", "").upper().replace("-", "_") or "PREFERRED"
    mode = {
        "DISABLE": "DISABLED",
        "PREFER": "PREFERRED",
        "REQUIRE": "REQUIRED",
        "VERIFY_FULL": "VERIFY_IDENTITY",
    }.get(mode, mode)
    if mode not in TLS_MODES:
        raise UsageError(f"ssl-mode={options['ssl-mode']} is unknown", "use " + ", ".join(TLS_MODES))
    ca, folder = options.get("ssl-ca", ""), options.get("ssl-capath", "")
    if (ca or folder) and "ssl-mode" not in options:
        mode = "VERIFY_CA"  # as the mysql client: who names an authority wants it checked
    tls = Tls(mode, ca, folder, options.get("ssl-cert", ""), options.get("ssl-key", ""))
    versions = [version for version in options.get("tls-version", "").split(",") if version]
    return replace(tls, lowest=min(versions)) if versions else tls


def _option_file(file: Path, scheme: str) -> tuple[dict[str, str], list[str]]:
    """The [client] options of ~/.my.cnf that matter here. A file that others may write is not used."""
    try:
        if stat.S_IMODE(file.stat().st_mode) & stat.S_IWOTH:
            return {}, [f"{file} was not used: everybody may write it"]
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}, []
    groups = {"client", "client-mariadb" if scheme == "mariadb" else "client-mysql"}
    options: dict[str, str] = {}
    inside = False
    for line in map(str.strip, lines):
        if line.startswith("["):
            inside = line.strip("[]").strip().lower() in groups
        elif inside and line[:1] not in ("#", ";", "!", ""):
            name, separator, value = line.partition("=")
            name = name.strip().lower().replace("_", "-")
            if separator and (name in _KNOWN or name == "password"):
                options[_KNOWN.get(name, name)] = _option_value(value)
    return options, []


_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}


def _option_value(value: str) -> str:
    value = value.strip()
    quote = value[:1]
    if quote in ("'", '"') and value.endswith(quote) and len(value) > 1:
        value = value[1:-1]
    else:
        value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), value)
