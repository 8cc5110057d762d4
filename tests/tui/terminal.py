"""A real pseudo-terminal around a program of ours: what it sends, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ASKS_SYNC = b"\x1b[?2026$p"  # "do you know synchronised output?"
FRAME_END = b"\x1b[?2026l"


class Terminal:
    """The far end of a program's terminal."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def read(self, quiet: float = 0.5, limit: float = 20.0) -> bytes:
        """Everything sent until a frame is whole and nothing came for `quiet` seconds; at most `limit` seconds."""
        got, end = b"", time.monotonic() + limit
        while time.monotonic() < end:
            ready, _, _ = select.select([self.fd], [], [], quiet)
            if not ready:
                if got.endswith(FRAME_END):
                    break
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the program has left
                break
            if ASKS_SYNC in data:
                os.write(self.fd, b"\x1b[?2026;2$y")
            got += data
        return got

    def press(self, keys: str) -> bytes:
        """Send keys and return what comes back."""
        os.write(self.fd, keys.encode())
        return self.read()


@contextmanager
def run_in_terminal(
    *arguments: str, columns: int = 120, lines: int = 40, env: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """Run `python *arguments` in a terminal of that size; ended when the block is left."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    inherited = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TEXTUAL")}
    program = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(env or {})},
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(master)
    finally:
        program.send_signal(signal.SIGTERM)
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        os.close(master)
