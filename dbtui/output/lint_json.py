"""Assessed statements as JSON, version 1: the contract that other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbtui.model.finding import Severity
from dbtui.model.migration import Assessed
from dbtui.output import json


def lint_json(assessed: Sequence[Assessed]) -> str:
    """The JSON text, indented, with a summary."""
    return json.dump(lint_object(assessed))


def lint_object(assessed: Sequence[Assessed]) -> dict[str, Any]:
    """The object behind the text: `safe` is null for what was not understood."""
    return {
        "version": 1,
        "statements": [_statement(index, one) for index, one in enumerate(assessed)],
        "summary": summary(assessed),
    }


def summary(assessed: Sequence[Assessed]) -> dict[str, int]:
    """How many statements, how many of them unsafe or unknown, and findings by severity."""
    counts = {severity.value: 0 for severity in Severity}
    for one in assessed:
        for finding in one.findings:
            counts[finding.severity.value] += 1
    return {
        "statements": len(assessed),
        "unsafe": sum(one.safe is False for one in assessed),
        "unknown": sum(one.safe is None for one in assessed),
        **counts,
    }


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
