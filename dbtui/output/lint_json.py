"""Assessed statements as JSON, version 1: the contract that other programs read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dbtui.model.finding import Severity
from dbtui.model.migration import Assessed
from dbtui.output import json


class Tally:
    """Counts statements and findings as they pass, so that a long script need not be kept."""

    def __init__(self) -> None:
        self.statements = self.unsafe = self.unknown = 0
        self.findings = dict.fromkeys(Severity, 0)
        self.kinds: set[tuple[Severity, str]] = set()  # of findings: severity and rule

    def counted(self, assessed: Iterable[Assessed]) -> Iterator[Assessed]:
        """The same statements, counted."""
        for one in assessed:
            self.statements += 1
            self.unsafe += one.safe is False
            self.unknown += one.safe is None
            for finding in one.findings:
                self.findings[finding.severity] += 1
                self.kinds.add((finding.severity, finding.rule))
            yield one

    @property
    def summary(self) -> dict[str, int]:
        """How many statements, how many of them unsafe or unknown, and findings by severity."""
        return {
            "statements": self.statements,
            "unsafe": self.unsafe,
            "unknown": self.unknown,
            **{severity.value: count for severity, count in self.findings.items()},
        }


def lint_json(assessed: Iterable[Assessed], tally: Tally) -> Iterator[str]:
    """The JSON text in pieces, a line for each statement; `tally` counts the statements as they are taken.

    `safe` is null for what was not understood.
    """
    yield '{\n  "version": 1,\n  "statements": ['
    for index, one in enumerate(assessed):
        yield ("," if index else "") + "\n    " + json.line(_statement(index, one))
    yield f'\n  ],\n  "summary": {json.line(tally.summary)}\n}}'


def _statement(index: int, one: Assessed) -> dict[str, Any]:
    effects = one.effects
    return {
        "index": index,
        "file": one.statement.file,
        "line": one.statement.line,
        "sql": one.statement.sql,
        "kind": one.statement.kind,
        "safe": one.safe,
        "locks": [{"relation": lock.relation, "mode": lock.mode} for lock in effects.locks],
        "rewrites": list(effects.rewrites),
        "scans": list(effects.scans),
        "algorithm": effects.algorithm,
        "error": one.statement.error or None,
        "findings": [{**json.finding(f), "safe_sql": list(f.sql)} for f in one.findings],
    }
