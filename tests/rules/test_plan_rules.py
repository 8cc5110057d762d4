"""Each rule about plans fires on its hit and is silent on its near miss; its docs have every heading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import UsageError
from dbtui.model.finding import Severity
from dbtui.plans import parse
from dbtui.rules.base import load_rule, rule_ids
from dbtui.rules.plan import findings
from dbtui.rules.plan.conditions import branches, conjuncts, unanchored, wrapped
from dbtui.rules.plan.why import why, why_each
from tests.plans.conftest import Explained, explained  # noqa: F401

PACKAGE = "dbtui.rules.plan"
CASES = Path(__file__).parent / "cases"
IDS = rule_ids(PACKAGE)


def case(rule: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CASES / f"{rule}.yml").read_text(encoding="utf-8"))
    return loaded


def test_there_are_rules() -> None:
    assert len(IDS) >= 68


@pytest.mark.parametrize("rule", IDS)
def test_a_hit_is_seen_and_a_near_miss_is_not(rule: str) -> None:
    example = case(rule)
    found = [one for one in findings(parse(example["hit"])) if one.rule == rule]
    assert len(found) == 1
    assert found[0].severity is Severity(example["severity"])
    assert found[0].message and found[0].advice and found[0].evidence and found[0].docs
    assert found[0].node is not None
    assert "\n" not in found[0].message
    if "sql" in example:
        assert found[0].sql == (example["sql"],)
    missed = parse(example["miss"])
    assert missed.analyzed or missed.format.startswith("sqlite")
    assert [one for one in findings(missed) if one.rule == rule] == []


@pytest.mark.parametrize("rule", IDS)
def test_the_docs_have_every_heading(rule: str) -> None:
    docs = load_rule(PACKAGE, rule).docs
    lines = docs.splitlines()
    assert 10 < len(lines[0]) < 100 and lines[0].endswith(".")
    for heading in ("What it does", "Why it matters", "Instead", "When it is fine", "See"):
        assert heading in lines and lines[lines.index(heading) + 1].startswith("    ")


def test_plans_of_every_shape_are_judged(explained: Explained) -> None:  # noqa: F811
    seen = set()
    for name, text in explained.shapes("analyze, buffers, verbose, format json").items():
        for one in findings(parse(text)):
            assert one.rule in IDS, name
            assert all(isinstance(value, float | int | str) for value in one.evidence.values()), name
            seen.add(one.rule)
    assert {"pg-sort-on-disk", "pg-hash-spill", "pg-workers-missing", "any-row-misestimate"} <= seen


def test_estimates_alone_give_no_findings_about_what_ran(explained: Explained) -> None:  # noqa: F811
    for name, text in explained.shapes("format json").items():
        told = {"pg-bitmap-and", "pg-disabled-node-used", "pg-seq-scan-indexable"}
        assert {one.rule for one in findings(parse(text))} <= told, name


def test_the_deepest_misestimate_alone_is_told() -> None:
    plan = parse(case("any-row-misestimate")["hit"])
    assert [(one.node, one.object) for one in findings(plan) if one.rule == "any-row-misestimate"] == [
        (1, "orders")
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("(lower((n)::text) = 'x'::text)", ("n", "lower")),
        (
            "((a = 1) AND (date_trunc('day'::text, o.t) = '2024'::timestamp with time zone))",
            ("t", "date_trunc"),
        ),
        ("(EXTRACT(year FROM t) = '2024'::numeric)", ("t", "EXTRACT")),
        ("(substr(s, 1, 3) = 'abc'::text)", ("s", "substr")),
        (
            "((at)::timestamp without time zone = '2024'::timestamp without time zone)",
            ("at", "timestamp without time zone"),
        ),
        ('((o."Line No")::bigint = 5)', ('"Line No"', "bigint")),
        ("((n)::text = 'lower(a) = '::text)", None),
        ("(a = ANY ('{1,2}'::integer[]))", None),
        ("(a = 5)", None),
    ],
)
def test_columns_inside_functions_and_casts(condition: str, expected: tuple[str, str] | None) -> None:
    assert wrapped(condition) == expected


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("", []),
        ("(a = 1)", ["a = 1"]),
        ("((a = 1) AND ((b = 2) OR (c = ' AND '::text)))", ["(a = 1)", "((b = 2) OR (c = ' AND '::text))"]),
        ("(NOT (a AND b))", ["NOT (a AND b)"]),
        ("(a) AND (b)", ["(a)", "(b)"]),
        ("((a = 1", ["((a = 1"]),
    ],
)
def test_a_condition_is_split_where_and_joins_it(condition: str, parts: list[str]) -> None:
    assert conjuncts(condition) == parts


@given(st.text(alphabet="()'\" ANDOR=ab.~%:1", max_size=300))
def test_any_condition_is_looked_at(condition: str) -> None:
    assert "".join(conjuncts(condition)) in condition or len(conjuncts(condition)) > 1
    assert len(branches(condition)) >= bool(condition)
    for column in (wrapped(condition) or ("",), (unanchored(condition),)):
        assert column[0] in condition


def test_a_silent_rule_says_how_near_it_came() -> None:
    plan = parse(case("pg-heap-fetches")["miss"])
    said = why(plan, "pg-heap-fetches")
    assert said.findings == () and "nearest" in said.reason
    assert str(said.misses[0]) == (
        "heap fetches 800, at least 1,000 wanted: Index Only Scan using i on orders"
    )
    assert why(plan, "pg-sort-on-disk").reason == "the plan has no Sort"
    assert len(why(parse(case("pg-heap-fetches")["hit"]), "pg-heap-fetches").findings) == 1
    with pytest.raises(UsageError):
        why(plan, "pg-drop-index")


def test_every_rule_says_why_it_is_silent(explained: Explained) -> None:  # noqa: F811
    told = set()
    for name, text in explained.shapes("analyze, buffers, verbose, format json").items():
        plan = parse(text)
        each = why_each(plan)
        assert [one for said in each for one in said.findings] != [] or findings(plan) == (), name
        for said in each:
            assert bool(said.findings) != bool(said.reason), (name, said.rule.rule.id)
            assert all(miss.value < miss.least for miss in said.misses), (name, said.rule.rule.id)
            told.update(said.rule.rule.id for _ in said.misses)
    assert len(told) >= 25


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("((state)::text = 'paid'::text) AND (total > '5'::numeric)", "(state, total)"),
        ("(a > 1) AND (b = 2) AND (c < 3)", "(b, a)"),
        ('(o."Line No" = 4)', '("Line No")'),
        ("(lower(name) = 'x'::text)", None),
        ("((at)::date = '2026-10-01'::date)", None),
        ("(((at)::date = '2026-10-01'::date) AND (a = 1))", "(a)"),
        ("((a = 1) OR (b = 2))", None),
        ("(a <> ALL ('{1,2}'::integer[]))", None),
    ],
)
def test_the_index_for_a_filter(condition: str, expected: str | None) -> None:
    text = (
        "Seq Scan on orders o  (cost=0..1 rows=5 width=4) (actual time=0.0..9.0 rows=5 loops=1)\n"
        f"  Filter: {condition}\n  Rows Removed by Filter: 50000\n"
    )
    sql = [one.sql for one in findings(parse(text)) if one.rule == "pg-seq-scan-discards-rows"]
    assert sql == [(f"CREATE INDEX CONCURRENTLY ON orders {expected};",) if expected else ()]
