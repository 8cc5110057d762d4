"""What goes on for long: shards that are copied or read back, beside the tasks that count documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.engines.elasticsearch.documents import number
from dbtui.model.activity import Progress


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
