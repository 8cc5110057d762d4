"""What a verb reads and prints, and how it ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from dbtui.errors import InputError
from dbtui.model.finding import Finding, Severity
from dbtui.plans import MAX_CHARACTERS

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}


def read_text(name: str) -> str:
    """A file, or standard input for `-`, as text: UTF-8, or UTF-16 where it says so. Raises InputError."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_CHARACTERS + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_CHARACTERS + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read", error.strerror or "") from None
    if len(data) > MAX_CHARACTERS:
        raise InputError(f"{name} is larger than {MAX_CHARACTERS >> 20} MB", "nothing of it was read")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace")


def put(printed: str) -> None:
    """Write to standard output; what its encoding lacks becomes a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(printed)


def exit_code(findings: Sequence[Finding], fail_on: str) -> int:
    """1 where a finding reaches `fail_on`, a severity or a rule's id; else 0."""
    if fail_on in tuple(Severity):
        return int(any(_RANK[finding.severity] >= _RANK[Severity(fail_on)] for finding in findings))
    return int(any(finding.rule == fail_on for finding in findings))
