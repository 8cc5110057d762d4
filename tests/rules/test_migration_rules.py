"""Each rule about migrations sees its hits and leaves its near misses alone; its docs have every heading."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from dbtui.migrations.assess import DEFAULT_VERSIONS, PACKAGE, assess
from dbtui.migrations.files import migration_file
from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Engine
from dbtui.rules.base import load_rule, rule_ids

CASES = Path(__file__).parent / "cases"
IDS = rule_ids(PACKAGE)
HEADINGS = ("What it does", "Why it matters", "Instead", "When it is fine")


def read(rule: str) -> dict[str, Any]:
    return tomllib.loads((CASES / f"{rule}.toml").read_text("utf-8"))


def findings(case: dict[str, Any], sql: str) -> list[Finding]:
    engine = Engine(case.get("engine", "postgresql"))
    version = (
        tuple(int(part) for part in case["version"].split("."))
        if "version" in case
        else DEFAULT_VERSIONS[engine]
    )
    before = [migration_file("before.sql", case["schema"])] if "schema" in case else []
    assessed = assess([migration_file("case.sql", sql)], engine, version, before)
    return [finding for one in assessed for finding in one.findings]


@pytest.mark.parametrize("rule", IDS)
def test_hits_are_seen(rule: str) -> None:
    case = read(rule)
    for sql in case["hit"]:
        found = [finding for finding in findings(case, sql) if finding.rule == rule]
        assert found, sql
        for finding in found:
            assert finding.message and "\n" not in finding.message
            assert finding.docs


@pytest.mark.parametrize("rule", IDS)
def test_near_misses_are_left_alone(rule: str) -> None:
    case = read(rule)
    for sql in case["miss"]:
        assert rule not in {finding.rule for finding in findings(case, sql)}, sql


@pytest.mark.parametrize("rule", IDS)
def test_docs_have_every_heading(rule: str) -> None:
    loaded = load_rule(PACKAGE, rule)
    lines = loaded.docs.splitlines()
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    assert re.fullmatch(r"\w.*\.", loaded.title)
    assert all(line in HEADINGS or line.startswith("    ") or not line for line in lines[1:])
    assert isinstance(loaded.severity, Severity)


def test_every_case_file_has_its_rule() -> None:
    assert {path.stem for path in CASES.glob("*.toml")} == set(IDS)


@pytest.mark.parametrize("rule", IDS)
def test_what_is_offered_is_better(rule: str) -> None:
    """Statements that a PostgreSQL rule offers do not make the same rule speak again."""
    case = read(rule)
    if not rule.startswith("pg-") or rule in (
        "pg-drop-fk-locks-both",
        "pg-create-trigger-lock",
        "pg-rls-policy-change",
    ):
        pytest.skip("what it offers is the same statement in a better place")
    for sql in case["hit"]:
        for finding in findings(case, sql):
            if finding.rule == rule and finding.sql and not any("…" in text for text in finding.sql):
                again = {
                    one.rule
                    for one in findings(case, "\n".join(finding.sql))
                    if one.severity is Severity.ERROR
                }
                assert rule not in again, finding.sql
