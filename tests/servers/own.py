"""What every server of the tests has: a folder of its own, and processes that end with the `with` block."""

from __future__ import annotations

import contextlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.places import private_folder
from tests.servers.process import Process, ServerFailed, free_port


class OwnServer(ABC):
    """`with …Server() as server: …`; raises ServerFailed, and skips or fails where the programs are missing."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._processes: list[Process] = []  # in the order of their start
        self.home = Path()  # of mode 0700, owned by the servers' user; removed at the end

    @abstractmethod
    def _require(self) -> None:
        """Skip, or fail where it is required, when something is not on this machine."""

    @abstractmethod
    def _start(self) -> None:
        """Start it in `home`; each process goes through `_run`."""

    def __enter__(self) -> Self:
        self._require()
        self.home = private_folder(self._name)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, process: Process, ready: Callable[[], bool]) -> None:
        """Wait until a process that was just started is ready, and end it with the server."""
        self._processes.append(process)
        process.wait_until(ready)

    @property
    def process(self) -> Process:
        """The one that clients speak to."""
        assert self._processes, "the server runs inside `with`"
        return self._processes[-1]

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server still accepts, and answers nothing, while this is open."""
        with self.process.stalled():
            yield

    def end(self) -> None:
        """End its processes at once, the newest first; the folder stays."""
        while self._processes:
            self._processes.pop().stop()

    def stop(self) -> None:
        """End it and remove its folder; a second call does nothing."""
        self.end()
        shutil.rmtree(self.home, ignore_errors=True)


def on_a_free_port(launch: Callable[[int], None], tries: int = 3) -> int:
    """Launch on a port that is free; on another one when somebody took it between our look and the server's."""
    for left in reversed(range(tries)):
        port = free_port()
        try:
            launch(port)
        except ServerFailed as problem:
            if not left or "Address already in use" not in str(problem):
                raise
        else:
            return port
    raise AssertionError("the last try returns or raises")
