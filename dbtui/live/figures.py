"""Figures by the names that an alert may use: metrics, the counters that they are made of, and rules about servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from dbtui.model.finding import Finding
from dbtui.model.snapshot import Metric, Snapshot
from dbtui.rules.live import rules

_PER_SECOND = {"count": "/s", "bytes": "bytes/s", "fraction": "/s", "seconds": "s/s"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One name, the unit that its limit is compared in, and what it is."""

    name: str
    unit: str
    what: str


def figure(name: str, snapshot: Snapshot, findings: Sequence[Finding]) -> float | None:
    """A metric by its id, a counter by its name, or how many findings a rule has; None while it is not known."""
    if name in snapshot.metrics:
        return snapshot.metrics[name]
    counters = snapshot.counters.value or {}
    if name in counters:
        return counters[name]
    if snapshot.activity.value is not None and any(one.rule.id == name for one in rules()):
        return float(sum(finding.rule == name for finding in findings))
    return None


def figures(engine: str, metrics: Iterable[Metric], counters: Iterable[str] = ()) -> Iterator[Figure]:
    """All that have a name on an engine (the folder's name); `counters` are those that its server told."""
    metrics = tuple(metrics)
    for metric in metrics:
        parts = " + ".join(metric.numerator)
        what = f"{metric.label}: {parts}" if parts != metric.id else metric.label
        unit = _PER_SECOND[metric.unit] if metric.kind == "rate" else metric.unit
        yield Figure(metric.id, unit, what)
    ids = {metric.id for metric in metrics}
    used = {name for m in metrics for name in (*m.numerator, *m.denominator, m.limit) if name}
    for name in sorted((used | set(counters)) - ids):
        yield Figure(name, "", "counter, as the server tells it")
    for one in rules():
        if one.about(engine):
            yield Figure(one.rule.id, "findings", one.rule.title)
