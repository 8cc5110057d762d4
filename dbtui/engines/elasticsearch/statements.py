"""What the load is made of, by index and kind of work: the counters that the nodes keep of their shards.

The products keep no texts of requests: slow logs are files of the nodes. So a line here is a kind of work on one
index, with its count and its time over all shards and copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.documents import number
from dbtui.model.activity import Statement, Statements

NOTE = (
    "the server keeps no texts of requests: these are its counters by index. Running searches are in pane 1; slow "
    "logs are files of the nodes, whose thresholds an index shows in pane 3"
)
_WORK = (
    ("search", "query", "query phase of searches"),
    ("search", "fetch", "fetch phase of searches"),
    ("search", "scroll", "scrolls"),
    ("search", "suggest", "suggestions"),
    ("search", "point_in_time", "points in time"),
    ("get", "", "documents by id"),
    ("indexing", "index", "documents indexed"),
    ("indexing", "delete", "documents deleted"),
    ("refresh", "", "refreshes"),
    ("flush", "", "flushes"),
    ("merges", "", "merges"),
)
ASKED = ("_stats", "search,get,indexing,refresh,flush,merge")


def _names(kind: str, part: str) -> tuple[str, tuple[str, ...]]:
    """Where the count and the time of a kind of work stand; the time of a get is called in two ways."""
    if part:
        return f"{kind}.{part}_total", (f"{kind}.{part}_time_in_millis",)
    return f"{kind}.total", (f"{kind}.total_time_in_millis", f"{kind}.time_in_millis")


FILTER = ",".join(
    f"indices.*.total.{path}"
    for kind, part, _ in _WORK
    for path in (_names(kind, part)[0], *_names(kind, part)[1])
)


def of_stats(stats: Mapping[str, Any]) -> Statements:
    """All counters of one answer of _stats."""
    indices = stats.get("indices")
    found = tuple(_statements(indices)) if isinstance(indices, Mapping) else ()
    return Statements(found, source="_stats of each index", note=NOTE)


def _statements(indices: Mapping[str, Any]) -> Iterator[Statement]:
    for index, entry in indices.items():
        total = entry.get("total") if isinstance(entry, Mapping) else None
        if not isinstance(total, Mapping):
            continue
        for kind, part, said in _WORK:
            count_at, times_at = _names(kind, part)
            calls = number(total, count_at)
            if calls:
                spent = next((ms for path in times_at if (ms := number(total, path)) is not None), 0.0)
                name = part or kind
                yield Statement(f"{index}/{name}", name, index, "", f"{said} · {index}", int(calls), spent)
