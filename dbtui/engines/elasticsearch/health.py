"""What goes on for long, shards that are copied or read back and merges that were asked for, and what has no node."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.documents import at, mappings, number
from dbtui.model.activity import Progress, Unplaced


def recoveries(answer: Any) -> tuple[Progress, ...]:
    """The shards in an answer of _recovery?active_only, with their bytes."""
    return tuple(_recoveries(answer)) if isinstance(answer, Mapping) else ()


def _recoveries(answer: Mapping[str, Any]) -> Iterator[Progress]:
    for index, entry in answer.items():
        shards = entry.get("shards") if isinstance(entry, Mapping) else None
        for shard in shards if isinstance(shards, list) else ():
            if not isinstance(shard, Mapping) or shard.get("stage") == "DONE":
                continue
            size = shard.get("index")
            size = size if isinstance(size, Mapping) else {}
            target = shard.get("target")
            node = target.get("name", "") if isinstance(target, Mapping) else ""
            yield Progress(
                "",
                f"RECOVERY {str(shard.get('type') or '').lower()}".rstrip(),
                str(shard.get("stage") or "").lower(),
                f"{index}[{shard.get('id', '')}] → {node}",
                number(size, "size.recovered_in_bytes") or 0.0,
                number(size, "size.total_in_bytes"),
                "bytes",
            )


def unplaced(explained: Mapping[str, Any]) -> Unplaced | None:
    """The shard in an answer of _cluster/allocation/explain, with what the first node that refuses it says."""
    if not isinstance(explained.get("index"), str):
        return None
    refusals = (
        str(decider.get("explanation") or "")
        for node in mappings(explained.get("node_allocation_decisions"))
        for decider in mappings(node.get("deciders"))
        if decider.get("decision") == "NO"
    )
    told = (explained.get("allocate_explanation"), at(explained, "unassigned_info.reason"))
    why = next((text for text in (*refusals, *told) if text), "")
    shard = number(explained, "shard")
    return Unplaced(explained["index"], int(shard or 0), explained.get("primary") is True, str(why))
