"""Connection strings of any engine, without looking further into them than a password needs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote

from dbtui.errors import UsageError
from dbtui.secrets import Secret

_SPELLINGS = {"postgres": "postgresql", "postgis": "postgresql", "pgsql": "postgresql", "psql": "postgresql"}
_MEANT = (
    "srv",
    "http",
    "https",
)  # what follows a + and is no driver's name: how the server is found or spoken to
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(.*)", re.S)
_SECRETS = frozenset(
    {"tlscertificatekeyfilepassword", "sslpemkeyfilepassword", "proxypassword", "api_key", "apikey"}
)  # of MongoDB and Elasticsearch
_SESSION_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - the name of one, inside authMechanismProperties
_PAIR = re.compile(
    r"\s*([A-Za-z_]\w*)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*|)(?=\s|$)\s*", re.S
)


def scheme_of(url: str) -> str:
    """The scheme in its usual spelling: postgresql for postgis, postgresql+asyncpg, key=value strings, …"""
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if match is None:
        return "postgresql"
    scheme = match[1].lower().partition("+")[0]
    return _SPELLINGS.get(scheme, scheme)


def normal(url: str) -> str:
    """A URL with its scheme in the usual spelling, and without a driver's name behind it."""
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z0-9+.-]+", scheme):
        return url
    how = scheme.lower().partition("+")[2]
    return f"{scheme_of(url)}{f'+{how}' if how in _MEANT else ''}://{rest}"


def split_secret(url: str) -> tuple[str, Secret | None]:
    """A URL or key=value string without its password, and the password. Raises UsageError, which shows neither."""
    url = url.strip()
    if url.startswith("jdbc:"):
        raise UsageError("that is a JDBC URL", "leave out jdbc: in front, and write USER@ before the host")
    match = _URL.fullmatch(url)
    if match is None:
        return _split_pairs(url)
    scheme, authority, path, query = match.groups()
    credentials, at, hosts = authority.rpartition("@")
    if _is_cut_short(hosts, path, query):
        hint = "write @ : / ? # in a user name or password as %40 %3A %2F %3F %23"
        raise UsageError("the URL cannot be read", hint)
    user, colon, password = credentials.partition(":")
    found = unquote(password) if colon and password else ""
    kept: list[str] = []
    for pair in query.removeprefix("?").split("&"):
        name, _, value = pair.partition("=")
        if name == "sslpassword":
            raise UsageError("sslpassword does not belong into a URL", "put it into ~/.pg_service.conf")
        if name.lower() in _SECRETS or _SESSION_TOKEN in unquote(pair).upper():
            raise UsageError(
                f"{name} holds a secret, and does not belong into a URL", "leave it out of the URL"
            )
        if name == "password":
            found = unquote(value)
        else:
            kept.append(pair)
    rest = "&".join(kept)
    clean = f"{scheme}://{user}{at}{hosts}{path}" + (f"?{rest}" if rest else "")
    return clean, Secret(found) if found else None


def _is_cut_short(hosts: str, path: str, query: str) -> bool:
    """Whether the part before the path is not all of it: a password with / ? or # in it ended it too early."""
    if hosts and "@" in path:
        return True
    if "@" in query and (query.startswith("#") or any("@" in p and "=" not in p for p in query.split("&"))):
        return True
    return any(re.search(r":[^:]*\D", host) for host in re.sub(r"\[[^\]]*\]", "", hosts).split(","))


def _split_pairs(text: str) -> tuple[str, Secret | None]:
    found, kept, at = "", [], 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            raise UsageError(
                "the connection string cannot be read", "write host=… dbname='…' user=…, or a URL"
            )
        name, value = match.groups()
        if name == "sslpassword":
            raise UsageError("sslpassword does not belong here", "put it into ~/.pg_service.conf")
        if name == "password":
            value = value[1:-1] if value.startswith("'") else value
            found = re.sub(r"\\(.)", r"\1", value, flags=re.S)
        else:
            kept.append(match[0].strip())
        at = match.end()
    return " ".join(kept), Secret(found) if found else None


def short_name(url: str) -> str:
    """A URL in a few characters: host and database, or what stands for them; never a password."""
    match = _URL.fullmatch(url)
    if match is None:
        pairs = {pair[1]: pair[2].strip("'") for pair in _PAIR.finditer(url)}
        return (
            "/".join(filter(None, (pairs.get("service") or pairs.get("host"), pairs.get("dbname"))))
            or "postgresql"
        )
    _, authority, path, query = match.groups()
    parameters = dict(pair.split("=", 1) for pair in query.removeprefix("?").split("&") if "=" in pair)
    host = authority.rpartition("@")[2] or parameters.get("service") or parameters.get("host") or ""
    database = path.strip("/") or parameters.get("dbname") or ""
    return unquote("/".join(filter(None, (host, database)))) or scheme_of(url)


def options(query: str, known: Sequence[str]) -> dict[str, str]:
    """What a URL says behind its question mark. Raises UsageError for a name that is not `known`."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    for name in given:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "it knows " + ", ".join(known)
            raise UsageError(f"the URL holds an unknown option {name}", hint)
    return given
