"""Where files live, what a connection is, and how one is found: by name, by URL, or in the environment."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from platformdirs import user_config_path, user_state_path

from dbtui.dotenv import read_env
from dbtui.errors import ConfigError, UsageError
from dbtui.model.server import Environment
from dbtui.secrets import PasswordSource, Secret, from_command, from_keyring, hide_argument, known
from dbtui.urls import normal, scheme_of, short_name, split_secret

__all__ = ["PasswordSource", "Secret"]

_LIBPQ = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE")


@dataclass(frozen=True, slots=True)
class Target:
    """A server to connect to: what a URL or a saved connection says, without any secret in its text."""

    name: str  # the saved name, else a short form of the URL without a password
    scheme: str
    url: str  # without a password
    environment: Environment = Environment.PRODUCTION
    colour: str = ""
    read_only: bool = True
    ssh: str = ""  # host or alias for the system's ssh
    tags: tuple[str, ...] = ()
    password: PasswordSource | None = field(default=None, repr=False)  # asked at every connect
    prompt: PasswordSource | None = field(default=None, repr=False)  # asked when the server wants more
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Saved:
    """One table of connections.toml. `environment` None is not stated, and counts as production."""

    name: str
    url: str
    environment: Environment | None = None
    colour: str = ""
    read_only: bool = True
    password_command: str | tuple[str, ...] = ""
    keyring: bool = False
    ssh: str = ""
    tags: tuple[str, ...] = ()

    def target(self, file: Path) -> Target:
        """What to connect to. A password command runs only if no other may write `file`."""
        source: PasswordSource | None = None
        if self.password_command:
            source = from_command(self.password_command, file, self.name)
        elif self.keyring:
            source = from_keyring(self.name)
        return Target(
            name=self.name,
            scheme=scheme_of(self.url),
            url=normal(self.url),
            environment=self.environment or Environment.PRODUCTION,
            colour=self.colour,
            read_only=self.read_only,
            ssh=self.ssh,
            tags=self.tags,
            password=source,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that the picker can offer, and where it was found: "saved", "DATABASE_URL", "service", …"""

    target: Target
    origin: str


def config_folder() -> Path:
    """The folder of connections.toml, keymap and themes."""
    return user_config_path("dbtui")


def state_folder() -> Path:
    """The folder of the audit file and of histories."""
    return user_state_path("dbtui")


def connections_file() -> Path:
    return config_folder() / "connections.toml"


# ---- saved connections


def load_connections() -> dict[str, Target]:
    """The saved connections by name, in the file's order. Raises ConfigError with what has to change."""
    return {name: saved.target(connections_file()) for name, saved in read_saved().items()}


def read_saved() -> dict[str, Saved]:
    """The tables of connections.toml as they stand; none without the file. Raises ConfigError."""
    file = connections_file()
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file} cannot be read", str(error.strerror)) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        where = re.search(r"\(at .*\)$", str(error))
        raise ConfigError(
            f"{file} is not TOML {where[0] if where else ''}".rstrip(), "mend that line"
        ) from None
    return {name: _saved(name, table, file) for name, table in tables.items()}


_KINDS: Mapping[str, tuple[type, ...]] = {
    "url": (str,),
    "environment": (str,),
    "colour": (str,),
    "read_only": (bool,),
    "password_command": (str, list),
    "keyring": (bool,),
    "ssh": (str,),
    "tags": (list,),
}


def _saved(name: str, table: object, file: Path) -> Saved:
    where = f"[{name}] in {file}"
    if not isinstance(table, dict):
        raise ConfigError(f"{name} in {file} stands outside a table", 'write [NAME] above url = "…"')
    for key, value in table.items():
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, 1)
            hint = f"did you mean {near[0]}?" if near else "it knows " + ", ".join(_KINDS)
            raise ConfigError(f"{where} holds an unknown key {key!r}", hint)
        wrong_items = isinstance(value, list) and not all(isinstance(item, str) for item in value)
        if not isinstance(value, _KINDS[key]) or wrong_items:
            raise ConfigError(f"{key} of {where} has the wrong type", f"it is {_KINDS[key][0].__name__}")
    if not table.get("url"):
        raise ConfigError(f"{where} has no url", 'write url = "postgresql://USER@HOST/DATABASE"')
    try:
        url, secret = split_secret(table["url"])
    except UsageError as error:
        raise ConfigError(f"the url of {where} cannot be used: {error.message}", error.hint) from None
    if secret is not None:
        raise ConfigError(
            f"the url of {where} holds a password", "take it out; give password_command or keyring"
        )
    command = table.get("password_command", "")
    return Saved(
        name=name,
        url=url,
        environment=_environment(table.get("environment", ""), where),
        colour=table.get("colour", ""),
        read_only=table.get("read_only", True),
        password_command=tuple(command) if isinstance(command, list) else command,
        keyring=table.get("keyring", False),
        ssh=table.get("ssh", ""),
        tags=tuple(table.get("tags", ())),
    )


