"""Finds processes that a run of the tests started and left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from tests.servers.process import descendants, send

# Python's own resource tracker and fork server live as long as the interpreter that started them.
_PYTHONS_OWN = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")


def strays(mark: str, patience: float = 3.0) -> list[str]:
    """Processes that carry `NAME=value` in their environment, or are our children: command lines with pids.

    Those that are just ending get `patience` seconds; what is left then is ended, so that it harms nobody.
    """
    end = time.monotonic() + patience
    while (left := _alive(mark)) and time.monotonic() < end:
        time.sleep(0.05)
    send(list(left), signal.SIGKILL)
    return [f"{pid}: {command}" for pid, command in left.items()]


def _alive(mark: str) -> dict[int, str]:
    children = set(descendants(os.getpid()))
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            pid = int(entry.name)
            if pid != os.getpid() and (pid in children or mark.encode() in (entry / "environ").read_bytes()):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                ended = not command
                if not ended and not any(own in command for own in _PYTHONS_OWN):
                    found[pid] = command.strip()
    return found
