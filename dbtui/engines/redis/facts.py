"""The facts of one node of the tree."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from dbtui import text
from dbtui.engines.redis import values
from dbtui.engines.redis.info import pairs as pairs_of
from dbtui.engines.redis.info import sections, whole
from dbtui.engines.redis.keys import Look
from dbtui.engines.redis.session import Connection
from dbtui.engines.redis.words import argument, shown
from dbtui.errors import DbtuiError, PermissionDenied, QueryError
from dbtui.model.catalog import Detail, Fact, Node, filled

SAMPLED = 200  # keys of a namespace that are looked at more closely
_GLOB = re.compile(rb"[*?\[\]\\]")


def remaining(milliseconds: int | None) -> str:
    """The time that a key has left; "" for one without an end."""
    return text.duration(milliseconds / 1000) if milliseconds is not None and milliseconds >= 0 else ""


def known(kind: Any, key: bytes) -> str:
    """The type that TYPE answered. Raises QueryError for a key that is no longer there."""
    name = kind.decode("utf-8", "replace") if isinstance(kind, bytes) else str(kind)
    if name == "none":
        raise QueryError(f"the key {shown(key)} is no longer there", "it was deleted or has expired")
    return name


async def key(connection: Connection, node: Node, raw: bytes) -> Detail:
    """A key: its type, size and time to live; its value is read only when asked for."""
    kind, ttl, encoding, memory = await connection.ask_all(
        [("TYPE", raw), ("PTTL", raw), ("OBJECT", "ENCODING", raw), ("MEMORY", "USAGE", raw)]
    )
    if isinstance(kind, DbtuiError):
        raise kind
    kind = known(kind, raw)
    told = [
        ("Type", kind),
        ("Encoding", _said(encoding)),
        *await _size(connection, raw, kind),
        ("Expires in", remaining(ttl) or "never" if isinstance(ttl, int) else _said(ttl)),
        ("Memory", text.size(memory) if isinstance(memory, int) else _said(memory)),
        ("Name", f"{len(raw)} bytes"),
    ]
    if kind == "stream":
        told += await _groups(connection, raw)
    return Detail(node, tuple((label, value) for label, value in told if value), values.typed(kind, raw))


async def _size(connection: Connection, raw: bytes, kind: str) -> list[Fact]:
    reader = values.READERS.get(kind)
    if reader is None or not reader.size:
        return []
    (count,) = await connection.ask_all([(reader.size, raw)])
    return [(reader.noun.capitalize(), f"{count:,}" if isinstance(count, int) else _said(count))]


async def _groups(connection: Connection, raw: bytes) -> list[Fact]:
    (found,) = await connection.ask_all([("XINFO", "GROUPS", raw)])
    if not isinstance(found, list):
        return []
    told = []
    for group in found:
        each = group if isinstance(group, dict) else dict(zip(group[::2], group[1::2], strict=False))
        name = shown(each.get(b"name") or b"")
        lag = each.get(b"lag")
        behind = f", {lag:,} behind" if isinstance(lag, int) else ""
        told.append(
            (f"Group {name}", f"{each.get(b'consumers')} consumers, {each.get(b'pending')} pending{behind}")
        )
    return told


async def namespace(connection: Connection, node: Node, prefix: bytes, look: Look) -> Detail:
    """A namespace: what its keys are, by a part of them, and how many that is."""
    keys = [each for each in look.keys if each.startswith(prefix)]
    sample = keys[:: max(1, len(keys) // SAMPLED)][:SAMPLED]
    asked = [
        question
        for each in sample
        for question in (("TYPE", each), ("PTTL", each), ("MEMORY", "USAGE", each))
    ]
    answers = await connection.ask_all(asked, timeout=10.0) if asked else []
    kinds = Counter(each.decode("utf-8", "replace") for each in answers[::3] if isinstance(each, bytes))
    kinds.pop("none", None)
    ending = sum(isinstance(each, int) and each >= 0 for each in answers[1::3])
    sizes = [each for each in answers[2::3] if isinstance(each, int)]
    told = [
        (
            "Keys",
            f"{len(keys):,}" + ("" if look.complete else f" among {look.seen:,} of {look.total:,} scanned"),
        )
    ]
    if sample:
        told += [
            ("Looked at", f"{len(sample):,}"),
            (
                "Types",
                ", ".join(f"{kind} {text.percent(n / len(sample))}" for kind, n in kinds.most_common()),
            ),
            ("Expiring", text.percent(ending / len(sample))),
        ]
    if sizes:
        told += [("Memory each", text.size(sum(sizes) / len(sizes))), ("Largest", text.size(max(sizes)))]
        told.append(("Memory in all", f"about {text.size(sum(sizes) / len(sizes) * len(keys))}"))
    elif refused := next((each for each in answers[2::3] if isinstance(each, PermissionDenied)), None):
        told.append(("Memory", f"hidden: {refused.remedy}"))
    pattern = argument(_GLOB.sub(rb"\\\g<0>", prefix) + b"*")
    return Detail(node, tuple(told), f"SCAN 0 MATCH {pattern} COUNT 1000")


async def database(connection: Connection, node: Node) -> Detail:
    """A database, with the server's memory and what it does when that is full."""
    keyspace, memory = await connection.ask_all([("INFO", "keyspace"), ("INFO", "memory")])
    told: list[Fact] = []
    if isinstance(keyspace, bytes):
        each = pairs_of(sections(keyspace).get(f"db{node.path[0]}", ""))
        count, expires = whole(each.get("keys")), whole(each.get("expires"))
        told.append(("Keys", f"{count:,}"))
        told.append(("Expiring", f"{expires:,} ({text.percent(expires / count)})" if count else ""))
        average = whole(each.get("avg_ttl"))
        told.append(("Average time to live", text.duration(average / 1000) if average else ""))
    if isinstance(memory, bytes):
        info = sections(memory)
        told.append(("Memory of the server", text.size(whole(info.get("used_memory")))))
        told.append(
            ("Its limit", text.size(whole(info.get("maxmemory"))) if whole(info.get("maxmemory")) else "none")
        )
        told.append(("When it is full", info.get("maxmemory_policy", "")))
    return Detail(node, filled(told), "INFO keyspace")


def _said(answer: Any) -> str:
    """An answer as a fact; of a missing privilege the rule that would grant it."""
    if isinstance(answer, PermissionDenied):
        return f"hidden: {answer.remedy}"
    if isinstance(answer, DbtuiError):
        return answer.message
    return (
        answer.decode("utf-8", "replace")
        if isinstance(answer, bytes)
        else ""
        if answer is None
        else str(answer)
    )
