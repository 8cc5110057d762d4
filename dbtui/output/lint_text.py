"""Assessed statements for people: what is wrong, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Assessed
from dbtui.output.lint_json import Tally
from dbtui.text import one_line, printable

_MARKS = {Severity.ERROR: "▲ error  ", Severity.WARNING: "● warning", Severity.INFO: "○ info   "}
_VERDICTS = {True: "safe", False: "UNSAFE", None: "NOT UNDERSTOOD"}


def lint_text(assessed: Iterable[Assessed], tally: Tally, *, verbose: bool = False) -> Iterator[str]:
    """A block for each statement that has findings, or for all when `verbose`, and a line that sums up."""
    for one in assessed:
        if verbose or one.findings:
            yield "\n".join(_block(one)) + "\n\n"
    yield _summary(tally.summary)


def _block(one: Assessed) -> Iterator[str]:
    statement = one.statement
    place = f"{printable(statement.file)}:{statement.line}"
    yield f"{place}  {_VERDICTS[one.safe]}  {one_line(statement.sql, 100)}"
    effects = one.effects
    if effects.locks:
        yield "  locks     " + ", ".join(f"{printable(lock.relation)} {lock.mode}" for lock in effects.locks)
    facts = [
        *(f"rewrites {printable(name)}" for name in effects.rewrites),
        *(f"scans {printable(name)}" for name in effects.scans),
        *([f"algorithm {effects.algorithm}"] if effects.algorithm else []),
    ]
    if facts:
        yield "  does      " + ", ".join(facts)
    for finding in one.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"  {_MARKS[finding.severity]} {finding.rule}: {printable(finding.message)}"
    if finding.advice:
        yield f"      {printable(finding.advice)}"
    for line in finding.sql:
        for part in line.splitlines():
            yield f"        {printable(part)}"


def _summary(counts: Mapping[str, int]) -> str:
    def told(key: str, noun: str) -> str:
        return f"{counts[key]} {noun}{'s' if counts[key] != 1 else ''}"

    verdicts = f"{counts['unsafe']} unsafe, {counts['unknown']} not understood"
    findings = ", ".join(told(severity, severity) for severity in ("error", "warning", "info"))
    return f"{told('statements', 'statement')}: {verdicts}; findings: {findings}"
