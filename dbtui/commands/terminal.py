"""Where the console can be drawn."""

from __future__ import annotations

import sys

from dbtui.errors import UsageError


def require_terminal() -> None:
    """Raises UsageError where the console could not be drawn: that is done on standard error."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("the console needs a terminal", "use a command such as `dbtui explain` in scripts")
