"""Plans of Elasticsearch and OpenSearch: the answer of a search with `profile`, and that of `_validate/query`.

A shard tells four things that follow each other or lie inside each other: rewriting, the queries, what collects their
hits, and aggregations, then fetching. Clocks contain what is below them, with two exceptions that the products'
manuals only hint at ("collector times are independent of the query times"), and that were measured: the collector
of the top hits contains the scoring, which is also in the clock of the outermost query; and the collector of the
aggregations contains what aggregators do for each document and segment (collect, build_leaf_collector). So

    self(collector of top hits)     = its clock - score of the outermost queries
    self(collector of aggregations) = its clock - collect and build_leaf_collector of the outermost aggregators
    self(any other)                 = its clock - the clocks right below it

The servers time a part of very frequent calls only, and reckon the rest from it. So a child may show more than its
parent, and a shard more than the whole search: then what is inside is shortened in proportion to what is around it.
Shards run at once; what `took` has beyond the slowest of them is the network, queues and the merge of the results,
of which the profile says nothing (https://www.elastic.co/guide/en/elasticsearch/reference/current/search-profile.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dbtui.documents import listing, mapping
from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats.postgres_document import MAX_DEPTH, figure, text_of, too_deep
from dbtui.plans.formats.stages import SHARD, Stage, finish

_MARK = re.compile(r'"(?:took|profile|valid|_shards|shards)"\s*:')
_BEGINNING = 500  # characters in which an answer says what it is
_SHARD = re.compile(r"\[([^\]]*)\]\[([^\]]*)\]\[(\d+)\]")
_OBJECT = re.compile(r"(?:\b[a-z]\w{0,60}\.){1,20}([A-Z]\w{0,80})(?:\$\w{1,80})?@[0-9a-f]{1,16}")
_TICK = 1.0  # ms of `took`
_LABEL = 300  # characters of a description
_ONE_SEARCH = "profile one search, and paste its whole answer"


def recognise(text: str) -> bool:
    """Whether a text is an answer with a profile, or of _validate/query."""
    head = text.lstrip("\ufeff \t\r\n")
    if head[:1] != "{" or not _MARK.search(head, 0, _BEGINNING):
        return False
    return '"searches"' in text or '"explanations"' in text


def read(text: str) -> Plan:
    """The measured plan. Raises InputError."""
    try:
        document = json.loads(text.lstrip("\ufeff"))
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise InputError("the plan breaks off", f"the text cannot be read from line {line} on") from None
    except RecursionError:
        raise too_deep() from None
    if isinstance(document, Mapping) and isinstance(document.get("explanations"), list):
        return _validated(document, text)
    profile = mapping(mapping(document).get("profile")) or mapping(document)
    shards = [mapping(shard) for shard in listing(profile.get("shards"))]
    if not shards:
        raise InputError("this is not a profile of a search", _ONE_SEARCH)
    return _profiled(mapping(document), shards, text)


def _profiled(document: Mapping[str, Any], shards: list[Mapping[str, Any]], text: str) -> Plan:
    took = figure(document.get("took"), "took")
    total = mapping(mapping(document.get("hits")).get("total"))
    root = Stage("search", ms=took, loops=1.0, own=0.0, rows=figure(total.get("value"), "hits"))
    slowest, shortened = 0.0, False
    for shard in shards:
        stage = _shard(shard)
        whole = _total(stage)
        if took is not None and whole > took + _TICK:
            _scale(stage, (took + _TICK) / whole)
            whole, shortened = took + _TICK, True
        slowest = max(slowest, whole)
        root.children.append(stage)
    notes = ["the server's clocks are partly reckoned: parts of a shard were shortened to fit the whole"]
    return finish(
        root,
        "elasticsearch-profile",
        text,
        execution_ms=None if took is None else max(took, slowest),
        extra={"shards": len(shards)},
        notes=tuple(notes) if shortened else (),
    )


def _validated(document: Mapping[str, Any], text: str) -> Plan:
    """The queries as they are rewritten, one for each index; nothing was run."""
    found = [mapping(one) for one in listing(document.get("explanations"))]
    if not found:
        raise InputError("there is no plan", "no index has answered")
    stages = [
        Stage(
            "query" if one.get("valid") is not False else "invalid query",
            _said(one.get("explanation") or one.get("error")),
            relation=text_of(one.get("index")),
            properties={key: text_of(value) for key, value in one.items() if key not in ("index", "valid")},
        )
        for one in found
    ]
    root = stages[0] if len(stages) == 1 else Stage("search", children=stages)
    return finish(root, "elasticsearch-validate", text)


# ---- one shard


def _shard(shard: Mapping[str, Any]) -> Stage:
    named = _SHARD.search(text_of(shard.get("id")))
    node, index, number = named.groups() if named else ("", "", "")
    network = sum(
        figure(shard.get(key), key) or 0.0
        for key in ("inbound_network_time_in_millis", "outbound_network_time_in_millis")
    )
    made = Stage("shard", number, relation=index, relationship=SHARD, loops=1.0)
    made.own = network
    made.properties = {"node": node, **({"network_ms": network} if network else {})}
    aggregations = [_timed(mapping(one), 0) for one in listing(shard.get("aggregations"))]
    inside = sum(_part(one, "collect") + _part(one, "build_leaf_collector") for one in aggregations)
    made.children += _dfs(mapping(shard.get("dfs")))
    for search in map(mapping, listing(shard.get("searches"))):
        collected, inside = _search(search, inside)
        made.children += collected
    made.children += aggregations
    fetch = mapping(shard.get("fetch"))
    if fetch:
        made.children.append(_timed(fetch, 0))
    return made


def _search(search: Mapping[str, Any], aggregating: float) -> tuple[list[Stage], float]:
    """Rewriting, queries and collectors of one search; and what is left of the time that aggregators took."""
    queries = [_timed(mapping(one), 0) for one in listing(search.get("query"))]
    rewrite = (figure(search.get("rewrite_time"), "rewrite_time") or 0.0) / 1e6
    scoring = sum(_part(query, "score") for query in queries)
    collectors = [_timed(mapping(one), 0) for one in listing(search.get("collector"))]
    for collector in _walk(collectors):
        reason = text_of(collector.properties.get("reason"))
        own = collector.own or 0.0
        if reason == "search_top_hits":
            collector.own = max(0.0, own - scoring)
            scoring = max(0.0, scoring - own)
        elif reason.startswith("aggregation"):
            collector.own = max(0.0, own - aggregating)
            aggregating = max(0.0, aggregating - own)
    return [Stage("rewrite", loops=1.0, own=rewrite), *queries, *collectors], aggregating


def _dfs(dfs: Mapping[str, Any]) -> list[Stage]:
    """What runs before the query phase: statistics of terms, and searches for nearest vectors."""
    made = [_timed(mapping(dfs["statistics"]), 0)] if "statistics" in dfs else []
    for search in map(mapping, listing(dfs.get("knn"))):
        made += _search(search, 0.0)[0]
    return made


def _timed(part: Mapping[str, Any], depth: int) -> Stage:
    """A query, collector, aggregator or phase with what is below it, whose clocks are shortened to fit its own."""
    made = _stage(part, depth)
    _fit(made, _clock(part))
    return made


def _stage(part: Mapping[str, Any], depth: int) -> Stage:
    if depth > MAX_DEPTH:
        raise too_deep()
    name = text_of(part.get("type") or part.get("name")) or "unknown part"
    name, _, inner = name.partition(": ")
    said = _said(part.get("description") or part.get("reason"))
    if inner and "@" not in inner:  # of Java's objects without a name there is nothing to tell
        said = f"{said} {inner}"
    made = Stage(name, said, loops=1.0, own=_clock(part), properties=_properties(part))
    made.children = [_stage(mapping(child), depth + 1) for child in listing(part.get("children"))]
    return made


def _said(description: object) -> str:
    """A description for a label: short, and Java's objects by their classes alone."""
    return _OBJECT.sub(r"\1", text_of(description)[: 10 * _LABEL])[:_LABEL]


