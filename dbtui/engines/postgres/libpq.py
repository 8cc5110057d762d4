"""Connection strings, environment variables, service files and password files, read as libpq reads them.

Reference: https://www.postgresql.org/docs/18/libpq-connect.html, libpq-envars, libpq-pgservice, libpq-pgpass.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from dbtui.config import Secret
from dbtui.engines.postgres.files import SOCKET_FOLDERS, read_service
from dbtui.engines.postgres.libpq_parameters import (
    ENVIRONMENT,
    IGNORED,
    MAPPED,
    REFUSED,
    SESSION_ATTRIBUTES,
    SSL_MODES,
)
from dbtui.errors import UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """One server to try. `host` is a name, an IP address, or a folder of unix sockets."""

    host: str
    port: int
    hostaddr: str = ""  # connect here, while `host` is what a certificate must name

    @property
    def unix(self) -> bool:
        return self.host.startswith(("/", "@")) and not self.hostaddr

    def __str__(self) -> str:
        if self.unix:
            return self.host if self.port == 5432 else f"{self.host}:{self.port}"
        host = self.host or self.hostaddr
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is used. Paths are "" where nothing was said and libpq's default file is meant."""

    mode: str = "prefer"
    direct: bool = False
    root: str = ""  # "system" for the operating system's authorities
    certificate: str = ""
    key: str = ""
    key_password: Secret | None = None
    send_certificate: bool = True
    revoked: str = ""
    revoked_folder: str = ""
    server_name: bool = True
    lowest: str = "TLSv1.2"
    highest: str = ""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """TCP keep-alive in seconds and counts; None is the system's own. `user_timeout` is in milliseconds."""

    on: bool = True
    idle: int | None = None
    interval: int | None = None
    count: int | None = None
    user_timeout: int | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that a connection needs besides its purpose, with libpq's precedence already applied."""

    addresses: tuple[Address, ...]
    user: str
    database: str
    password: Secret | None = None  # of the string, the service file or PGPASSWORD; not of the password file
    passfile: Path | None = None
    tls: Tls = Tls()
    keep_alive: KeepAlive = KeepAlive()
    options: str = ""
    session: str = "any"  # target_session_attrs
    shuffle: bool = False
    connect_timeout: float = 5.0  # seconds, for each address
    kerberos_service: str = ""
    notes: tuple[str, ...] = ()


def resolve(text: str, environ: Mapping[str, str], home: Path | None = None) -> Parameters:
    """Apply libpq's precedence: the string, then the service file, then the environment, then defaults.

    Raises UsageError for what cannot be used, ConfigError for a service file that cannot. Neither shows a
    value that could be a secret.
    """
    home = home or home_folder(environ)
    notes: list[str] = []
    given = _known(parse(text), notes, "the connection string")
    service = given.pop("service", "") or environ.get("PGSERVICE", "")
    if service:
        found = _known(
            read_service(service, environ, home, given.get("servicefile", "")), notes, f"service {service}"
        )
        given = {**found, **given}
    for name, variable in ENVIRONMENT.items():
        if name not in given and environ.get(variable):
            given.update(_known({name: environ[variable]}, notes, variable))
    return _parameters(given, environ, home, notes)


def home_folder(environ: Mapping[str, str]) -> Path:
    """The user's home as libpq sees it: HOME, else the password database."""
    if environ.get("HOME"):
        return Path(environ["HOME"])
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/nonexistent")


def parse(text: str) -> dict[str, str]:
    """A URL or a key/value string as its parameters, names in libpq's spelling. Raises UsageError."""
    text = text.strip()
    if text.startswith("jdbc:"):
        raise UsageError(
            "that is a JDBC URL", "leave out the jdbc: in front, and put user= into postgresql://USER@HOST/DB"
        )
    if re.match(r"postgres(ql)?://", text):
        return _parse_url(text)
    if re.match(r"[a-z][a-z0-9+.-]*://", text):
        raise UsageError(
            f"{text.split(':', 1)[0]}:// is not PostgreSQL's", "use postgresql://USER@HOST:PORT/DATABASE"
        )
    return _parse_pairs(text)


