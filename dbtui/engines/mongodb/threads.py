"""Threads that the interpreter's end does not wait for.

The executors of the standard library are joined at exit, so that one call to a dead server holds up leaving until
its time-out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class DaemonThreads(Executor):
    """Runs calls in at most `most` daemon threads, made as they are needed."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._guard = threading.Lock()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Queue a call; a thread takes it as soon as one is free."""
        future: Future[_T] = Future()
        self._jobs.put((future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False):
            with self._guard:
                if self._threads < self._most:
                    self._threads += 1
                    threading.Thread(target=self._work, name="mongodb", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, job = self._jobs.get()
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(job())
                except BaseException as error:  # noqa: BLE001 - handed to whoever waits, as executors do
                    future.set_exception(error)
            del future, job
            self._idle.release()
