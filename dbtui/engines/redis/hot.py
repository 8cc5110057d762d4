"""Keys that slow commands are about: the slow log names them, and is read every few seconds anyhow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from dbtui.engines.redis.statements import Entry
from dbtui.engines.redis.words import shown
from dbtui.model.activity import Hot

SPAN = 300  # seconds of the log that count
_MOST = 5
# Commands whose second word is no key; of the others the second word is the first key (first key 1 in COMMAND INFO).
_KEYLESS = frozenset(
    b"""
    acl auth bgrewriteaof bgsave client cluster command config dbsize debug echo eval evalsha eval_ro
    evalsha_ro exec fcall fcall_ro flushall flushdb function hello info keys latency memory module
    monitor multi object ping psubscribe psync publish randomkey replicaof save scan script select
    slowlog spublish ssubscribe subscribe swapdb sync wait waitaof xgroup xinfo xread xreadgroup
    """.split()
)


def keys_of(entries: Iterable[Entry], now: float) -> tuple[Hot, ...]:
    """The keys of the entries of the last minutes, most time first; `now` is the server's clock in epoch seconds."""
    cost: Counter[bytes] = Counter()
    calls: Counter[bytes] = Counter()
    commands: dict[bytes, Counter[str]] = defaultdict(Counter)
    total = 0
    for entry in entries:
        if entry.at < now - SPAN:
            continue
        total += entry.cost
        if len(entry.words) < 2 or entry.words[0].lower() in _KEYLESS:
            continue
        key = entry.words[1]
        cost[key] += entry.cost
        calls[key] += 1
        commands[key][entry.words[0].decode("ascii", "replace").upper()] += entry.cost
    return tuple(
        Hot(
            shown(key),
            calls[key],
            spent / 1e6,
            spent / total if total else 0.0,
            commands[key].most_common(1)[0][0],
        )
        for key, spent in cost.most_common(_MOST)
    )
