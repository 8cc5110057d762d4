"""What a new session's first answers say about the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbtui.engines.redis.address import Parameters
from dbtui.engines.redis.info import sections, text_of, whole
from dbtui.model.server import Server

OLDEST = 60000
READ_ONLY_NOTE = (
    "read-only is kept by the console, since the server has no such sessions: only commands that it flags as "
    "readonly are sent"
)
_ROLES = {"master": "primary", "slave": "replica", "replica": "replica"}
_CLOUDS = (
    (".cache.amazonaws.com", "elasticache"),
    (".memorydb.", "memorydb"),
    (".redis.cache.windows.net", "azure"),
    (".redis.azure.net", "azure"),
    (".upstash.io", "upstash"),
    (".redislabs.com", "redis cloud"),
    (".redis-cloud.com", "redis cloud"),
    (".aivencloud.com", "aiven"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What was answered; parts that were refused are empty."""

    hello: Mapping[str, str] = field(default_factory=dict)
    info: Mapping[str, str] = field(default_factory=dict)
    user: str = "default"
    id: int = 0  # of this client
    refusals: tuple[str, ...] = ()  # codes: BUSY, NOPERM, …

    @property
    def run_id(self) -> str:
        """Changes with each start of the server; "" where it is hidden."""
        return self.info.get("run_id", "")

    @property
    def product(self) -> str:
        info, name = self.info, self.info.get("server_name") or self.hello.get("server", "")
        if name == "valkey" or "valkey_version" in info:
            return "Valkey"
        if "dragonfly_version" in info:
            return "Dragonfly"
        if "keydb" in info.get("executable", "").lower():
            return "KeyDB"
        return "Redis"

    @property
    def version(self) -> str:
        info = self.info
        own = info.get("valkey_version") or info.get("dragonfly_version") or info.get("redis_version")
        return (own or self.hello.get("version", "")).removeprefix("df-v")

    @property
    def mode(self) -> str:
        """standalone, cluster or sentinel."""
        info = self.info
        return info.get("redis_mode") or info.get("server_mode") or self.hello.get("mode", "")

    @property
    def role(self) -> str:
        if self.mode == "sentinel":
            return "sentinel"
        return _ROLES.get(self.info.get("role") or self.hello.get("role", ""), "")


def read_hello(answer: Any) -> dict[str, str]:
    """The answer of HELLO: a map, or a flat list of a server of the older protocol."""
    if isinstance(answer, list):
        answer = dict(zip(answer[::2], answer[1::2], strict=False))
    if not isinstance(answer, dict):
        return {}
    return {
        text_of(name): text_of(value) for name, value in answer.items() if not isinstance(value, list | dict)
    }


def read_info(answer: Any) -> dict[str, str]:
    return sections(answer) if isinstance(answer, bytes) else {}


def ordering(version: str) -> int:
    """ "9.1.2" as 90102."""
    parts = [whole("".join(c for c in part if c.isdigit())) for part in version.split(".")[:3]]
    major, minor, patch = (*parts, 0, 0, 0)[:3]
    return major * 10000 + minor * 100 + patch


def server(probe: Probe, parameters: Parameters, notes: tuple[str, ...]) -> Server:
    """The server as the rest of the console knows it."""
    info = probe.info
    now, uptime = whole(info.get("server_time_usec")), whole(info.get("uptime_in_seconds"))
    number = ordering(probe.version)
    return Server(
        product=probe.product,
        version=probe.version,
        version_number=number,
        role=probe.role,
        address=parameters.where,
        database=parameters.database,
        user=probe.user,
        cloud=_cloud(probe, parameters.host),
        started=now / 1e6 - uptime if now else None,
        notes=(*notes, READ_ONLY_NOTE, *_remarks(probe, number)),
    )


def _cloud(probe: Probe, host: str) -> str:
    if "elasticache" in probe.info.get("os", "").lower():
        return "elasticache"
    return next((cloud for part, cloud in _CLOUDS if part in host.lower()), "")


def _remarks(probe: Probe, number: int) -> list[str]:
    told = []
    if 0 < number < OLDEST and probe.product == "Redis":
        told.append(
            f"{probe.product} {probe.version} is older than 6.0, the oldest dbtui knows: panes may stay empty"
        )
    if probe.mode == "cluster":
        told.append(
            "this is one node of a cluster: keys, clients and figures of its other nodes are not here"
        )
    if probe.mode == "sentinel":
        told.append("this is a Sentinel, which holds no data: SENTINEL MASTERS names the servers it watches")
    if probe.info.get("loading") == "1":
        told.append("the server is loading its data set: until that is done it answers little")
    if "BUSY" in probe.refusals:
        told.append("a script has blocked the server for long: x on its row kills it")
    return told
