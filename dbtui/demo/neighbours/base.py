"""What the demo's other servers have in common: a folder, processes that end with the demo, a load.

A server is launched step by step, so that the guardian, in whose one thread all processes must start, never waits:
`launch` yields while something is not ready yet.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from platformdirs import user_cache_path

from dbtui.engines.postgres.embedded import Account, clean_environment, tethered
from dbtui.errors import ConnectError

_FAREWELL = 1.0  # seconds for a process to end
_AGAIN = 3.0  # seconds from one start of a load to the next
START_LIMIT = 90.0  # seconds for one step of a start: the machine may be busy
FETCHED = "`make servers` in a checkout of dbtui fetches them"


def fetched() -> Path:
    """Where `make servers` puts what it fetches."""
    base = Path("/var/cache/dbtui") if os.geteuid() == 0 else user_cache_path("dbtui")
    return Path(os.environ.get("DBTUI_TEST_SERVERS") or base / "servers")


class Neighbour(ABC):
    """One other server of the demo, in `folder`, run by `account`."""

    name: ClassVar[str]  # of its connection, behind "demo-"
    product: ClassVar[str]
    how: ClassVar[str] = ""  # what else it needs, or will do, where it is not found

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        self.account = account
        self._processes: dict[str, tuple[subprocess.Popen[bytes], signal.Signals]] = {}
        self._launched = False
        self._again_at = 0.0

    @classmethod
    @abstractmethod
    def available(cls) -> bool:
        """Whether its programs are on this machine."""

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the console finds it, as soon as it is launched."""

    @abstractmethod
    def launch(self) -> Iterator[None]:
        """Make its data where there is none, and start it. Raises ConnectError, OSError."""

    def begin(self) -> Iterator[None]:
        """Launch it; the load follows with `tend`."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.account.take(self.folder)
        yield from self.launch()
        self._launched = True

    def tend(self) -> bool:
        """Start the load where none runs; whether one was started."""
        name = f"{self.name}-load"
        runs = name in self._processes and self._processes[name][0].poll() is None
        if not self._launched or runs or time.monotonic() < self._again_at:
            return False
        self._again_at = time.monotonic() + _AGAIN
        argv = [sys.executable, "-P", "-m", "dbtui.demo.neighbours", self.name, self.url]
        self._start(name, argv, account=Account(), env=dict(os.environ))
        return True

    def pids(self) -> dict[str, int]:
        """Who runs now, by name."""
        return {name: child.pid for name, (child, _) in self._processes.items() if child.poll() is None}

    def stop(self) -> None:
        """End all at once: what is lost is made up."""
        children = list(self._processes.values())
        self._processes.clear()
        for child, quit_signal in reversed(children):
            if child.poll() is None:
                child.send_signal(quit_signal)
        for child, _ in children:
            try:
                child.wait(_FAREWELL)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        quit_signal: signal.Signals = signal.SIGKILL,
        account: Account | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            child = subprocess.Popen(
                tethered([str(part) for part in argv], account or self.account, quit_signal),
                cwd=self.folder,
                env=env or {**clean_environment(), "HOME": str(self.folder), "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes[name] = (child, quit_signal)
        return child

    def _serve(
        self,
        name: str,
        argv: Sequence[str | Path],
        ready: Callable[[], bool],
        *,
        quit_signal: signal.Signals = signal.SIGKILL,
        env: dict[str, str] | None = None,
    ) -> Iterator[None]:
        """Start a server, and wait until it is ready."""
        child = self._start(name, argv, quit_signal=quit_signal, env=env)
        until = time.monotonic() + START_LIMIT
        while not ready():
            if child.poll() is not None or time.monotonic() > until:
                raise ConnectError(f"{self.product} did not start", f"see {self.folder / 'log'}")
            yield

    def _run(self, argv: Sequence[str | Path]) -> Iterator[None]:
        """Run a program to its end."""
        child = self._start("step", argv)
        while child.poll() is None:
            yield
        del self._processes["step"]
        if child.returncode != 0:
            raise ConnectError(f"{Path(str(argv[0])).name} failed", f"see {self.folder / 'log'}")


def listens(path: Path) -> bool:
    """Whether a socket stands at a path."""
    return path.is_socket()
