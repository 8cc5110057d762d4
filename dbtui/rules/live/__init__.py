"""Rules about a server that runs. Each module has SEVERITY, THRESHOLDS and `check(scene, limits)`.

The first word of a rule's id is the family of engines it is about; `any-` is for all, unless ENGINES names some.
`limits` holds a rule's thresholds by name, with what the user has changed. EXPORTS has, by engine, the same
condition as a PromQL expression over the figures of `dbtui monitoring`, with `{name}` for a threshold. SYMPTOM is True
for what mostly comes of something that another rule names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from dbtui.model.finding import Finding, Severity
from dbtui.rules.base import Rule, load_rule, rule_ids
from dbtui.rules.live.scene import Limits, Scene, Threshold

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
_FAMILIES = {
    "pg": "postgres", "my": "mysql", "lite": "sqlite", "mongo": "mongodb", "redis": "redis", "es": "elasticsearch",
}  # fmt: skip
_SITES = {
    "postgres": ("www.postgresql.org",), "mysql": ("dev.mysql.com", "mariadb.com"), "redis": ("redis.io", "valkey.io"),
    "mongodb": ("www.mongodb.com",), "elasticsearch": ("www.elastic.co",), "sqlite": ("sqlite.org", "www.sqlite.org"),
}  # fmt: skip
Changes = Mapping[str, Limits]  # rule → threshold → value


@dataclass(frozen=True, slots=True)
class LiveRule:
    """A rule, the engines it is about (none named is all), its thresholds, and its condition for Prometheus."""

    rule: Rule
    engines: tuple[str, ...]
    thresholds: tuple[Threshold, ...]
    exports: Mapping[str, str]
    symptom: bool = False

    def about(self, engine: str) -> bool:
        """Whether it says anything about servers of this engine (the folder's name)."""
        return not self.engines or engine in self.engines

    def pages(self, engine: str) -> tuple[str, ...]:
        """What the docs name, without the manuals of other products."""
        others = {site for name, sites in _SITES.items() if name != engine for site in sites}
        return tuple(page for page in self.rule.pages if page.split("/")[2] not in others)

    def limits(self, changes: Changes) -> dict[str, float]:
        """The thresholds with what the user has changed."""
        return {one.name: one.value for one in self.thresholds} | dict(changes.get(self.rule.id, {}))


@cache
def rules() -> tuple[LiveRule, ...]:
    """All rules about running servers, by id."""
    return tuple(_load(rule_id) for rule_id in rule_ids(__name__))


def _load(rule_id: str) -> LiveRule:
    module = import_module(f"{__name__}.{rule_id.replace('-', '_')}")
    family = _FAMILIES.get(rule_id.partition("-")[0], "")
    engines = getattr(module, "ENGINES", (family,) if family else ())
    return LiveRule(
        load_rule(__name__, rule_id), engines, module.THRESHOLDS,
        getattr(module, "EXPORTS", {}), getattr(module, "SYMPTOM", False),
    )  # fmt: skip


def findings(scene: Scene, engine: str, changes: Changes | None = None) -> tuple[Finding, ...]:
    """What all rules see on a server: the gravest first, causes before symptoms.

    A rule whose threshold `off` is not 0 says nothing.
    """
    found: list[Finding] = []
    for one in sorted(rules(), key=lambda one: one.symptom):
        if not one.about(engine):
            continue
        limits = one.limits(changes or {})
        if limits.get("off"):
            continue
        found += [
            Finding(
                rule=one.rule.id,
                severity=seen.severity or one.rule.severity,
                message=seen.message,
                object=seen.object,
                evidence=dict(seen.evidence),
                advice=seen.advice,
                sql=seen.sql,
                docs=one.pages(engine),
            )
            for seen in one.rule.check(scene, limits)
        ]
    found.sort(key=lambda finding: _ORDER[finding.severity])
    return tuple(found)
