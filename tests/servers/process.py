"""One server process: started as an unprivileged user, ended by its pid whatever happens to the tests."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.servers.places import as_unprivileged

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something takes connections at a port of 127.0.0.1."""
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class ServerFailed(Exception):
    """A server ended, or did not answer in time. The message ends with the tail of its log."""


class Process:
    """A child process with its log in a file. `quit_signal` is the one that ends it at once."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        cwd: Path,
        quit_signal: signal.Signals = signal.SIGTERM,
        env: dict[str, str] | None = None,
    ) -> None:
        self.log = log
        self._quit = quit_signal
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [str(a) for a in argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=env,
                start_new_session=True,  # a Ctrl-C is for the tests, which then end it in order
                preexec_fn=self._die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
                **as_unprivileged(),  # type: ignore[call-overload]
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def _die_with_parent(self) -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, self._quit.value)

    def alive(self) -> bool:
        return self._popen.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float = 90.0) -> None:
        """Poll until the server is ready. Raises ServerFailed."""
        end = time.monotonic() + timeout
        while not ready():
            if not self.alive():
                raise ServerFailed(f"the server ended with {self._popen.returncode}:\n{self.tail()}")
            if time.monotonic() > end:
                raise ServerFailed(f"the server was not ready after {timeout:g} s:\n{self.tail()}")
            time.sleep(0.01)

    def tail(self, size: int = 2000) -> str:
        return self.log.read_bytes()[-size:].decode(errors="replace")

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server and its children accept and never answer while this is open."""
        pids = [self.pid, *descendants(self.pid)]
        send(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            send([self.pid, *descendants(self.pid)], signal.SIGCONT)

    def stop(self, timeout: float = 10.0) -> None:
        """End it and wait for the end; a stopped one is woken first."""
        if not self.alive():
            return
        family = [self.pid, *descendants(self.pid)]
        send(family, signal.SIGCONT)
        send([self.pid], self._quit)
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            send([self.pid, *descendants(self.pid)], signal.SIGKILL)
            self._popen.wait()


def send(pids: Sequence[int], what: signal.Signals) -> None:
    """Signal processes that may already be gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def descendants(pid: int) -> list[int]:
    """The processes below `pid`, parents first. Empty where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found[1:]