def _parse_url(text: str) -> dict[str, str]:
    rest = text.split("://", 1)[1]
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    if "@" in path or (
        not credentials and re.search(r":[^,\]]*[^0-9,\]:]", re.sub(r"\[[^\]]*\]", "", hosts))
    ):
        raise UsageError(
            "the URL cannot be read", "write @ : / ? # in a user name or password as %40 %3A %2F %3F %23"
        )
    found: dict[str, str] = {}
    user, _, password = credentials.partition(":")
    names = [_split_host(host) for host in hosts.split(",")]
    parts = {
        "user": _decode(user, "user"),
        "password": _decode(password, "password"),
        "dbname": _decode(path, "database"),
        "host": ",".join(_decode(host, "host") for host, _ in names),
        "port": ",".join(port for _, port in names) if any(port for _, port in names) else "",
    }
    found.update({name: value for name, value in parts.items() if value})
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        name = _decode(name, "parameter")
        if not equals:
            raise UsageError(f"the URL's parameter {name!r} has no value", f"write {name}=VALUE")
        if name == "ssl":
            name, value = "sslmode", {"true": "require"}.get(value, value)
        found[name] = _decode(value, name)
    return found


def _decode(text: str, what: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text) or "%00" in text:
        raise UsageError(f"the {what} in the URL holds a % that is no encoding", "write % as %25")
    return unquote(text)


def _split_host(text: str) -> tuple[str, str]:
    """A host of a URL and its port. Raises UsageError."""
    match = re.fullmatch(r"\[([^\]]*)\](?::(\d*))?|([^:\[\]]*)(?::(\d*))?", text)
    if match is None:
        raise UsageError("the URL's host cannot be read", "write HOST:PORT, an IPv6 address as [::1]:5432")
    return match[1] or match[3] or "", match[2] or match[4] or ""


_PAIR = re.compile(
    r"\s*([A-Za-z_][A-Za-z_0-9]*)\s*=\s*(?:'((?:[^'\\]|\\.)*)'(?=\s|$)|((?:[^'\\\s]|\\.)(?:[^\\\s]|\\.)*)?)\s*",
    re.S,
)


