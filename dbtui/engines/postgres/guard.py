"""What a process needs that guards an embedded server: it ends when whoever started it is gone, in whatever way.

Such a process lives as long as its standard input is open, and says lines of JSON on its standard output, so that
a quit, Ctrl-C, a hang-up and a SIGKILL of the console all end the server and remove its folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

_REMOVING = 3.0  # seconds
_BASE_LIMIT = 60  # bytes of a temporary folder's path that leave room for the socket's


def begin() -> None:
    """Make what is written private, and turn the end of standard input or of the parent into SIGTERM, an exit."""
    os.umask(0o077)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()


def say(**values: object) -> None:
    """A line of JSON for the parent."""
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more, which the watcher has noticed
        os.write(1, json.dumps(values).encode() + b"\n")


def new_folder(prefix: str) -> Path:
    """A new private folder in the system's temporary one, which the server's account can enter."""
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) > _BASE_LIMIT or (os.geteuid() == 0 and not _open_to_others(Path(base))):
        base = "/tmp"  # noqa: S108 - mkdtemp makes it private
    return Path(tempfile.mkdtemp(prefix=prefix, dir=base))


def remove(folder: Path) -> None:
    """Remove a folder, also when what was just ended still writes into it for a moment."""
    end = time.monotonic() + _REMOVING
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        if folder.exists():
            time.sleep(0.05)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once: what follows is the clearing away
    raise SystemExit(0)


def _watch_parent(parent: int) -> None:
    """Ask for the end when standard input is closed, or the parent is gone and left a copy of it open."""

    def poll() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=poll, daemon=True).start()
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _open_to_others(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.resolve().parents))
