"""The folders of a cluster: what is in each, where it is asked for, and what one entry says about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbtui.documents import mapping, mappings
from dbtui.engines.elasticsearch.server import ELASTICSEARCH, OPENSEARCH
from dbtui.model.catalog import Kind

Entries = Callable[[Any], Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder. `paths` tells by product where its list is; one entry is asked for at the same place by its name."""

    title: str
    kind: Kind
    paths: Mapping[str, tuple[str, ...]]
    entries: Entries  # names of an answer, each with what stands beside it
    parameters: Mapping[str, str | int | bool] = field(default_factory=dict)


def _both(*segments: str) -> Mapping[str, tuple[str, ...]]:
    return {ELASTICSEARCH: segments, OPENSEARCH: segments}


def _nodes(answer: Any) -> Iterable[tuple[str, str]]:
    for entry in mappings(answer):
        elected = ", elected" if entry.get("master") == "*" or entry.get("cluster_manager") == "*" else ""
        yield str(entry.get("name") or ""), f"{entry.get('node.role', '')}{elected}"


def _aliases(answer: Any) -> Iterable[tuple[str, str]]:
    of: dict[str, list[str]] = {}
    for entry in mappings(answer):
        of.setdefault(str(entry.get("alias") or ""), []).append(str(entry.get("index") or ""))
    for alias, indices in sorted(of.items()):
        yield alias, f"of {indices[0]}" if len(indices) == 1 else f"of {len(indices)} indices"


def _streams(answer: Any) -> Iterable[tuple[str, str]]:
    for entry in mappings(mapping(answer).get("data_streams")):
        count = len(entry.get("indices") or ())
        yield str(entry.get("name") or ""), f"{count} {'index' if count == 1 else 'indices'}"


def _named(key: str, about: str) -> Entries:
    def entries(answer: Any) -> Iterable[tuple[str, str]]:
        for entry in mappings(mapping(answer).get(key)):
            told = mapping(entry.get(about)).get("index_patterns")
            yield str(entry.get("name") or ""), ", ".join(map(str, told)) if isinstance(told, list) else ""

    return entries


def _keyed(answer: Any) -> Iterable[tuple[str, str]]:
    for name, entry in sorted(mapping(answer).items()):
        found = mapping(entry)
        about = found.get("description") or found.get("type") or found.get("index_patterns") or ""
        yield str(name), ", ".join(map(str, about)) if isinstance(about, list) else str(about)


def _policies(answer: Any) -> Iterable[tuple[str, str]]:
    """Of ILM by their names, of ISM in a list."""
    listed = mapping(answer).get("policies")
    if not isinstance(listed, list):
        for name, entry in sorted(mapping(answer).items()):
            phases = mapping(mapping(mapping(entry).get("policy")).get("phases"))
            yield str(name), ", ".join(phases)
        return
    for entry in mappings(listed):
        policy = mapping(entry.get("policy"))
        states = [str(mapping(state).get("name") or "") for state in policy.get("states") or ()]
        yield str(entry.get("_id") or policy.get("policy_id") or ""), ", ".join(states)


_CAT = {"format": "json"}
FOLDERS: Mapping[str, Folder] = {
    "/nodes": Folder("Nodes", Kind.NODE, _both("_cat", "nodes"), _nodes,
                     {**_CAT, "h": "name,node.role,master", "s": "name"}),
    "/streams": Folder("Data streams", Kind.STREAM, _both("_data_stream"), _streams),
    "/aliases": Folder("Aliases", Kind.VIEW, _both("_cat", "aliases"), _aliases, _CAT),
    "/templates": Folder("Index templates", Kind.TEMPLATE, _both("_index_template"),
                         _named("index_templates", "index_template")),
    "/components": Folder("Component templates", Kind.TEMPLATE, _both("_component_template"),
                          _named("component_templates", "component_template")),
    "/legacy": Folder("Legacy templates", Kind.TEMPLATE, _both("_template"), _keyed),
    "/pipelines": Folder("Ingest pipelines", Kind.PIPELINE, _both("_ingest", "pipeline"), _keyed),
    "/policies": Folder("Lifecycle policies", Kind.POLICY,
                        {ELASTICSEARCH: ("_ilm", "policy"), OPENSEARCH: ("_plugins", "_ism", "policies")},
                        _policies),
    "/repositories": Folder("Snapshot repositories", Kind.REPOSITORY, _both("_snapshot"),
                            _keyed),
}  # fmt: skip
