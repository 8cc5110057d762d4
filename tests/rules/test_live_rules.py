"""Each rule about running servers sees its hit and leaves its near miss alone; its docs have every heading."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from dbtui.live.blocking import forest
from dbtui.live.health import roots_of
from dbtui.model.activity import (
    Activity,
    Health,
    Hot,
    Prepared,
    Replica,
    Session,
    Slot,
    Statement,
    StatementDelta,
    Unplaced,
    Worn,
)
from dbtui.model.finding import Finding
from dbtui.model.snapshot import Section, Snapshot
from dbtui.rules.live import findings, rules
from dbtui.rules.live.scene import Scene

CASES = Path(__file__).parent / "cases"
RULES = {one.rule.id: one for one in rules()}
ENGINES = ("postgres", "mysql", "mongodb", "redis", "sqlite", "elasticsearch")
HEADINGS = ("What it does", "Why it matters", "Instead", "When it is fine")


def read(rule: str) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load((CASES / f"{rule}.yml").read_text("utf-8"))
    return case


def session(facts: dict[str, Any]) -> Session:
    default = dict.fromkeys(
        ("id", "started", "user", "database", "application", "client", "state", "wait_type", "wait", "query"),
        "",
    )
    return Session(
        **default | {"kind": "client backend"} | facts | {"blocked_by": tuple(facts.get("blocked_by", ()))}
    )  # type: ignore[arg-type]


def delta(facts: dict[str, Any]) -> StatementDelta:
    whole = Statement(
        "1",
        "77",
        "shop",
        "app",
        facts["query"],
        facts["all_calls"],
        facts["all_ms"],
        blocks_hit=facts["all_blocks"],
    )
    return StatementDelta(
        whole, 5.0, facts["calls"], facts["total_ms"], blocks_hit=facts["blocks"], share=facts["share"]
    )


def scene(facts: dict[str, Any]) -> Scene:
    sessions = tuple(session(one) for one in facts.get("sessions", ()))
    health = Health(
        replicas=tuple(Replica(*one) for one in facts.get("replicas", ())),
        slots=tuple(Slot(*one) for one in facts.get("slots", ())),
        worn=tuple(Worn(*one) for one in facts.get("worn", ())),
        prepared=tuple(Prepared(*one) for one in facts.get("prepared", ())),
        hot=tuple(Hot(*one) for one in facts.get("hot", ())),
        unplaced=Unplaced(*facts["unplaced"]) if "unplaced" in facts else None,
    )
    snapshot = Snapshot(
        at=0.0,
        activity=Section(
            Activity(sessions, facts.get("connections", len(sessions)), facts.get("limit")), 0.0
        ),
        counters=Section(facts.get("counters", {}), 0.0),
        health=Section(health, 0.0),
        deltas=tuple(delta(one) for one in facts.get("deltas", ())),
    )
    return Scene(snapshot, roots_of(forest(sessions)), facts.get("speeds", {}))


def found(rule: str, facts: dict[str, Any], **changes: float) -> list[Finding]:
    engine = next(engine for engine in ENGINES if RULES[rule].about(engine))
    return [one for one in findings(scene(facts), engine, {rule: changes}) if one.rule == rule]


@pytest.mark.parametrize("rule", RULES)
def test_the_hit_is_seen_and_told(rule: str) -> None:
    case = read(rule)
    (finding,) = found(rule, case["hit"])
    assert case["says"] in finding.message and "\n" not in finding.message
    assert finding.evidence and finding.advice
    assert RULES[rule].rule.pages


@pytest.mark.parametrize("rule", RULES)
def test_the_near_miss_is_left_alone(rule: str) -> None:
    assert found(rule, read(rule)["miss"]) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_quiet_server_has_no_findings(rule: str) -> None:
    assert found(rule, {}) == []


@pytest.mark.parametrize("rule", RULES)
def test_docs_have_every_heading(rule: str) -> None:
    lines = RULES[rule].rule.docs.splitlines()
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    assert re.fullmatch(r"[A-Z].*\.", lines[0])
    for threshold in RULES[rule].thresholds:
        assert threshold.why


def test_a_threshold_can_be_changed_and_a_rule_switched_off() -> None:
    facts = read("any-idle-in-transaction")["hit"]
    assert not found("any-idle-in-transaction", facts, seconds=600.0)
    assert not found("any-idle-in-transaction", facts, off=1.0)
    assert found("any-idle-in-transaction", read("any-idle-in-transaction")["miss"], seconds=60.0)


def test_the_room_that_a_slot_has_is_told_from_what_is_known() -> None:
    facts = {
        "slots": [["gone", "physical", False, "extended", 41 * 2**30, None]], "speeds": {"wal_bytes": 3 * 2**20},
    }  # fmt: skip
    rule = "pg-slot-retains-wal"
    assert "at 3.0 MB/s that is 10.5 GB more every hour" in found(rule, facts)[0].message
    assert "at 3.0 MB/s the disk is full in 2 h" in found(rule, facts, room=21.0 * 2**30)[0].message
    free = facts | {"counters": {"disk_free": 21.0 * 2**30}}
    assert "at 3.0 MB/s the disk is full in 2 h" in found(rule, free)[0].message


def test_a_cause_comes_before_what_it_causes() -> None:
    facts = read("any-statement-slower")["hit"] | read("any-cache-misses")["hit"]
    ids = [one.rule for one in findings(scene(facts), "postgres", {})]
    assert ids.index("any-statement-slower") < ids.index("any-cache-misses")


def test_a_rule_is_asked_about_its_own_engines_only() -> None:
    assert not findings(scene(read("my-history-list")["hit"]), "postgres", {})
    assert all(one.about("redis") for one in rules() if one.rule.id.startswith(("redis-",)))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_finding_names_no_other_product_s_manual(engine: str) -> None:
    words = {"postgres": "postgresql", "mysql": "m(ysql|ariadb)", "mongodb": "mongodb", "redis": "(redis|valkey)",
             "elasticsearch": "elastic", "sqlite": "sqlite"}  # fmt: skip
    pages = [page for one in rules() if one.about(engine) for page in one.pages(engine)]
    assert pages
    assert all(re.match(rf"https://[a-z.]*{words[engine]}", page) for page in pages)