def _fit(stage: Stage, clock: float) -> None:
    """Make a stage count for `clock` ms in all: what is below it, shortened where it is more, and the rest itself."""
    below = sum(child.own or 0.0 for child in stage.children)
    share = clock / below if below > clock else 1.0
    stage.own = max(0.0, clock - below * share)
    for child in stage.children:
        _fit(child, (child.own or 0.0) * share)


def _clock(part: Mapping[str, Any]) -> float:
    return (figure(part.get("time_in_nanos"), "time_in_nanos") or 0.0) / 1e6


def _part(stage: Stage, name: str) -> float:
    """Milliseconds of one part of a stage's clock."""
    return (figure(stage.properties.get(name), name) or 0.0) / 1e6


def _properties(part: Mapping[str, Any]) -> dict[str, Any]:
    """What a part says besides its children; its breakdown, in nanoseconds and counts, without what is zero."""
    said = {
        key: value if isinstance(value, int | float | str) else json.dumps(value, ensure_ascii=False)
        for key, value in part.items()
        if key not in ("children", "breakdown", "type", "name", "time")
    }
    return {**said, **{key: value for key, value in mapping(part.get("breakdown")).items() if value}}


def _walk(stages: list[Stage]) -> list[Stage]:
    found = list(stages)
    for stage in found:
        found += stage.children
    return found


def _total(stage: Stage) -> float:
    return sum(one.own or 0.0 for one in _walk([stage]))


def _scale(stage: Stage, share: float) -> None:
    for one in _walk([stage]):
        one.own = (one.own or 0.0) * share
