"""Which file a URL means, and whether it can be one.

A database file is never opened here, only asked for: closing any descriptor of a file drops all locks that this
process holds on it, those of an open SQLite connection too.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from dbtui.errors import ConnectError, UsageError

Identity = tuple[int, int]  # device and inode

_FORMS = "write sqlite:////absolute/path.db or sqlite:///relative.db"


@dataclass(frozen=True, slots=True)
class Place:
    """The files of a database. `path` is absolute, with links resolved."""

    path: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return Path(self.path).name

    @property
    def wal(self) -> str:
        return self.path + "-wal"

    @property
    def shm(self) -> str:
        return self.path + "-shm"

    def uri(self, mode: str) -> str:
        """What SQLite opens; `mode` is "ro" or "rw", neither of which makes a new file."""
        return f"file:{quote(self.path)}?mode={mode}"


def place_of(url: str) -> Place:
    """The file of a URL, relative to the current folder with three slashes. Raises UsageError."""
    _, _, rest = url.partition("://")
    path, _, query = rest.partition("?")
    if path and not path.startswith("/"):
        raise UsageError(f"sqlite://{path} names a host, and SQLite has none", _FORMS)
    name = unquote(path[1:])
    if not name or name == ":memory:":
        raise UsageError("a database in memory belongs to one process alone", _FORMS)
    if "\0" in name:
        raise UsageError("a file name cannot hold a NUL", _FORMS)
    given = sorted(filter(None, (pair.partition("=")[0] for pair in query.split("&"))))
    if "immutable" in given:
        raise UsageError(
            "immutable=1 reads wrong rows as soon as somebody writes",
            "leave it out: the file is opened read-only",
        )
    notes = (f"not heeded in the URL: {', '.join(given)}",) if given else ()
    return Place(os.path.realpath(name), notes)


def identity_of(path: str) -> Identity | None:
    """Which file stands at a path now; None for none."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


def size_of(path: str) -> int | None:
    """Bytes of a file; None where there is none."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return None


def may(path: str, mode: int) -> bool:
    """Whether this process may do what `mode` says (os.R_OK, os.W_OK) with a file or folder."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def check(place: Place) -> None:
    """Raise ConnectError when there is no file at the place that this user may read."""
    try:
        found = Path(place.path).stat()
    except FileNotFoundError:
        raise ConnectError(
            f"there is no file {place.path}", "a database is not made by looking at it"
        ) from None
    except PermissionError:
        raise ConnectError(f"the folder of {place.path} may not be entered", _who(place.path)) from None
    except OSError as error:
        raise ConnectError(f"{place.path} cannot be looked at", error.strerror or "") from None
    if stat.S_ISDIR(found.st_mode):
        raise ConnectError(f"{place.path} is a folder", "name the file of the database in it")
    if not stat.S_ISREG(found.st_mode):
        raise ConnectError(f"{place.path} is a device or pipe", "name the file of a database")
    if not may(place.path, os.R_OK):
        mode = stat.filemode(found.st_mode)
        raise ConnectError(f"no permission to read {place.path} ({mode})", _who(place.path))


def _who(path: str) -> str:
    folder = Path(path)
    while folder != folder.parent:
        try:
            return f"it belongs to {folder.owner()}: run as that user, or have it opened for yours"
        except (OSError, KeyError):
            folder = folder.parent
    return "run as a user that may read it"
