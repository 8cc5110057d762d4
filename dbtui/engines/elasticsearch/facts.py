"""The facts of one node of the tree."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui import text
from dbtui.documents import mapping, mappings, number
from dbtui.engines.elasticsearch.connection import Connection
from dbtui.engines.elasticsearch.failures import lacks
from dbtui.engines.elasticsearch.folders import Folder
from dbtui.engines.elasticsearch.server import OPENSEARCH
from dbtui.engines.elasticsearch.words import own
from dbtui.errors import PermissionDenied, QueryError
from dbtui.model.catalog import Column, Detail, Fact, Kind, Node, Table, filled

REPORTS = (
    ("Hot threads", "what its threads do, for 500 ms"),
    ("Thread pools", "active, queued and rejected"),
    ("Settings", "of the node"),
)
_LOOK = 10.0  # seconds
_MADE_BY_SERVER = frozenset({"creation_date", "uuid", "provided_name", "version", "resize", "history"})


async def cluster(connection: Connection, node: Node) -> Detail:
    """The cluster: its health, what it holds, and what an administrator has set."""
    health = mapping(await connection.get("_cluster", "health"))
    told: list[Fact] = [("Status", str(health.get("status") or ""))]
    for label, key in (
        ("Nodes", "number_of_nodes"), ("Data nodes", "number_of_data_nodes"), ("Primaries", "active_primary_shards"),
        ("Shards", "active_shards"), ("Relocating", "relocating_shards"), ("Initializing", "initializing_shards"),
        ("Unassigned", "unassigned_shards"), ("Delayed", "delayed_unassigned_shards"),
        ("Pending tasks", "number_of_pending_tasks"),
    ):  # fmt: skip
        if (count := number(health, key)) is not None:
            told.append((label, f"{int(count):,}"))
    waits = number(health, "task_max_waiting_in_queue_millis")
    told.append(("Longest pending", text.duration(waits / 1000) if waits else ""))
    stats, why = await _asked(connection, "_cluster", "stats")
    if why:
        told.append(("Contents", why))
    indices = mapping(mapping(stats).get("indices"))
    told += [
        ("Indices", _count(indices, "count")),
        ("Documents", _count(indices, "docs.count")),
        ("Store", text.size(number(indices, "store.size_in_bytes"))),
        ("Segments", _count(indices, "segments.count")),
    ]
    settings, why = await _asked(connection, "_cluster", "settings", flat_settings=True)
    told.append(("Settings", why))
    told += await _visible(connection, indices)
    return Detail(node, filled(told), _put("_cluster/settings", settings) if settings else "")


async def _visible(connection: Connection, indices: Mapping[str, Any]) -> list[Fact]:
    """How many indices the user may see, where those are not all."""
    total = number(indices, "count")
    listed, why = await _asked(
        connection, "_cat", "indices", format="json", h="index", expand_wildcards="all"
    )
    if why:
        return [("Indices seen", why)]
    if total is None or not isinstance(listed, list) or len(listed) >= total:
        return []
    needs = "the index privileges monitor and view_index_metadata show the others"
    return [("Indices seen", f"{len(listed)} of {int(total)}: {needs}")]


async def index(connection: Connection, node: Node, columns: tuple[Column, ...]) -> Detail:
    """An index, an alias or a data stream: how large, how busy, its settings and the request that would make it."""
    definition = mapping(await connection.get(node.name, timeout=_LOOK, flat_settings=True))
    stats, why = await _asked(
        connection, node.name, "_stats", "docs,store,search,indexing,get,refresh,merge,segments"
    )
    told: list[Fact] = _storage(mapping(stats)) if not why else [("Statistics", why)]
    if node.kind is Kind.TABLE:
        first = mapping(next(iter(definition.values()), {}))
        told += _set(mapping(first.get("settings")))
        told.append(("Aliases", ", ".join(mapping(first.get("aliases")))))
        told += await _lifecycle(connection, node.name)
        ddl = _put(_quoted(node.name), _made(first))
    else:
        told.insert(0, ("Indices", ", ".join(definition)))
        ddl = (
            _aliased(node.name, definition)
            if node.kind is Kind.VIEW
            else f"PUT /_data_stream/{_quoted(node.name)}"
        )
    path = (*node.path[:1], node.name)
    return Detail(node, filled(told), ddl, Table(node.kind, path, columns))


def _aliased(name: str, definition: Mapping[str, Any]) -> str:
    """The request that makes an alias of the indices that have it."""
    options = {
        index: mapping(mapping(mapping(entry).get("aliases")).get(name))
        for index, entry in definition.items()
    }
    actions = [{"add": {"index": index, "alias": name, **kept}} for index, kept in options.items()]
    return "POST /_aliases\n" + json.dumps({"actions": actions}, indent=2, ensure_ascii=False)


def _storage(stats: Mapping[str, Any]) -> list[Fact]:
    total, primaries = (mapping(mapping(stats.get("_all")).get(part)) for part in ("total", "primaries"))
    told = [
        ("Documents", _count(primaries, "docs.count")),
        ("Deleted", _count(primaries, "docs.deleted") if number(primaries, "docs.deleted") else ""),
        ("Primaries", text.size(number(primaries, "store.size_in_bytes"))),
        ("With copies", text.size(number(total, "store.size_in_bytes"))),
        ("Segments", _count(total, "segments.count")),
    ]
    for label, count, spent in (
        ("Searches", "search.query_total", "search.query_time_in_millis"),
        ("Indexed", "indexing.index_total", "indexing.index_time_in_millis"),
    ):
        ran, took = number(total, count), number(total, spent)
        if ran:
            told.append((label, f"{int(ran):,} at {text.milliseconds((took or 0.0) / ran)}"))
    return told


def _set(settings: Mapping[str, Any]) -> list[Fact]:
    """What an administrator looks for among the settings: copies, blocks, refresh, slow logs."""
    told = [
        ("Shards", str(settings.get("index.number_of_shards") or "")),
        ("Replicas", str(settings.get("index.number_of_replicas") or "")),
        ("Refresh", str(settings.get("index.refresh_interval") or "")),
        ("Tier", str(settings.get("index.routing.allocation.include._tier_preference") or "")),
    ]
    for name, value in settings.items():
        if name.startswith("index.blocks.") and str(value).lower() == "true":
            told.append(("Block", f"{name.removeprefix('index.blocks.')}: PUT _settings with null lifts it"))
        if "slowlog.threshold" in name and str(value) != "-1":
            told.append(
                (name.removeprefix("index.").replace(".slowlog.threshold.", " slow log "), str(value))
            )
    return told


async def _lifecycle(connection: Connection, name: str) -> list[Fact]:
    """Where an index stands in its lifecycle, of ILM or ISM; nothing where the product has none."""
    ism = connection.server.product == OPENSEARCH
    segments = ("_plugins", "_ism", "explain", name) if ism else (name, "_ilm", "explain")
    answer, why = await _asked(connection, *segments)
    found = mapping(mapping(mapping(answer).get("indices", answer)).get(name))
    policy = (
        found.get("policy")
        or found.get("policy_id")
        or found.get("index.plugins.index_state_management.policy_id")
    )
    if not policy:
        return [("Lifecycle", why)] if why else []
    step = "/".join(
        str(found[part]) for part in ("phase", "action", "step") if isinstance(found.get(part), str)
    )
    step = step or str(mapping(found.get("state")).get("name") or "")
    failed = mapping(found.get("step_info")).get("reason")
    return [("Lifecycle", f"{policy} {step}".rstrip()), ("Failed step", str(failed or ""))]


def _made(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A definition without what the server itself put there."""
    settings = {
        name: value
        for name, value in mapping(entry.get("settings")).items()
        if name.removeprefix("index.").partition(".")[0] not in _MADE_BY_SERVER
    }
    made = {"settings": settings, "mappings": entry.get("mappings"), "aliases": entry.get("aliases")}
    return {name: value for name, value in made.items() if value}