def _parse_pairs(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            after = f" after {list(found)[-1]}" if found else ""
            raise UsageError(
                f"the connection string cannot be read{after}", "write host=… dbname='…' user=…, or a URL"
            )
        value = match[2] if match[2] is not None else match[3] or ""
        found[match[1]] = re.sub(r"\\(.)", r"\1", value, flags=re.S)
        position = match.end()
    return found


def _known(given: Mapping[str, str], notes: list[str], where: str) -> dict[str, str]:
    """What is mapped; notes for what is left out; UsageError for what is refused or unknown."""
    kept: dict[str, str] = {}
    for name, value in given.items():
        lower = name.lower()
        if name in MAPPED:
            kept[name] = value
        elif name in REFUSED:
            if value and not (name == "replication" and value.lower() in ("false", "off", "no", "0")):
                raise UsageError(f"{name} in {where} cannot be used", REFUSED[name])
        elif lower in IGNORED:
            notes.append(f"{name} in {where} is ignored: {IGNORED[lower]}")
        else:
            raise UsageError(
                f"{where} holds an unknown parameter {name!r}",
                "libpq's parameters are known, misspelt ones not",
            )
    return kept


def _parameters(
    given: dict[str, str], environ: Mapping[str, str], home: Path, notes: list[str]
) -> Parameters:
    user = given.get("user") or _os_user()
    tls = _tls(given, home, notes)
    session = _choice(given, "target_session_attrs", SESSION_ATTRIBUTES, "any")
    if given.get("gssencmode") == "require":
        raise UsageError(
            "gssencmode=require cannot be used", "the driver has no GSSAPI encryption; use sslmode"
        )
    password = given.get("password")
    return Parameters(
        addresses=_addresses(given),
        user=user,
        database=given.get("dbname") or user,
        password=Secret(password) if password else None,
        passfile=Path(given.get("passfile") or home / ".pgpass"),
        tls=tls,
        keep_alive=KeepAlive(
            on=_number(given, "keepalives", 1) != 0,
            idle=_number(given, "keepalives_idle", None) or None,
            interval=_number(given, "keepalives_interval", None) or None,
            count=_number(given, "keepalives_count", None) or None,
            user_timeout=_number(given, "tcp_user_timeout", None) or None,
        ),
        options=given.get("options", ""),
        session=session,
        shuffle=_choice(given, "load_balance_hosts", ("disable", "random"), "disable") == "random",
        connect_timeout=_connect_timeout(given),
        kerberos_service=given.get("krbsrvname", ""),
        notes=tuple(notes),
    )


def _connect_timeout(given: Mapping[str, str]) -> float:
    """libpq's connect_timeout, at least 2 s as there; what waits for ever in libpq waits 30 s here."""
    seconds = _number(given, "connect_timeout", None)
    if seconds is None:
        return 5.0
    return 30.0 if seconds <= 0 else float(max(seconds, 2))


def _tls(given: dict[str, str], home: Path, notes: list[str]) -> Tls:
    mode = given.get("sslmode", "")
    if mode == "no-verify":
        mode = "require"
        notes.append("sslmode=no-verify is read as require")
    if not mode:
        mode = "require" if given.get("requiressl") == "1" else "prefer"
    root = given.get("sslrootcert", "")
    if root == "system":
        if "sslmode" in given and mode != "verify-full":
            raise UsageError(
                "sslrootcert=system needs sslmode=verify-full", f"sslmode={mode} would be weaker"
            )
        mode = "verify-full"
    if mode not in SSL_MODES:
        raise UsageError(f"sslmode={mode} is unknown", "use one of " + ", ".join(SSL_MODES))
    direct = _choice(given, "sslnegotiation", ("postgres", "direct"), "postgres") == "direct"
    if direct and SSL_MODES.index(mode) < SSL_MODES.index("require"):
        raise UsageError(
            "sslnegotiation=direct needs sslmode=require or stronger", f"sslmode={mode} may go without TLS"
        )
    if _choice(given, "channel_binding", ("disable", "prefer", "require"), "prefer") == "require":
        if mode == "disable":
            raise UsageError("channel_binding=require needs TLS", "leave out sslmode=disable")
        mode = "require" if mode in ("allow", "prefer") else mode
        notes.append(
            "channel_binding=require is kept as sslmode=require or stronger: the driver cannot bind channels"
        )
    folder = home / ".postgresql"
    return Tls(
        mode=mode,
        direct=direct,
        root=root or _existing(folder / "root.crt"),
        certificate=given.get("sslcert") or _existing(folder / "postgresql.crt"),
        key=given.get("sslkey") or _existing(folder / "postgresql.key"),
        key_password=Secret(given["sslpassword"]) if given.get("sslpassword") else None,
        send_certificate=_choice(given, "sslcertmode", ("disable", "allow", "require"), "allow") != "disable",
        revoked=given.get("sslcrl") or _existing(folder / "root.crl"),
        revoked_folder=given.get("sslcrldir", ""),
        server_name=given.get("sslsni", "1") != "0",
        lowest=given.get("ssl_min_protocol_version", "TLSv1.2"),
        highest=given.get("ssl_max_protocol_version", ""),
    )


def _existing(path: Path) -> str:
    return str(path) if path.is_file() else ""


def _addresses(given: Mapping[str, str]) -> tuple[Address, ...]:
    hosts = given.get("host", "").split(",")
    addresses = given.get("hostaddr", "").split(",")
    count = max(len(hosts), len(addresses))
    if given.get("host") and given.get("hostaddr") and len(hosts) != len(addresses):
        raise UsageError(f"{len(hosts)} hosts stand against {len(addresses)} hostaddr", "give one for each")
    hosts += [""] * (count - len(hosts))
    addresses += [""] * (count - len(addresses))
    ports = given.get("port", "").split(",")
    if len(ports) == 1:
        ports *= count
    if len(ports) != count:
        raise UsageError(
            f"{len(ports)} ports stand against {count} hosts", "give one port, or one for each host"
        )
    return tuple(
        _address(host, hostaddr, _port(port))
        for host, hostaddr, port in zip(hosts, addresses, ports, strict=True)
    )


def _address(host: str, hostaddr: str, port: int) -> Address:
    if host or hostaddr:
        return Address(host, port, hostaddr)
    for folder in SOCKET_FOLDERS:
        if Path(folder, f".s.PGSQL.{port}").exists():
            return Address(folder, port)
    return Address("localhost", port)


def _port(text: str) -> int:
    if not text:
        return 5432
    if not re.fullmatch(r"\s*\d{1,5}\s*", text) or not 1 <= int(text) <= 65535:
        raise UsageError("the port is not a number from 1 to 65535", "write HOST:PORT")
    return int(text)


def _number(given: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = given.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\s*-?\d{1,9}\s*", text):
        raise UsageError(f"{name} is not a whole number", f"write {name}=10")
    return int(text)


def _choice(given: Mapping[str, str], name: str, values: tuple[str, ...], default: str) -> str:
    value = given.get(name) or default
    if value not in values:
        raise UsageError(f"{name}={value} is unknown", "use one of " + ", ".join(values))
    return value


def _os_user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise UsageError(
            "the operating system knows no name for this user", "give a user in the URL or PGUSER"
        ) from None
