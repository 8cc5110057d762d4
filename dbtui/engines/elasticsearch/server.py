"""What the first answers say about a cluster: which product it is, and what a user should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbtui.documents import mapping
from dbtui.engines.elasticsearch.address import Parameters
from dbtui.engines.elasticsearch.wire import Answer
from dbtui.model.server import Server

ELASTICSEARCH, OPENSEARCH = "Elasticsearch", "OpenSearch"
OLDEST = {ELASTICSEARCH: 70000, OPENSEARCH: 10000}
NEWEST = {ELASTICSEARCH: 9, OPENSEARCH: 3}  # majors that are known
READ_ONLY_NOTE = (
    "read-only is kept by the console, since the server has no such sessions: only requests whose verb and path "
    "are known to read are sent"
)
_CLOUDS = (
    (".es.amazonaws.com", "aws"),
    (".aoss.amazonaws.com", "aws serverless"),
    (".elastic-cloud.com", "elastic cloud"),
    (".cloud.es.io", "elastic cloud"),
    (".elastic.cloud", "elastic cloud"),
    (".found.io", "elastic cloud"),
    (".bonsaisearch.net", "bonsai"),
    (".aivencloud.com", "aiven"),
    (".ondigitalocean.com", "digitalocean"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What was answered; parts that were refused or are not there are empty."""

    root: Mapping[str, Any] = field(default_factory=dict)  # GET /
    node: Mapping[str, Any] = field(default_factory=dict)  # the node that answers
    cluster: str = ""
    login: Mapping[str, Any] = field(default_factory=dict)  # who the server takes us for
    elastic: bool = False  # the answers bear Elastic's own header

    @property
    def product(self) -> str:
        """Elasticsearch or OpenSearch, "" for what is neither."""
        version, tagline = mapping(self.root.get("version")), str(self.root.get("tagline", ""))
        if version.get("distribution") == "opensearch" or "OpenSearch" in tagline:
            return OPENSEARCH
        if self.elastic or tagline == "You Know, for Search":
            return ELASTICSEARCH
        if "authentication_realm" in self.login:  # of a user who may see nothing else
            return ELASTICSEARCH
        if "user_name" in self.login:
            return OPENSEARCH
        if "cluster_manager" in (self.node.get("roles") or ()):
            return OPENSEARCH
        number = ordering(self.version)
        if not number:
            return ""
        return ELASTICSEARCH if 70000 <= number < 71400 else OPENSEARCH if number < 40000 else ""

    @property
    def version(self) -> str:
        return str(mapping(self.root.get("version")).get("number") or self.node.get("version") or "")

    @property
    def serverless(self) -> bool:
        """Whether nodes, shards and their figures are hidden by the service."""
        return mapping(self.root.get("version")).get("build_flavor") == "serverless"

    @property
    def name(self) -> str:
        """Of the cluster."""
        return self.cluster or str(self.root.get("cluster_name") or "")

    @property
    def user(self) -> str:
        return str(self.login.get("username") or self.login.get("user_name") or "")


def probe_of(root: Answer, root_said: Any, nodes: Any, login: Any) -> Probe:
    """The probe made of three answers, each {} where it was refused."""
    found = mapping(mapping(nodes).get("nodes"))
    return Probe(
        root=mapping(root_said) if "version" in mapping(root_said) else {},
        node=mapping(next(iter(found.values()), {})),
        cluster=str(mapping(nodes).get("cluster_name") or ""),
        login=mapping(login),
        elastic=root.headers.get("x-elastic-product") == ELASTICSEARCH,
    )


def ordering(version: str) -> int:
    """ "8.17.0" as 81700; 0 for what is no version."""
    parts = ["".join(c for c in part if c.isdecimal()) for part in version.partition("-")[0].split(".")[:3]]
    major, minor, patch = (*(int(part or 0) for part in parts), 0, 0, 0)[:3]
    return major * 10000 + minor * 100 + patch


def server(probe: Probe, parameters: Parameters, notes: tuple[str, ...]) -> Server:
    """The cluster as the rest of the console knows it."""
    number = ordering(probe.version)
    started = mapping(probe.node.get("jvm")).get("start_time_in_millis")
    roles = probe.login.get("roles")
    return Server(
        product=probe.product,
        version=probe.version,
        version_number=number,
        role="",
        address=parameters.where,
        database=probe.name or "cluster",
        user=probe.user or parameters.user,
        cloud=_cloud(probe, parameters.host),
        superuser=isinstance(roles, list) and bool({"superuser", "all_access"} & set(map(str, roles))),
        started=started / 1000 if isinstance(started, int | float) else None,
        notes=(*notes, READ_ONLY_NOTE, *_remarks(probe, parameters, number)),
    )


def _cloud(probe: Probe, host: str) -> str:
    found = next((cloud for part, cloud in _CLOUDS if host.lower().endswith(part)), "")
    return found or ("serverless" if probe.serverless else "")


def _remarks(probe: Probe, parameters: Parameters, number: int) -> list[str]:
    told = []
    if not number:
        told.append("the version is hidden: that takes the cluster privilege monitor")
    if number and number < OLDEST.get(probe.product, 0):
        told.append(f"{probe.product} {probe.version} is older than what dbtui knows: panes may stay empty")
    if number // 10000 > NEWEST.get(probe.product, 99):
        told.append(f"{probe.product} {probe.version} is newer than what dbtui was tried on")
    if probe.serverless:
        told.append("serverless: the service shows no nodes, shards or thread pools")
    if not probe.login and not parameters.user and parameters.login == "basic":
        told.append("no login was asked for: whoever reaches the port may do anything")
    elif parameters.tls is None and parameters.host not in ("localhost", "127.0.0.1", "::1"):
        told.append("without TLS the password and all data can be read on the way")
    return told
