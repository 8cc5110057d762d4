"""Findings as annotations of GitHub Actions: workflow commands, one a line."""

from __future__ import annotations

from collections.abc import Sequence

from dbtui.model.finding import Severity
from dbtui.model.migration import Assessed
from dbtui.text import printable

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(assessed: Sequence[Assessed]) -> str:
    """One line for each finding. Nothing that a script says can start a command of its own."""
    lines = []
    for one in assessed:
        last = one.statement.line + one.statement.sql.count("\n")
        for finding in one.findings:
            place = f"file={_property(one.statement.file)},line={one.statement.line},endLine={last}"
            text = "\n".join([finding.message, finding.advice, *finding.sql]).strip()
            command = _COMMANDS[finding.severity]
            lines.append(f"::{command} {place},title={_property(finding.rule)}::{_data(text)}")
    return "\n".join(lines)


def _data(text: str) -> str:
    text = printable(text, keep_newlines=True)
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
