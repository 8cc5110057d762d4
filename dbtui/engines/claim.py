"""One runner at a time on this machine, by a lock on a file: for servers whose locks do not outlive a command."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import time
from pathlib import Path

from dbtui.config import state_folder
from dbtui.errors import ConnectError

_POLL = 0.2  # seconds between two tries


def claim_of(identity: str) -> FileClaim:
    """The claim on a server, beside the journals that are kept here for such servers."""
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    return FileClaim(state_folder() / "journals" / f"{name}.lock", "server")


class FileClaim:
    """A locked file, which is removed afterwards. `what` names what the plan is run on: "file", "server"."""

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._handle: int | None = None

    async def seize(self, *, patience: float) -> str:
        """Lock it: "" when done, else who has, after `patience` seconds. Raises ConnectError."""
        if self._handle is not None:
            return ""
        until = time.monotonic() + patience
        while True:
            holder = self._try()
            if not holder or time.monotonic() >= until:
                return holder
            await asyncio.sleep(_POLL)

    def _try(self) -> str:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConnectError(f"{self._path} cannot be made", str(error.strerror)) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(handle), self._path.stat()):
                raise FileNotFoundError  # its holder removed it between our two steps
        except OSError:
            held = os.read(handle, 32).decode("ascii", "replace").strip()
            os.close(handle)
            return f"process {held or 'unknown'} runs a plan on this {self._what}"
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle
        return ""

    def release(self) -> None:
        """Let it go; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            os.close(handle)
