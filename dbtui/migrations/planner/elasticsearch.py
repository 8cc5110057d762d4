"""Elasticsearch and OpenSearch: what an index cannot change in place goes into a new one behind an alias.

Requests are those of their console: `PUT /orders_v2`, then a JSON body on the lines below.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from dbtui.migrations.planner.one import application, check
from dbtui.model.change import Blocks, ChangeStep, Condition, Kind, Phase, Reversibility, Source, Transaction
from dbtui.model.migration import Relation

_REQUEST = re.compile(r"^\s*(GET|PUT|POST|DELETE|HEAD|PATCH)\s+(\S+)\s*$", re.M)
_PACE = 500  # documents a second
_RETHROTTLE = "POST /_reindex/<task>/_rethrottle?requests_per_second=N changes its pace"
# Settings that are fixed when an index is made (index modules, "static index settings").
_STATIC = ("number_of_shards", "codec", "routing_partition_size", "soft_deletes.enabled", "sort.", "analysis",
           "mode", "shard.check_on_startup", "number_of_routing_shards", "store.type")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a file. `body` is its JSON text as written, "" where there is none."""

    method: str
    path: str
    body: str
    line: int

    @property
    def text(self) -> str:
        return f"{self.method} {self.path}" + (f"\n{self.body}" if self.body else "")

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.partition("?")[0].split("/") if part]

    @property
    def index(self) -> str:
        first = self.parts[0] if self.parts else ""
        return "" if first.startswith("_") else first

    @property
    def document(self) -> Any:
        """The body as values; None where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def requests(text: str) -> Iterator[Request]:
    """The requests of a file in order."""
    bare = re.sub(r"^\s*(#|//).*$", "", text, flags=re.M)
    marks = list(_REQUEST.finditer(bare))
    for found, following in zip(marks, [*marks[1:], None], strict=True):
        end = following.start() if following is not None else len(bare)
        line = 1 + bare.count("\n", 0, found.start(1))
        yield Request(found.group(1), found.group(2), bare[found.end() : end].strip(), line)


def read(text: str, name: str) -> Iterator[tuple[Source, tuple[ChangeStep, ...]]]:
    """Each request of a file with its steps."""
    for request in requests(text):
        if request.method in ("GET", "HEAD"):
            continue
        steps = _steps(request)
        known = not any(note.startswith("not understood") for step in steps for note in step.notes)
        yield Source(request.text, name, request.line, True if known else None, understood=known), steps


def _step(request: Request, title: str, text: str = "", **more: object) -> ChangeStep:
    base = ChangeStep(
        0, Kind.DDL, title, statements=(text or request.text,), transaction=Transaction.EACH, verbatim=not text,
        relation=Relation(request.index) if request.index else None, down_transaction=Transaction.EACH,
    )  # fmt: skip
    return replace(base, **more)  # type: ignore[arg-type]


def _there(index: str) -> Condition:
    return Condition(f"GET /_cat/indices/{index}?h=index", f"{index} is there")


def _steps(request: Request) -> tuple[ChangeStep, ...]:
    last = request.parts[-1] if request.parts else ""
    if request.body and request.document is None:
        return (_unknown(request, "its body is no JSON"),)
    if last == "_reindex":
        return _reindex(request)
    if last in ("_update_by_query", "_delete_by_query"):
        return (_by_query(request, last),)
    if last == "_aliases":
        return (
            _step(request, "swap aliases in one moment", down=_aliases_back(request), phase=Phase.CONTRACT),
        )
    if last in ("_mapping", "_mappings"):
        return (_mapping(request),)
    if last == "_settings":
        return _settings(request)
    if last == "_close":
        note = "a closed index answers nobody until it is open again"
        opened = f"POST /{request.index}/_open"
        return (
            _step(request, f"close {request.index}", blocks=Blocks.EVERYTHING, down=(opened,), notes=(note,)),
        )
    if request.method == "PUT" and len(request.parts) == 1 and request.index:
        made = (_there(request.index),)
        down = (f"DELETE /{request.index}",)
        return (_step(request, f"create {request.index}", down=down, postconditions=made),)
    if request.method == "DELETE" and len(request.parts) == 1 and request.index:
        return _delete(request)
    return (_unknown(request, "a request that is not known here"),)


def _unknown(request: Request, why: str) -> ChangeStep:
    return _step(
        request, f"run as written what was not understood: {request.method} {request.path}", blocks=Blocks.EVERYTHING,
        notes=(f"not understood: {why}; approve it only if you know what it does",),
        reversibility=Reversibility.NEEDS_DATA,
    )  # fmt: skip


def _mapping(request: Request) -> ChangeStep:
    return _step(
        request, f"add fields to the mapping of {request.index}", reversibility=Reversibility.NEEDS_DATA,
        why="new fields cost nothing",
        notes=(
            "a field that is there with another type or analyzer is refused: then make a new index with the new"
            " mapping, POST /_reindex into it, and swap the alias",
            "a field cannot be taken away from a mapping again",
        ),
    )  # fmt: skip


def _settings(request: Request) -> tuple[ChangeStep, ...]:
    static = sorted(name for name in _names(request.document) if any(one in name for one in _STATIC))
    if not static:
        return (
            _step(request, f"change settings of {request.index}", reversibility=Reversibility.NEEDS_DATA),
        )
    old, new = request.index, _next(request.index)
    create = json.dumps({"settings": request.document}, indent=2)
    made = replace(request, method="PUT", path=f"/{new}", body=create)
    note = f"{', '.join(static)} cannot change in place; copy the mappings of {old} (GET /{old}/_mapping) into it"
    first = _step(made, f"create {new} with the new settings", made.text, down=(f"DELETE /{new}",),
                  postconditions=(_there(new),), notes=(note,))  # fmt: skip
    source = {"source": {"index": old}, "dest": {"index": new}}
    return (
        first,
        *_reindex(Request("POST", "/_reindex", json.dumps(source), request.line)),
        *_swap(old, new, request),
    )


def _names(document: Any, before: str = "") -> Iterator[str]:
    for name, value in document.items() if isinstance(document, dict) else ():
        path = f"{before}.{name}" if before else name
        yield path
        yield from _names(value, path)


def _next(index: str) -> str:
    """orders → orders_v2, orders_v2 → orders_v3."""
    numbered = re.fullmatch(r"(.*_v)(\d+)", index)
    return f"{numbered.group(1)}{int(numbered.group(2)) + 1}" if numbered else f"{index}_v2"


def _reindex(request: Request) -> tuple[ChangeStep, ...]:
    document = request.document or {}
    source = document.get("source", {}).get("index", "")
    target = document.get("dest", {}).get("index", "")
    where = f"wait_for_completion=false&slices=auto&refresh=true&requests_per_second={_PACE}"
    copy = f"POST /_reindex?{where}\n{json.dumps(document)}"
    late = {
        **document,
        "conflicts": "proceed",
        "dest": {**document.get("dest", {}), "version_type": "external"},
    }
    catch_up = f"POST /_reindex?{where}\n{json.dumps(late)}"
    relation = Relation(str(target))
    there = Condition(f"GET /{target}/_count", f"{target} holds documents")
    return (
        _step(request, f"copy {source} into {target}, {_PACE} documents a second", copy, kind=Kind.DATA,
              phase=Phase.BACKFILL, relation=relation,
              why=f"a task of the server's own, split over shards, which is waited for; {_RETHROTTLE}",
              notes=("cut off, it is found again while it runs, and else begins anew",)),
        check(f"{target} holds documents", there, relation=relation, phase=Phase.VALIDATE),
        _step(request, f"copy what {source} got meanwhile", catch_up, kind=Kind.DATA, phase=Phase.BACKFILL,
              relation=relation, why="documents that are newer in the target stay (version_type external)",
              notes=(f"documents that were deleted from {source} meanwhile stay in {target}",)),
    )  # fmt: skip


def _swap(old: str, new: str, request: Request) -> tuple[ChangeStep, ...]:
    alias = re.sub(r"_v\d+$", "", old)
    if alias == old:
        actions: list[dict[str, Any]] = [
            {"remove_index": {"index": old}},
            {"add": {"index": new, "alias": old}},
        ]
    else:
        actions = [{"remove": {"index": old, "alias": alias}}, {"add": {"index": new, "alias": alias}}]
    lost = alias == old
    text = "POST /_aliases\n" + json.dumps({"actions": actions})
    back = [{"remove": {"index": new, "alias": alias}}, {"add": {"index": old, "alias": alias}}]
    done = Condition(f"GET /{new}/_alias/{alias}", f"{alias} leads to {new}")
    swap = _step(
        request, f"{alias} leads to {new}", text, phase=Phase.CONTRACT, postconditions=(done,), destructive=lost,
        down=() if lost else ("POST /_aliases\n" + json.dumps({"actions": back}),),
        reversibility=Reversibility.IMPOSSIBLE if lost else Reversibility.NEEDS_DATA,
        why="both actions are one change: no request finds nothing",
        notes=(f"{old} itself goes in the same moment, for an alias cannot bear the name of an index",) if lost else (),
    )  # fmt: skip
    if lost:
        return (swap,)
    return (swap, *_delete(Request("DELETE", f"/{old}", "", request.line)))


def _by_query(request: Request, what: str) -> ChangeStep:
    path = request.path.partition("?")[0]
    where = f"conflicts=proceed&wait_for_completion=false&slices=auto&requests_per_second={_PACE}"
    text = f"POST {path}?{where}" + (f"\n{request.body}" if request.body else "")
    deletes = what == "_delete_by_query"
    return _step(
        request, f"{what.strip('_').replace('_', ' ')} on {request.index}, {_PACE} documents a second", text,
        kind=Kind.DATA, phase=Phase.BACKFILL, reversibility=Reversibility.IMPOSSIBLE,
        destructive=deletes and "match_all" in request.body,
        why=f"a task of the server's own that leaves room for others, and is waited for; {_RETHROTTLE}",
        notes=(f"asked for: {request.method} {request.path}",),
    )  # fmt: skip


def _aliases_back(request: Request) -> tuple[str, ...]:
    """The opposite of alias actions, in the opposite order; () where one of them cannot be undone."""
    actions = (request.document or {}).get("actions", [])
    turned: list[dict[str, Any]] = []
    for action in reversed(actions):
        (verb, what), *_ = action.items()
        if verb not in ("add", "remove"):
            return ()
        turned.append({"remove" if verb == "add" else "add": what})
    return ("POST /_aliases\n" + json.dumps({"actions": turned}),)


def _delete(request: Request) -> tuple[ChangeStep, ...]:
    return (
        application(f"watch that nobody uses {request.index} any more", "only a snapshot brings an index back",
                    phase=Phase.CONTRACT, relation=Relation(request.index)),
        _step(request, f"delete {request.index}", phase=Phase.CONTRACT, destructive=True,
              reversibility=Reversibility.IMPOSSIBLE),
    )  # fmt: skip
