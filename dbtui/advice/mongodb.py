"""Indexes for MongoDB's commands: equality, then sort, then range.

Rule: https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/. MongoDB has no planner to ask about
an index that is not there, so that this is by rule alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dbtui.model.advice import Advice, Facts, Help, IndexAdvice, Query, TableFacts

HEURISTIC = (
    "heuristic: equality, sort, range; MongoDB plans with no index that is not there, nor with a hidden one"
)
_RANGES = frozenset({"$gt", "$gte", "$lt", "$lte"})
_EQUALS = frozenset({"$eq", "$in", "$all", "$elemMatch"})
_MOST_KEYS = 5
_ENTRY = 0.15  # of a document's write for each index: a plain assumption, since sizes of fields are not known

Keys = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Need:
    """What one part of a command asks of one collection."""

    collection: str
    equal: tuple[str, ...]
    sort: Keys
    ranges: tuple[str, ...]

    @property
    def keys(self) -> Keys:
        """Equality, sort, range; each field once."""
        found: dict[str, int] = dict.fromkeys(self.equal, 1)
        for field, way in self.sort:
            found.setdefault(field, way)
        for field in self.ranges[:1]:
            found.setdefault(field, 1)
        return tuple(found.items())[:_MOST_KEYS]


def reasoned(
    queries: Sequence[Query], commands: Sequence[Mapping[str, Any] | None], facts: Facts, most: int
) -> Advice:
    """The advice for commands, in the places of `queries`; None stands for one that was not understood."""
    served: dict[tuple[str, Keys], list[int]] = {}
    for place, command in enumerate(commands):
        for need in needs(command or {}):
            table = facts.find("", need.collection)
            if need.keys and table is not None and not _is_there(need.keys, table):
                served.setdefault((need.collection, need.keys), []).append(place)
    for short in sorted(served, key=lambda one: len(one[1])):
        longer = next((one for one in served if one != short and _begins(short, one)), None)
        if longer is not None:
            served[longer] += served.pop(short)
    order = sorted(served, key=lambda one: -sum(queries[place].weight for place in served[one]))
    return Advice(
        tuple(queries),
        tuple(_advice(*one, served[one], facts) for one in order[:most]),
        HEURISTIC,
        not_understood=tuple(
            (place, "no command that reads") for place, c in enumerate(commands) if c is None
        ),
        dialect="mongodb",
    )


def needs(command: Mapping[str, Any]) -> Iterator[Need]:
    """What a command asks: one need for each branch of an $or, and one for what $lookup reads."""
    verb = next(iter(command), "")
    collection = str(command.get(verb, ""))
    if verb == "find":
        yield from _filtered(collection, command.get("filter"), command.get("sort"))
    elif verb in ("count", "distinct"):
        yield from _filtered(collection, command.get("query"), None)
    elif verb in ("findAndModify", "findandmodify"):
        yield from _filtered(collection, command.get("query"), command.get("sort"))
    elif verb in ("update", "delete"):
        for change in command.get("updates") or command.get("deletes") or ():
            yield from _filtered(collection, change.get("q") if isinstance(change, Mapping) else None, None)
    elif verb == "aggregate":
        yield from _pipeline(collection, command.get("pipeline") or ())


def _pipeline(collection: str, stages: Sequence[Any]) -> Iterator[Need]:
    """The first $match and $sort reach the collection; a $lookup reaches another one by its field."""
    matched: dict[str, Any] = {}
    sort: Mapping[str, Any] | None = None
    first = True
    for stage in stages:
        if not isinstance(stage, Mapping):
            continue
        name, body = next(iter(stage.items()), ("", None))
        if first and name == "$match" and sort is None and isinstance(body, Mapping):
            matched |= body
        elif first and name == "$sort" and isinstance(body, Mapping):
            sort = body
        else:
            first = first and name in ("$limit", "$skip", "$project", "$addFields", "$set")
        if name == "$lookup" and isinstance(body, Mapping) and body.get("foreignField"):
            yield Need(str(body.get("from", "")), (str(body["foreignField"]),), (), ())
    yield from _filtered(collection, matched, sort)


def _filtered(collection: str, condition: object, sort: object) -> Iterator[Need]:
    equal: list[str] = []
    ranges: list[str] = []
    branches: list[object] = []
    _take(condition, "", equal, ranges, branches)
    order = (
        tuple((str(f), -1 if way in (-1, "-1") else 1) for f, way in sort.items())
        if isinstance(sort, Mapping)
        else ()
    )
    if equal or ranges or order:
        yield Need(collection, tuple(dict.fromkeys(equal)), order, tuple(dict.fromkeys(ranges)))
    for branch in branches:
        yield from _filtered(collection, branch, sort)


def _take(condition: object, path: str, equal: list[str], ranges: list[str], branches: list[object]) -> None:
    if not isinstance(condition, Mapping):
        return
    for name, value in condition.items():
        if name == "$and" and isinstance(value, Sequence):
            for part in value:
                _take(part, path, equal, ranges, branches)
        elif name == "$or" and isinstance(value, Sequence):
            branches += value
        elif not str(name).startswith("$"):
            _field(f"{path}{name}", value, equal, ranges, branches)


def _field(field: str, value: object, equal: list[str], ranges: list[str], branches: list[object]) -> None:
    operators = [str(one) for one in value if str(one).startswith("$")] if isinstance(value, Mapping) else []
    if not operators:
        equal.append(field)
        return
    assert isinstance(value, Mapping)
    if "$elemMatch" in operators and isinstance(value["$elemMatch"], Mapping):
        before = len(equal) + len(ranges)
        _take(value["$elemMatch"], f"{field}.", equal, ranges, branches)
        if len(equal) + len(ranges) > before:
            return
    if _EQUALS & set(operators):
        equal.append(field)
    elif _RANGES & set(operators) or _anchored(value.get("$regex")):
        ranges.append(field)


def _anchored(pattern: object) -> bool:
    """Whether a regular expression begins with fixed text, which an index finds."""
    return bool(re.match(r"\^\w", str(pattern))) if pattern is not None else False


def _is_there(keys: Keys, table: TableFacts) -> bool:
    wanted = [field for field, _ in keys]
    for index in table.indexes:
        if not index.predicate and [one.split(" ")[0] for one in index.columns][: len(wanted)] == wanted:
            return True
    return False


def _begins(short: tuple[str, Keys], long: tuple[str, Keys]) -> bool:
    return short[0] == long[0] and long[1][: len(short[1])] == short[1]


def _advice(collection: str, keys: Keys, places: Sequence[int], facts: Facts) -> IndexAdvice:
    where = f"db.getCollection({json.dumps(collection, ensure_ascii=False)})"
    spec = json.dumps(dict(keys), ensure_ascii=False)
    name = "_".join(f"{field}_{way}" for field, way in keys)
    table = facts.find("", collection)
    superseded = _superseded(keys, table) if table is not None else ()
    return IndexAdvice(
        f"{where}.createIndex({spec})",
        f"{where}.dropIndex({json.dumps(name, ensure_ascii=False)})",
        collection,
        tuple(field for field, _ in keys),
        HEURISTIC,
        tuple(Help(place, None, None) for place in sorted(set(places))),
        write_overhead=_ENTRY,
        supersedes=superseded,
        verify=tuple(f"{where}.hideIndex({json.dumps(old, ensure_ascii=False)})" for old in superseded),
    )


def _superseded(keys: Keys, table: TableFacts) -> tuple[str, ...]:
    """Indexes that the new one begins with; they are hidden before they are dropped."""
    fields = [field for field, _ in keys]
    return tuple(
        index.name
        for index in table.indexes
        if not index.unique
        and not index.predicate
        and len(index.columns) < len(fields)
        and [one.split(" ")[0] for one in index.columns] == fields[: len(index.columns)]
    )
