"""What a verb reads and prints, and how it ends."""

from __future__ import annotations

import io
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from dbtui.errors import InputError, UsageError
from dbtui.model.finding import Finding, Severity
from dbtui.plans import MAX_CHARACTERS

NEVER = "never"  # no finding makes the exit code 1
_FEW = 3  # rules that a message names
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


def check_fail_on(fail_on: str, rules: Collection[str]) -> None:
    """Raises UsageError for a --fail-on that is neither a severity, nor `never`, nor the id of one of the rules."""
    if fail_on not in (*Severity, NEVER, *rules):
        which = " or ".join(rules) if len(rules) <= _FEW else "the id of such a rule (dbtui rules lists all)"
        raise UsageError(f"--fail-on {fail_on}", f"give info, warning, error, never or {which}")


def fails(severity: Severity, rule: str, fail_on: str) -> bool:
    """Whether a finding of this severity and rule reaches `fail_on`."""
    if fail_on in tuple(Severity):
        return _RANK[severity] >= _RANK[Severity(fail_on)]
    return rule == fail_on


def exit_code(findings: Sequence[Finding], fail_on: str) -> int:
    """1 where a finding reaches `fail_on`, a severity or a rule's id; else 0."""
    return int(any(fails(finding.severity, finding.rule, fail_on) for finding in findings))
