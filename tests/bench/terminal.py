"""A program in a pseudo-terminal: what it sends, what it shows, and what it costs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from tests.servers.process import descendants, send

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# What a program may ask of its terminal, and a modern terminal's answer.
_ANSWERS: Mapping[bytes, bytes] = {
    rb"\x1b\[6n": b"\x1b[1;1R",
    rb"\x1b\[0?c": b"\x1b[?62;22c",
    rb"\x1b\[>0?c": b"\x1b[>1;10;0c",
    rb"\x1b\[\?2026\$p": b"\x1b[?2026;2$y",
    rb"\x1b\[\?2048\$p": b"\x1b[?2048;0$y",
    rb"\x1b\]11;\?(?:\x07|\x1b\\)": b"\x1b]11;rgb:1010/1010/1010\x1b\\",
    rb"\x1b\]10;\?(?:\x07|\x1b\\)": b"\x1b]10;rgb:e0e0/e0e0/e0e0\x1b\\",
    rb"\x1b\[14t": b"\x1b[4;960;1440t",
    rb"\x1b\[16t": b"\x1b[6;24;12t",
    rb"\x1b\[18t": b"\x1b[8;40;120t",
}
_QUERIES = [(re.compile(question), answer) for question, answer in _ANSWERS.items()]
# pyte does not know these and would print them.
_UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=?][0-9;]*[A-Za-gi-km-z]|\x1b\[\?[0-9;]*\$p|\x1b[P_^][^\x1b]*\x1b\\"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds (user and system) of a process tree, bytes it has sent, and when that was read."""

    at: float
    cpu: float
    sent: int

    def per_minute(self, later: Cost) -> tuple[float, float]:
        """CPU seconds and bytes a minute from here to `later`."""
        minutes = (later.at - self.at) / 60
        return (later.cpu - self.cpu) / minutes, (later.sent - self.sent) / minutes


class PtyProgram:
    """A program that believes to be in a terminal, with the screen that it shows."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        columns: int = 120,
        rows: int = 40,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()
        self._unread = bytearray()
        self.sent = 0
        self.first_byte: float | None = None
        self.last_byte = 0.0
        self.started = time.monotonic()
        terminal = {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
        }
        inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
        self._popen = subprocess.Popen(
            [str(a) for a in argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
            env={**inherited, **terminal, **(env or {})},
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:  # the last end of the terminal is closed
                return
            if not data:
                return
            now = time.monotonic()
            self.first_byte = self.first_byte or now
            self.last_byte = now
            self.sent += len(data)
            for question, answer in _QUERIES:
                if question.search(data):
                    os.write(self._master, answer)
            with self._lock:
                self._unread += data

    def press(self, keys: str | bytes) -> None:
        """Type keys, as the bytes that a terminal sends for them."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def show(self) -> str:
        """The screen's text now."""
        with self._lock:
            data, self._unread = bytes(self._unread), bytearray()
        if data:
            self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))
        return "\n".join(self._screen.display)

    def wait_for(self, shown: Callable[[str], bool], timeout: float = 30.0) -> float:
        """Seconds from the start until the screen satisfies `shown`. Raises TimeoutError with the screen."""
        end = time.monotonic() + timeout
        while not shown(screen := self.show()):
            if time.monotonic() > end or self._popen.poll() is not None:
                raise TimeoutError(f"not seen within {timeout:g} s on\n{screen}")
            time.sleep(0.005)
        return self.last_byte - self.started

    def cost(self) -> Cost:
        """What it and its children have used so far."""
        pids = [self.pid, *descendants(self.pid)]
        return Cost(time.monotonic(), sum(map(_cpu, pids)), self.sent)

    def resident(self) -> int:
        """Resident bytes of it and its children."""
        return sum(map(_resident, [self.pid, *descendants(self.pid)]))

    def wait_for_exit(self, timeout: float) -> float | None:
        """Seconds from now until it has ended; None when it did not."""
        start = time.monotonic()
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None
        return time.monotonic() - start

    def close(self) -> None:
        """End it and all its children."""
        family = descendants(self.pid)
        if self._popen.poll() is None:
            self._popen.terminate()
            if self.wait_for_exit(5) is None:
                self._popen.kill()
                self._popen.wait()
        send(family, signal.SIGKILL)
        self._reader.join(2)
        with contextlib.suppress(OSError):
            os.close(self._master)


def _cpu(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICKS  # user and system, its own and of ended children
    return 0.0


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0
