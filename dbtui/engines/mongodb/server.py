"""What a server says about itself when it is opened: hello, buildInfo, serverStatus, connectionStatus."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dbtui.documents import listing, mapping
from dbtui.model.server import Server

_CLOUDS = (
    (".mongodb.net", "atlas"),
    (".docdb.amazonaws.com", "aws"),
    (".cosmos.azure.com", "azure"),
    (".mongocluster.cosmos.azure.com", "azure"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What the server is. Everything is its own text, unchanged."""

    product: str  # "MongoDB", "FerretDB", "DocumentDB"
    version: str  # the product's own
    protocol: str  # the version of MongoDB that it answers as
    user: str
    database: str  # of the URL, "" without one
    place: str  # host:port that answered
    mongos: bool
    replica_set: str
    role: str
    enforces_roles: bool  # FerretDB lets every user do everything

    @property
    def is_mongod(self) -> bool:
        return self.product == "MongoDB" and not self.mongos

    @property
    def name(self) -> str:
        """Product and version in a sentence."""
        return f"{self.product} {self.version}"


def probe_of(
    hello: Mapping[str, Any],
    build: Mapping[str, Any],
    connection: Mapping[str, Any],
    *,
    place: str,
    database: str,
) -> Probe:
    """The probe in the server's answers; what is missing is taken for absent."""
    users = listing(mapping(connection.get("authInfo")).get("authenticatedUsers"))
    product, version = _product(hello, build)
    return Probe(
        product=product,
        version=version,
        protocol=str(build.get("version", "")),
        user=str(mapping(users[0]).get("user", "")) if users else "",
        database=database,
        place=str(hello.get("me") or place),
        mongos=hello.get("msg") == "isdbgrid" and product == "MongoDB",
        replica_set=str(hello.get("setName", "")),
        role=_role(hello),
        enforces_roles=product != "FerretDB",
    )


def _product(hello: Mapping[str, Any], build: Mapping[str, Any]) -> tuple[str, str]:
    ferret = mapping(build.get("ferretdb"))
    if ferret:
        return "FerretDB", str(ferret.get("version", "")).removeprefix("v")
    internal = mapping(hello.get("internal"))
    versions = listing(internal.get("documentdb_versions") or internal.get("cosmos_versions"))
    if versions:
        return "DocumentDB", str(versions[0])
    return "MongoDB", str(build.get("version", ""))


def _role(hello: Mapping[str, Any]) -> str:
    if hello.get("msg") == "isdbgrid":
        return "router"
    if hello.get("isWritablePrimary") or hello.get("ismaster"):
        return "primary"
    if hello.get("secondary"):
        return "replica"
    return "arbiter" if hello.get("arbiterOnly") else "recovering"


def server_of(
    probe: Probe, hello: Mapping[str, Any], status: Mapping[str, Any], *, notes: tuple[str, ...]
) -> Server:
    """The server as the rest of the console knows it. `status` is of serverStatus, empty where it is refused."""
    return Server(
        product=probe.product,
        version=probe.version,
        version_number=version_number(probe.version),
        role=probe.role,
        address=probe.place,
        database=probe.database or "test",
        user=probe.user,
        cloud=_cloud(probe.place),
        started=_started(status),
        notes=(*notes, *_notes(probe, hello, status)),
    )


def _notes(probe: Probe, hello: Mapping[str, Any], status: Mapping[str, Any]) -> list[str]:
    found: list[str] = []
    if probe.product != "MongoDB":
        below = str(mapping(status.get("ferretdb")).get("documentdb", "")).split(" ")[0]
        store = f", over DocumentDB {below}" if below else ""
        found.append(f"{probe.name} answers as MongoDB {probe.protocol}{store}")
    if not probe.enforces_roles:
        found.append(
            f"{probe.product} lets every user write: only this console's list of commands holds read-only"
        )
    if probe.mongos:
        found.append("a router (mongos): sessions are those of all shards, counters are the router's own")
    if probe.role == "replica":
        found.append(
            f"a secondary of {probe.replica_set}: its primary is {hello.get('primary', 'not known')}"
        )
    if probe.role == "recovering":
        found.append("the server is starting or recovering: it answers no queries yet")
    number = version_number(probe.protocol)
    if probe.product == "MongoDB" and number < 50000:
        found.append(
            f"MongoDB {probe.version} is older than 5.0, the oldest dbtui knows: some panes may stay empty"
        )
    return found


def version_number(version: str) -> int:
    """70005 for 7.0.5: major * 10000 + minor * 100 + patch; 0 for what is no version."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    parts += [0] * (3 - len(parts))
    return parts[0] * 10000 + min(parts[1], 99) * 100 + min(parts[2], 99)


def _cloud(place: str) -> str:
    host = place.rpartition(":")[0].lower()
    return next((name for suffix, name in _CLOUDS if host.endswith(suffix)), "")


def _started(status: Mapping[str, Any]) -> float | None:
    now, up = status.get("localTime"), status.get("uptimeMillis")
    if not isinstance(now, datetime) or not isinstance(up, int | float):
        return None
    return now.timestamp() - up / 1000
