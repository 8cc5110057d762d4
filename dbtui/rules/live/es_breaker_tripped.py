"""A circuit breaker refused requests to save the node's memory.

What it does
    Watches the breakers that trip over the last minutes.

Why it matters
    Each is a search or a write that failed; the heap is nearly full of what others ask for.

Instead
    Look for large aggregations and fielddata on text fields; give the node more heap only when
    both are in order.

When it is fine
    Never for long.

See
    https://www.elastic.co/guide/en/elasticsearch/reference/current/circuit-breaker.html
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.rules.live.scene import Limits, Scene, Seen, Threshold
from dbtui.text import size

SEVERITY = Severity.ERROR
THRESHOLDS: tuple[Threshold, ...] = (Threshold("per_minute", 1.0, "count", "requests refused a minute"),)
EXPORTS = {
    "elasticsearch": "rate(elasticsearch_breakers_tripped[5m]) * 60 >= {per_minute}",
}


_FOR = {
    "parent": "the whole heap (parent)",
    "request": "what one request holds (request)",
    "fielddata": "fielddata",
    "in_flight_requests": "bodies of requests (in_flight_requests)",
}


def check(scene: Scene, limits: Limits) -> Iterator[Seen]:
    tripped = scene.speed("breakers_tripped") * 60
    if tripped >= limits["per_minute"]:
        used, room = scene.counter("heap_used"), scene.counter("heap_max")
        heap = f"; the fullest heap has {size(used)} of {size(room)}" if used and room else ""
        speeds = {name: scene.speed(name) for name in scene.speeds if name.startswith("tripped_")}
        worst = max(speeds, key=lambda name: speeds[name], default="").removeprefix("tripped_")
        which = f"the circuit breaker for {_FOR.get(worst, worst)}" if worst else "a circuit breaker"
        yield Seen(
            f"{tripped:,.0f} requests a minute are refused by {which}{heap}",
            "look for large aggregations and for fielddata on text fields",
            {"per_minute": round(tripped, 1), "heap_used": used or 0, "heap_max": room or 0},
        )
