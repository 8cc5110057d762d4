"""Slow operations in the log of a mongod. The lines have the form that its manual prints; no mongod was at hand."""

from __future__ import annotations

import json

from dbtui.live.masking import masker, shaper
from dbtui.logs.ranking import Ranking
from tests.logs.reading import entries


def line(mail: str, ms: int) -> str:
    return json.dumps({
        "t": {"$date": "2024-05-01T12:00:00.500+00:00"}, "s": "I", "c": "COMMAND", "id": 51803, "ctx": "conn7",
        "msg": "Slow query",
        "attr": {
            "type": "command", "ns": "shop.people", "appName": "web",
            "command": {"find": "people", "filter": {"mail": mail}, "lsid": {"id": 1}, "$db": "shop"},
            "planSummary": "COLLSCAN", "keysExamined": 0, "docsExamined": 1000, "nreturned": 1,
            "remote": "10.0.0.7:5123", "durationMillis": ms,
        },
    })  # fmt: skip


START = '{"t":{"$date":"2024-05-01T11:00:00.000Z"},"s":"I","c":"CONTROL","msg":"Starting","attr":{}}'


def test_slow_operations() -> None:
    found = entries("\n".join([START, line("a@b.c", 120), "torn {", line("d@e.f", 80)]))
    assert [(e.ms, e.database, e.application, e.client, e.rows, e.rows_read, e.plan) for e in found] == [
        (ms, "shop", "web", "10.0.0.7", 1, 1000, "COLLSCAN") for ms in (120.0, 80.0)
    ]
    assert found[0].at == 1714564800.5 and "lsid" not in found[0].text
    ranking = Ranking("log", shaper("mongodb"), masker("mongodb"))
    for entry in found:
        ranking.add(entry)
    (only,) = ranking.statements().statements
    assert only.calls == 2 and only.rows_read == 2000 and "a@b.c" not in (only.query or "")
    callers = {s.id: s.calls for s in ranking.statements().callers}
    assert callers == {"application/web": 2, "client/10.0.0.7": 2}
