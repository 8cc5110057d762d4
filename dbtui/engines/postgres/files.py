"""The files that libpq reads: pg_service.conf and .pgpass.

Reference: https://www.postgresql.org/docs/18/libpq-pgservice.html and libpq-pgpass.html.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from dbtui.config import Secret
from dbtui.errors import ConfigError

SOCKET_FOLDERS = ("/var/run/postgresql", "/run/postgresql", "/tmp")  # noqa: S108 - where servers put sockets


def read_service(name: str, environ: Mapping[str, str], home: Path, file: str = "") -> dict[str, str]:
    """A section of pg_service.conf: the user's own file, then the system's. Raises ConfigError."""
    own = file or environ.get("PGSERVICEFILE", "")
    if own and not Path(own).is_file():
        raise ConfigError(f"the service file {own} cannot be found", "set PGSERVICEFILE to a file")
    for path in service_files(environ, home, file):
        section = services(path).get(name)
        if section is not None:
            return section
    raise ConfigError(f"there is no service {name}", f"define [{name}] in ~/.pg_service.conf")


def service_files(environ: Mapping[str, str], home: Path, file: str = "") -> list[Path]:
    """The service files that exist, in the order in which they are asked."""
    own = Path(file or environ.get("PGSERVICEFILE") or home / ".pg_service.conf")
    folder = environ.get("PGSYSCONFDIR")
    shared = [Path(folder)] if folder else [Path("/etc/postgresql-common"), Path("/etc")]
    return [path for path in (own, *(place / "pg_service.conf" for place in shared)) if path.is_file()]


def services(path: Path) -> dict[str, dict[str, str]]:
    """All sections of a service file. Raises ConfigError with the line that cannot be read."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read", type(error).__name__) from None
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        header = re.fullmatch(r"\[(.*)\]", line)
        if header:
            section = found.setdefault(header[1], {})
            continue
        name, equals, value = line.partition("=")
        if not equals or name.strip() == "service":
            raise ConfigError(f"{path} cannot be read at line {number}", "write name=value below a [section]")
        section.setdefault(name.strip(), value.strip())
    return found


def stored_password(file: Path, host: str, port: int, database: str, user: str) -> tuple[Secret | None, str]:
    """The first matching password of a password file, and a note where the file had to be left alone.

    As libpq: fields are host:port:database:user:password with \\ escaping : and itself, * matches all, the
    default socket folder is called localhost, and a file that group or others may reach is not used.
    """
    try:
        state = file.stat()
    except OSError:
        return None, ""
    if not stat.S_ISREG(state.st_mode):
        return None, f"{file} is not a plain file and was not used"
    if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return None, f"{file} may be read by others and was not used: chmod 0600 {file}"
    wanted = ("localhost" if host in SOCKET_FOLDERS else host, str(port), database, user)
    try:
        lines = file.read_bytes().decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")
    except OSError as error:
        return None, f"{file} cannot be read: {error.strerror}"
    for line in lines:
        fields = _FIELD.findall(line)
        if line.startswith("#") or len(fields) < 5:
            continue
        if all(field == "*" or _plain(field) == value for field, value in zip(fields, wanted, strict=False)):
            return Secret(_plain(":".join(fields[4:5]))), ""
    return None, ""


_FIELD = re.compile(r"(?:^|:)((?:[^:\\]|\\.|\\$)*)")


def _plain(field: str) -> str:
    return re.sub(r"\\(.)", r"\1", field)