async def shards(connection: Connection, folder: Node) -> Sequence[Node]:
    """The copies of an index's shards, and where they are."""
    columns = "shard,prirep,state,docs,store,node,unassigned.reason"
    found = await connection.get(
        "_cat", "shards", folder.path[1], timeout=_LOOK, format="json", bytes="b", h=columns, s="shard,prirep"
    )
    made = []
    for place, entry in enumerate(entry for entry in found if isinstance(entry, Mapping)):
        kind = "primary" if entry.get("prirep") == "p" else "replica"
        state = str(entry.get("state") or "")
        store = str(entry.get("store") or "")
        made.append(
            Node(
                Kind.SHARD,
                f"{entry.get('shard')} {kind}",
                (*folder.path, f"{entry.get('shard')} {kind} {place}"),
                detail=str(entry.get("node") or entry.get("unassigned.reason") or ""),
                size=int(store) if store.isdecimal() else None,
                leaf=True,
                note="" if state == "STARTED" else state.lower(),
            )
        )
    return made


async def shard(connection: Connection, node: Node) -> Detail:
    """One copy of a shard; of one that is not assigned, why."""
    told: list[Fact] = [("State", node.note or "started"), ("On" if not node.note else "Since", node.detail)]
    if node.note != "unassigned":
        return Detail(node, filled(told))
    name, _, rest = node.name.partition(" ")
    body = {"index": node.path[1], "shard": int(name), "primary": rest.startswith("primary")}
    request = own("POST", "_cluster", "allocation", "explain", body=body)
    try:
        answer = json.loads((await connection.send(request, timeout=_LOOK)).body)
    except QueryError as error:
        return Detail(node, filled([*told, ("Why", str(error))]))
    told.append(("Why", str(answer.get("allocate_explanation") or answer.get("can_allocate") or "")))
    told += [
        (str(decision.get("node_name") or ""), str(decider.get("explanation") or ""))
        for decision in mappings(answer.get("node_allocation_decisions"))
        for decider in mappings(decision.get("deciders"))
    ]
    return Detail(node, filled(told), json.dumps(answer, indent=2, ensure_ascii=False))


