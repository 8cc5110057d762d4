"""The object of `dbtui advise index --format json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dbtui.model.advice import Advice, IndexAdvice
from dbtui.model.finding import Finding
from dbtui.output.json import dump, finding


def document(advice: Advice, findings: Sequence[Finding]) -> str:
    """`before` and `after` are sums over the workload in `unit`; a query is named by its place, from 0."""
    return dump(
        {
            "version": 1,
            "verified": advice.verified,
            "unit": advice.unit,
            "before": advice.before,
            "after": advice.after,
            "tried": advice.tried,
            "queries": [{"sql": q.text, "calls": q.calls, "mean_ms": q.mean_ms} for q in advice.queries],
            "indexes": [_index(index) for index in advice.indexes],
            "not_understood": [{"query": place, "reason": why} for place, why in advice.not_understood],
            "notes": list(advice.notes),
            "findings": [finding(item) for item in findings],
        }
    )


def _index(index: IndexAdvice) -> dict[str, Any]:
    return {
        "sql": index.sql,
        "undo": index.undo,
        "table": index.table,
        "keys": list(index.keys),
        "verified": index.verified,
        "bytes": index.size,
        "write_overhead": index.write_overhead,
        "hot_updates_lost": index.hot_lost,
        "supersedes": list(index.supersedes),
        "ties": list(index.ties),
        "try": list(index.verify),
        "helps": [{"query": h.query, "before": h.before, "after": h.after} for h in index.helps],
    }