def _environment(text: str, where: str) -> Environment | None:
    if not text:
        return None
    try:
        return Environment(text.lower())
    except ValueError:
        known_ones = ", ".join(Environment)
        raise ConfigError(f"environment {text!r} of {where} is unknown", f"use one of {known_ones}") from None


def save(saved: Saved) -> None:
    """Write one connection; the others, comments and order stay. Raises ConfigError."""
    if not saved.name or not saved.name.isprintable():
        raise ConfigError("a connection needs a name that can be printed", "give it one")
    if split_secret(saved.url)[1] is not None:
        raise ConfigError(
            f"the url of {saved.name} holds a password", "save it to the keyring, or give password_command"
        )
    tables = read_saved() | {saved.name: saved}
    _write(tables, saved.name, _table(saved))


def remove(name: str) -> bool:
    """Take one connection out of the file; whether it was there. Raises ConfigError."""
    tables = read_saved()
    if tables.pop(name, None) is None:
        return False
    _write(tables, name, "")
    return True


def _table(saved: Saved) -> str:
    plain = re.fullmatch(r"[A-Za-z0-9_-]+", saved.name)
    command = saved.password_command
    values: dict[str, Any] = {
        "url": saved.url,
        "environment": saved.environment.value if saved.environment else "",
        "colour": saved.colour,
        "read_only": saved.read_only,
        "password_command": command if isinstance(command, str) else list(command),
        "keyring": saved.keyring,
        "ssh": saved.ssh,
        "tags": list(saved.tags),
    }
    lines = [f"[{saved.name if plain else _toml(saved.name)}]"]
    lines += [f"{key} = {_toml(value)}" for key, value in values.items() if value or (key == "read_only")]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(tables: Mapping[str, Saved], changed: str, table: str) -> None:
    file = connections_file()
    with contextlib.suppress(FileNotFoundError):
        old = file.read_text("utf-8")
        text = _replaced(old, changed, table)
        if _same(text, tables):
            _put(file, text)
            return
    _put(file, "\n".join(_table(saved) for saved in tables.values()))


def _same(text: str, tables: Mapping[str, Saved]) -> bool:
    """Whether a text edited by lines says what it should: part of a long value may look like a table."""
    try:
        found = {name: _saved(name, table, connections_file()) for name, table in tomllib.loads(text).items()}
    except (tomllib.TOMLDecodeError, ConfigError):
        return False
    return found == dict(tables)


def _replaced(text: str, name: str, table: str) -> str:
    lines, kept, inside, done = text.splitlines(keepends=True), [], False, False
    for line in lines:
        header = _header(line)
        if header is not None:
            inside = header == name
            if inside and not done:
                kept.append(table + "\n" if table else "")
                done = True
        if not inside or (line.startswith("#") and header is None):
            kept.append(line)
    if not done and table:
        kept.append(("" if not text or text.endswith("\n") else "\n") + ("\n" if text else "") + table)
    return "".join(kept)


def _header(line: str) -> str | None:
    if not line.lstrip().startswith("["):
        return None
    try:
        (name,) = tomllib.loads(line)
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    return name


