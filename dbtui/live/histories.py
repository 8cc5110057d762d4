"""The histories that consoles leave behind, in the state folder: 0600, for a week, and not too many."""

from __future__ import annotations

import contextlib
import os
import re
import time
from pathlib import Path

from dbtui import policy
from dbtui.config import state_folder
from dbtui.errors import Forbidden, InputError
from dbtui.live.recorder import KEEP, RecordingFile
from dbtui.live.tape import Tape, read

MOST, MOST_BYTES = 20, 256 << 20  # histories that are kept: the newest
SUFFIX = ".dbtui"
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9.-]+")


def folder() -> Path:
    """Where they are."""
    return state_folder() / "histories"


def save(tape: Tape) -> Path | None:
    """Write a history; None where there is nothing to save or an administrator forbids it. Raises OSError."""
    if not len(tape):
        return None
    try:
        policy.current().refuse(policy.Feature.RECORDING)
    except Forbidden:
        return None
    place = folder()
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    prune()
    file = RecordingFile(_free(place, tape), tape.header)
    try:
        for member in tape.members:
            if not file.add(member):
                break  # what fits is whole up to here
    finally:
        file.close()
    return file.path


def _free(place: Path, tape: Tape) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(tape.times[-1]))
    name = _NOT_IN_A_NAME.sub("-", tape.header.server).strip("-.")[:60] or "server"
    return place / f"{stamp}-{name}-{os.getpid()}-{id(tape):x}{SUFFIX}"


def newest() -> Path:
    """The history that was saved last. Raises InputError where there is none."""
    prune()
    found = _saved()
    if not found:
        raise InputError(
            "no history is saved", "a console saves its last half hour when it is left, closed or crashes"
        )
    return found[0]


def prune(now: float | None = None) -> None:
    """Remove what has expired, and of the others all but the newest."""
    now = time.time() if now is None else now
    total = 0
    for number, path in enumerate(_saved()):
        with contextlib.suppress(OSError):
            state = path.stat()
            total += state.st_size
            if number >= MOST or total > MOST_BYTES or state.st_mtime < now - KEEP:
                path.unlink()


def _saved() -> list[Path]:
    """Those that are there, the newest first."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder().glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]


def opened(path: Path, now: float | None = None) -> Tape:
    """A recording to be looked at. Raises InputError, also for one that has expired."""
    try:
        tape = read(path)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    expires = tape.header.expires
    if expires is not None and expires < (time.time() if now is None else now):
        raise InputError(
            f"{path.name} expired on {time.strftime('%Y-%m-%d', time.localtime(expires))}",
            "remove it: it was not meant to be kept longer",
        )
    return tape
