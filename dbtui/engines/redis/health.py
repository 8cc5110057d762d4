"""What goes on for long: replicas, saves and rewrites, loading, a full synchronisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dbtui.engines.redis.info import number, numbered, whole
from dbtui.model.activity import Health, Progress, Replica


def of_info(info: Mapping[str, str]) -> Health:
    """Replicas and progress in one answer of INFO."""
    return Health(tuple(_replicas(info)), tuple(_progress(info)))


def _replicas(info: Mapping[str, str]) -> Iterator[Replica]:
    sent = whole(info.get("master_repl_offset"))
    for name, each in numbered(info, "slave"):
        if "state" not in each:
            continue
        offset = number(each.get("offset"))
        yield Replica(
            name=f"replica {name}",
            client=f"{each.get('ip', '')}:{each.get('port', '')}",
            state=each["state"],
            lag_bytes=None if offset is None else max(0, sent - int(offset)),
            lag_seconds=number(each.get("lag")),
        )


def _progress(info: Mapping[str, str]) -> Iterator[Progress]:
    if info.get("loading") == "1" or info.get("async_loading") == "1":
        done, total = whole(info.get("loading_loaded_bytes")), number(info.get("loading_total_bytes"))
        yield Progress("", "LOADING", "reading the data set", "", done, total, "bytes")
    if info.get("rdb_bgsave_in_progress") == "1":
        done, total = (
            whole(info.get("current_save_keys_processed")),
            number(info.get("current_save_keys_total")),
        )
        yield Progress("", "BGSAVE", "writing", "dump", done, total or None, "keys")
    if info.get("aof_rewrite_in_progress") == "1":
        done, total = (
            whole(info.get("current_save_keys_processed")),
            number(info.get("current_save_keys_total")),
        )
        yield Progress("", "BGREWRITEAOF", "writing", "append-only file", done, total or None, "keys")
    if info.get("master_sync_in_progress") == "1":
        total = max(0.0, number(info.get("master_sync_total_bytes")) or 0.0) or None  # -1 while it is unknown
        left = whole(info.get("master_sync_left_bytes"))
        read = whole(info.get("master_sync_read_bytes"), int(total - left) if total else 0)
        who = info.get("master_host", "")
        yield Progress("", "FULL SYNC", "reading from the primary", who, read, total, "bytes")
