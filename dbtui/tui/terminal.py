"""The terminal as the console writes to it, with what that costs."""

from __future__ import annotations

import contextlib
import time
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class Closable:
    """A terminal's file. What a terminal that was closed no longer takes is dropped.

    Otherwise Textual's writing thread ends with an OSError, its queue fills up, and leaving waits for it forever.
    `sent` counts the bytes, and `held` the seconds in which the link took none.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.sent = 0
        self.held = 0.0

    def write(self, text: str) -> int:
        """Write, or drop."""
        began = time.monotonic()
        with contextlib.suppress(OSError):
            self._file.write(text)
        self.held += time.monotonic() - began
        self.sent += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        return len(text)

    def flush(self) -> None:
        """Send what was written, or drop it."""
        began = time.monotonic()
        with contextlib.suppress(OSError):
            self._file.flush()
        self.held += time.monotonic() - began

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class TerminalDriver(LinuxDriver):
    """Textual's driver, on a terminal that may be closed at any time, or lent to another program."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._file: Any = Closable(self._file)
        self._lent = False

    def write(self, data: str) -> None:
        """See `Driver`. While the terminal is another program's, the loop goes on and nothing is drawn."""
        if not self._lent:
            super().write(data)

    def suspend_application_mode(self) -> None:
        """See `Driver`."""
        super().suspend_application_mode()
        self._lent = True

    def resume_application_mode(self) -> None:
        """See `Driver`."""
        self._lent = False
        super().resume_application_mode()

    @property
    def sent(self) -> int:
        """Bytes that were sent so far."""
        return int(self._file.sent)

    @property
    def held(self) -> float:
        """Seconds in which the link took none."""
        return float(self._file.held)