async def node(connection: Connection, node: Node) -> Detail:
    """A node: its load, memory, disk, breakers, and what its thread pools have turned away."""
    kinds = "os,process,jvm,fs,thread_pool,breaker,http,indices"
    found = mapping(
        mapping(await connection.get("_nodes", node.name, "stats", kinds, timeout=_LOOK)).get("nodes")
    )
    stats = mapping(next(iter(found.values()), {}))
    if not stats:
        raise QueryError(f"node {node.name} is no longer there", "reload the tree")
    uptime = number(stats, "jvm.uptime_in_millis")
    told: list[Fact] = [
        ("Address", str(stats.get("transport_address") or "")),
        ("Roles", ", ".join(map(str, stats.get("roles") or ()))),
        ("Up", text.duration(uptime / 1000) if uptime else ""),
        ("CPU", f"{stats['os']['cpu']['percent']} %" if number(stats, "os.cpu.percent") is not None else ""),
        ("Heap", _of(stats, "jvm.mem.heap_used_in_bytes", "jvm.mem.heap_max_in_bytes")),
        ("Disk free", _of(stats, "fs.total.available_in_bytes", "fs.total.total_in_bytes")),
        ("Documents", _count(stats, "indices.docs.count")),
        ("HTTP clients", _count(stats, "http.current_open")),
    ]
    for name, breaker in mapping(stats.get("breakers")).items():
        if number(mapping(breaker), "tripped") or name == "parent":
            share = _of(mapping(breaker), "estimated_size_in_bytes", "limit_size_in_bytes")
            told.append((f"Breaker {name}", f"{share}, tripped {_count(mapping(breaker), 'tripped')}"))
    for name, pool in mapping(stats.get("thread_pool")).items():
        rejected, queue = number(mapping(pool), "rejected"), number(mapping(pool), "queue")
        if rejected or queue:
            told.append((f"Pool {name}", f"{int(queue or 0)} queued, {int(rejected or 0)} rejected"))
    return Detail(node, filled(told))


