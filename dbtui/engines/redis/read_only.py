"""What only reads, decided before anything is sent: the server itself has no read-only sessions.

A typed command is sent when the server flags it as `readonly` (COMMAND INFO) and as nothing that acts: not write,
admin or pubsub, and in none of the ACL categories @write, @admin, @dangerous and @scripting. Those flags are about
data, so what reads the server's own state is a list of names here. Two commands carry the flag and change something
all the same: PFCOUNT stores the count that it made, TOUCH exists to change an access time.

Arguments go as counted bytes, so that none of them can become a second command; and each text is one command.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from dbtui.engines.redis.wire import Command
from dbtui.errors import NotApproved, QueryError


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The console's own commands: they read, and SELECT turns to a database.
OWN = _names(
    "info client|list client|info client|no-touch slowlog|get commandlog|get latency|latest function|stats select "
    "command|info command|docs command|getkeys ft.explain config|get scan type pttl object|encoding memory|usage "
    "exists dbsize strlen getrange llen lrange hlen hscan scard sscan zcard zrange xlen xrange xinfo|groups json.get "
    "json.type ping"
)
# What reads the server's own state, though the server does not flag it as readonly.
STATE = _names(
    "info ping echo time role lastsave command command|count command|docs command|getkeys command|getkeysandflags "
    "command|info command|list client|list client|info client|id client|getname client|getredir "
    "client|trackinginfo config|get slowlog|get slowlog|len commandlog|get commandlog|len latency|latest "
    "latency|history latency|doctor latency|graph latency|histogram memory|stats memory|doctor "
    "memory|malloc-stats acl|whoami acl|cat acl|users acl|dryrun cluster|info cluster|nodes cluster|slots "
    "cluster|shards cluster|myid cluster|myshardid cluster|keyslot cluster|countkeysinslot cluster|getkeysinslot "
    "cluster|links cluster|slot-stats cluster|replicas script|exists function|list function|stats module|list "
    "pubsub|channels pubsub|numsub pubsub|numpat pubsub|shardchannels pubsub|shardnumsub sentinel|masters "
    "sentinel|master sentinel|replicas sentinel|sentinels sentinel|get-master-addr-by-name hotkeys|get"
)
# What servers are known to flag as readonly: for a judgement without asking. What is sent is decided by their flags.
DATA = _names(
    "bitcount bitfield_ro bitpos dbsize dump exists expiretime geodist geohash geopos georadius_ro "
    "georadiusbymember_ro geosearch get getbit getrange hexists hexpiretime hget hgetall hkeys hlen hmget hpexpiretime "
    "hpttl hrandfield hscan hstrlen httl hvals lcs lindex llen lolwut lpos lrange memory|usage mget object|encoding "
    "object|freq object|idletime object|refcount pexpiretime pttl randomkey scan scard sdiff sinter sintercard "
    "sismember smembers smismember srandmember sscan strlen substr sunion ttl type xinfo|consumers xinfo|groups "
    "xinfo|stream xlen xpending xrange xread xrevrange zcard zcount zdiff zinter zintercard zlexcount zmscore "
    "zrandmember zrange zrangebylex zrangebyscore zrank zrevrange zrevrangebylex zrevrangebyscore zrevrank zscan "
    "zscore zunion"
)
_CONTAINERS = _names(
    "acl client cluster command commandlog config function hotkeys latency memory module object pubsub script "
    "sentinel slowlog xgroup xinfo debug"
)
_ACTS = frozenset({"write", "admin", "pubsub"})
_ACTING = frozenset({"@write", "@admin", "@dangerous", "@scripting", "@pubsub"})
_REASONS = {
    "keys": "KEYS stops the server for all until it has looked at every key: SCAN 0 MATCH … COUNT 1000 does not",
    "monitor": "MONITOR can halve what the server gets done",
    "pfcount": "PFCOUNT stores the count that it has made",
    "touch": "TOUCH changes when keys were last used",
    "select": "choose the database in the tree",
    "auth": "each connection logs in by itself",
    "hello": "each connection logs in by itself",
}

Describe = Callable[[Sequence[str]], Awaitable[list[Any]]]


def name_of(command: Command) -> str:
    """The name of a command in lower case, with its subcommand after a bar where it is a group of them."""
    words = [_name(word) for word in command[:2]]
    if not words or "|" in words[0]:
        return ""
    return "|".join(words) if words[0] in _CONTAINERS else words[0]


def keys_of(command: Command) -> tuple[bytes, ...]:
    """The key of a command on one key; what a missing privilege is about."""
    at = 2 if "|" in name_of(command) else 1
    return (_bytes(command[at]),) if len(command) > at else ()


def check_own(command: Command) -> None:
    """Raise NotApproved unless it is one of the console's own commands."""
    if name_of(command) not in OWN:
        raise NotApproved(
            f"read-only: {name_of(command)} is not sent here", "approve it as a write to run it"
        )


class Guard:
    """The check of typed commands; it remembers what the server said about them."""

    def __init__(self) -> None:
        self._verdicts: dict[str, str] = {}

    async def check(self, words: Sequence[bytes], describe: Describe) -> None:
        """Raise NotApproved unless a command only reads, QueryError for one that there is not.

        `describe` asks COMMAND INFO.
        """
        name = name_of(words)
        if name in STATE or name.endswith("|help"):
            return
        reason = _REASONS.get(name)
        if reason is None:
            if name not in self._verdicts:
                first = name.partition("|")[0]
                described = await describe([name] if first == name else [first, name])
                if first and described and described[0] is None:
                    raise QueryError(
                        f"the server has no command {first.upper()}", "COMMAND LIST names all that there are"
                    )
                self._verdicts[name] = verdict(name, described)
            reason = self._verdicts[name]
        if reason:
            raise NotApproved(f"read-only: {reason}", "approve it as a write to run it")


def verdict(name: str, described: Sequence[Any]) -> str:
    """Why a command is not let through, "" when it only reads.

    `described` answers COMMAND INFO for the command, or for a group and then its subcommand; before version 7
    groups had flags for all of their subcommands at once.
    """
    entries = [entry for entry in described if isinstance(entry, list) and len(entry) > 2]
    if not entries or not name:
        return f"the server does not know {name.replace('|', ' ').upper() or 'this command'}"
    entry = entries[-1]
    flags = {_name(flag) for flag in entry[2]}
    categories = {_name(category) for category in entry[6]} if len(entry) > 6 else {"@unknown"}
    shown = name.replace("|", " ").upper()
    if acting := sorted((flags & _ACTS) | {c.removeprefix("@") for c in categories & _ACTING}):
        return f"{shown} is flagged as {', '.join(acting)}"
    if "readonly" not in flags or "@unknown" in categories:
        return f"{shown} is not flagged as readonly"
    return ""


def hidden(words: Sequence[bytes], answer: Any) -> Any:
    """The answer of CONFIG GET without passwords; any other as it is."""
    if name_of(words) != "config|get":
        return answer
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2], strict=False))
    if not isinstance(answer, Mapping):
        return answer
    return {name: b"(hidden)" if _secret(name) and value else value for name, value in answer.items()}


def _secret(name: object) -> bool:
    text = _name(name)
    return text.endswith(("pass", "auth", "password")) or "secret" in text


def _bytes(word: object) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode("utf-8", "surrogateescape")


def _name(word: object) -> str:
    return _bytes(word).decode("latin-1").lower()