def _put(file: Path, text: str) -> None:
    """Replace a file in one step; mode 0600 in a folder of mode 0700."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=file.name)  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as out:
                out.write(text)
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).replace(file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{file} cannot be written", str(error.strerror)) from None


# ---- finding one


def resolve(
    argument: str | None, *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Target:
    """What the command line means: a saved name, a URL, the path of a SQLite file, or nothing and then what the
    environment says.

    Without an argument libpq's variables come first, then DATABASE_URL, then that of a .env file in `cwd`.
    A password in the argument is taken out at once, of the process list too. Raises UsageError, ConfigError.
    """
    environ = os.environ if environ is None else environ
    if argument is None:
        found = _surroundings(environ, cwd or Path.cwd())
        if not found:
            raise UsageError(
                "no connection was given", "dbtui URL, dbtui NAME, or set PGHOST or DATABASE_URL"
            )
        return found[0].target
    if "://" in argument or argument.startswith("jdbc:") or re.match(r"\s*[A-Za-z_]+\s*=", argument):
        clean, secret = split_secret(argument)
        if secret is not None:
            hide_argument(argument, clean)
        return _from_url(clean, secret, environ)
    saved = load_connections()
    if argument in saved:
        return saved[argument]
    if os.path.isfile(argument):  # noqa: PTH113 - Path.is_file() raises on a name that is too long
        return _from_url("sqlite:///" + quote(str(Path(argument).absolute())), None, environ, argument)
    near = difflib.get_close_matches(argument, saved, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "give a URL, or the name of a saved connection"
    raise UsageError(f"there is no connection {argument!r}", hint)


def _from_url(url: str, secret: Secret | None, environ: Mapping[str, str], name: str = "") -> Target:
    stated = environ.get("DBTUI_ENVIRONMENT", "")
    return Target(
        name=name or short_name(url),
        scheme=scheme_of(url),
        url=normal(url),
        environment=_environment(stated, "DBTUI_ENVIRONMENT") or Environment.PRODUCTION,
        password=known(secret) if secret is not None else None,
    )


_ANNOUNCED: list[Candidate] = []


def announce(targets: Iterable[Target]) -> None:
    """Let `discover` find servers that only this run knows: those of its demo."""
    _ANNOUNCED[:] = [Candidate(target, "demo") for target in targets]


def discover(
    *, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> tuple[list[Candidate], list[str]]:
    """What can be connected to without typing a URL, and a sentence for each file that cannot be used.

    Saved connections come first, then libpq's variables, DATABASE_URL, .env, and services of libpq's files.
    """
    environ = os.environ if environ is None else environ
    found: list[Candidate] = list(_ANNOUNCED)
    troubles: list[str] = []
    try:
        found += [Candidate(target, "saved") for target in load_connections().values()]
    except ConfigError as error:
        troubles.append(str(error))
    try:
        found += _surroundings(environ, cwd or Path.cwd())
    except (UsageError, ConfigError) as error:
        troubles.append(str(error))
    for service in _services(environ):
        found.append(
            Candidate(_from_url(f"postgresql:///?service={service}", None, environ, service), "service")
        )
    return found, troubles


def _surroundings(environ: Mapping[str, str], cwd: Path) -> list[Candidate]:
    found: list[Candidate] = []
    if any(environ.get(name) for name in _LIBPQ):
        host = environ.get("PGSERVICE") or environ.get("PGHOST") or environ.get("PGHOSTADDR") or "local"
        name = "/".join(filter(None, (host, environ.get("PGDATABASE"))))
        found.append(Candidate(_from_url("postgresql://", None, environ, name), "PGHOST"))
    for origin, values in (("DATABASE_URL", environ), (".env", read_env(cwd / ".env", environ))):
        if values.get("DATABASE_URL"):
            try:
                clean, secret = split_secret(values["DATABASE_URL"])
            except UsageError as error:
                raise UsageError(
                    f"DATABASE_URL ({origin}) cannot be used: {error.message}", error.hint
                ) from None
            found.append(Candidate(_from_url(clean, secret, environ), origin))
    return found


def _services(environ: Mapping[str, str]) -> list[str]:
    own = environ.get("PGSERVICEFILE") or Path(environ.get("HOME") or "/nonexistent", ".pg_service.conf")
    shared = environ.get("PGSYSCONFDIR") or "/etc/postgresql-common"
    names: list[str] = []
    for file in (Path(own), Path(shared, "pg_service.conf")):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            names += re.findall(r"(?m)^\s*\[([^\]\n]+)\]\s*$", file.read_text("utf-8"))
    return list(dict.fromkeys(names))
