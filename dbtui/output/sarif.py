"""Assessed statements as SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Assessed, Statement
from dbtui.output import json

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(assessed: Sequence[Assessed], version: str, docs: Callable[[str], str]) -> str:
    """The log's text. `docs` gives a rule's docs; only rules that were seen are listed."""
    seen = sorted({finding.rule for one in assessed for finding in one.findings})
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "dbtui",
                        "version": version,
                        "rules": [_rule(rule_id, docs(rule_id)) for rule_id in seen],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [
                    _result(finding, one.statement, seen.index(finding.rule))
                    for one in assessed
                    for finding in one.findings
                ],
            }
        ],
    }
    return json.dump(log)


def _rule(rule_id: str, docs: str) -> dict[str, Any]:
    return {
        "id": rule_id,
        "shortDescription": {"text": docs.partition("\n")[0] or rule_id},
        "help": {"text": docs or rule_id},
    }


def _result(finding: Finding, statement: Statement, index: int) -> dict[str, Any]:
    text = " ".join(part for part in (finding.message, finding.advice) if part)
    region = {
        "startLine": statement.line,
        "endLine": statement.line + statement.sql.count("\n"),
        "snippet": {"text": statement.sql[:2000]},
    }
    location = {"artifactLocation": {"uri": _uri(statement.file)}, "region": region}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }


def _uri(file: str) -> str:
    if file == "-":
        return "stdin"
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