async def report(connection: Connection, node: Node) -> Detail:
    """A text about a node that is asked for when it is looked at."""
    name, title = node.path[-2], node.path[-1]
    if title == REPORTS[0][0]:
        request = own("GET", "_nodes", name, "hot_threads", threads=3, interval="500ms", timeout="5s")
        said = (await connection.send(request, timeout=_LOOK)).body.decode("utf-8", "replace")
    elif title == REPORTS[1][0]:
        columns = "name,active,size,queue,rejected,largest,completed"
        request = own(
            "GET",
            "_cat",
            "thread_pool",
            format="text",
            v=True,
            h=f"node_name,{columns}",
            s="rejected:desc,active:desc",
        )
        lines = (await connection.send(request, timeout=_LOOK)).body.decode("utf-8", "replace").splitlines()
        # Without the cells of the first column, which says the same all along.
        whose = lines[0].index(" name") + 1 if lines else 0
        said = "\n".join(line[whose:] for line in lines if line.split(" ")[0] in ("node_name", name))
    else:
        answer = await connection.get("_nodes", name, "settings", timeout=_LOOK, flat_settings=True)
        said = json.dumps(mapping(answer).get("nodes"), indent=2, ensure_ascii=False)
    return Detail(node, (("Node", name), ("Taken", "now: it is asked for anew each time")), said)


async def definition(connection: Connection, node: Node, folder: Folder) -> Detail:
    """A template, pipeline, policy or repository: the request that would make it."""
    product = connection.server.product
    answer = await connection.get(*folder.paths[product], node.name, timeout=_LOOK)
    inner = _unwrapped(mapping(answer), node.name)
    where = "/".join((*folder.paths[product], _quoted(node.name)))
    return Detail(node, filled([("About", node.detail)]), _put(where, inner))


def _unwrapped(answer: Mapping[str, Any], name: str) -> Any:
    """What a PUT would take, out of what the product puts around it."""
    for outer, inner in (
        ("index_templates", "index_template"),
        ("component_templates", "component_template"),
    ):
        if isinstance(answer.get(outer), list) and answer[outer]:
            return mapping(answer[outer][0]).get(inner)
    found = mapping(answer.get(name, answer))
    return {"policy": found["policy"]} if "policy" in found else dict(found)


async def _asked(connection: Connection, *segments: str, **parameters: str | int | bool) -> tuple[Any, str]:
    """An answer and "", or {} and why there is none: "" as well where the product has nothing of the kind."""
    try:
        return await connection.get(*segments, timeout=_LOOK, **parameters), ""
    except PermissionDenied as error:
        return {}, f"hidden: {error.remedy or error.message}"
    except QueryError as error:
        return {}, "" if lacks(error) else error.message


def _of(stats: Mapping[str, Any], part: str, whole: str) -> str:
    used, most = number(stats, part), number(stats, whole)
    if used is None:
        return ""
    return (
        f"{text.size(used)} of {text.size(most)} ({text.percent(used / most)})" if most else text.size(used)
    )


def _count(document: Mapping[str, Any], path: str) -> str:
    value = number(document, path)
    return "" if value is None else f"{int(value):,}"


def _quoted(name: str) -> str:
    return own("GET", name).target.removeprefix("/")


def _put(path: str, body: Any) -> str:
    return f"PUT {path}\n{json.dumps(body, indent=2, ensure_ascii=False)}"
