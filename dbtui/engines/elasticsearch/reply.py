"""An answer as a table: hits, buckets, rows of SQL or of _cat, or each value of a document by its path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dbtui.documents import mapping, mappings
from dbtui.engines.elasticsearch.words import Request
from dbtui.errors import QueryError
from dbtui.model.result import ResultColumn

MOST_COLUMNS = 200
CELL = 20_000  # characters
REST = "…"  # the column for what the first columns have no room for
Row = tuple[str | None, ...]
Table = tuple[tuple[ResultColumn, ...], list[Row]]


def read(request: Request, body: bytes) -> Table:
    """The rows of an answer that is JSON. Raises QueryError where it is none."""
    return table(request, decoded(body))


def decoded(body: bytes) -> Any:
    """The value that an answer's JSON is. Raises QueryError where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise QueryError("the answer is no JSON", "does a proxy stand before the server?") from None


def table(request: Request, answer: Any) -> Table:
    """The rows that an answer has, and their columns."""
    if isinstance(answer, list):
        return _rows_of([one if isinstance(one, Mapping) else {"value": one} for one in answer])
    if not isinstance(answer, Mapping):
        return (ResultColumn("value", _type(answer)),), [(cell(answer),)]
    if "_search" in request.segments or "_knn_search" in request.segments:
        return _searched(answer, request.segments[0])
    if isinstance(answer.get("columns"), list) and isinstance(answer.get("rows", answer.get("values")), list):
        return _sql(answer["columns"], answer.get("rows", answer.get("values")))
    if isinstance(answer.get("docs"), list) and "_mget" in request.segments:
        return _rows_of([_hit(one) for one in answer["docs"] if isinstance(one, Mapping)])
    if "_source" in answer:
        return _rows_of([_hit(answer)])
    if isinstance(answer.get("responses"), list):
        return _rows_of([_response(number, one) for number, one in enumerate(answer["responses"], 1)])
    return (ResultColumn("name", "keyword"), ResultColumn("value", "")), list(_paths(answer))


def _searched(answer: Mapping[str, Any], where: str) -> Table:
    """The hits of a search in `where`; its buckets where no hits were asked for."""
    hits = answer.get("hits")
    found = hits.get("hits") if isinstance(hits, Mapping) else None
    aggregations = answer.get("aggregations")
    if found or not isinstance(aggregations, Mapping):
        rows = [_hit(one) for one in mappings(found)]
        if all(row.get("_index") == where for row in rows):
            rows = [_without(row, "_index") for row in rows]
        if all(row.get("_score") == 1.0 for row in rows):  # nothing was scored
            rows = [_without(row, "_score") for row in rows]
        return _rows_of(rows)
    return _rows_of(
        [{"aggregation": name} | row for name, one in aggregations.items() for row in _buckets(one)]
    )


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _hit(hit: Mapping[str, Any]) -> dict[str, Any]:
    """A hit in one level: its own names first, then the fields of the document."""
    row = {name: hit[name] for name in ("_index", "_id", "_score", "sort") if hit.get(name) is not None}
    if hit.get("found") is False:
        row["found"] = False
    for part in ("_source", "fields"):
        if isinstance(hit.get(part), Mapping):
            row |= hit[part]
    for part in ("highlight", "inner_hits", "matched_queries", "error"):
        if hit.get(part):
            row[part] = hit[part]
    return row


def _buckets(aggregation: Any, above: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """A line for each innermost bucket; a metric, or what has no buckets, is one line."""
    above = above or {}
    if not isinstance(aggregation, Mapping):
        yield {**above, "value": aggregation}
        return
    listed = aggregation.get("buckets")
    if isinstance(listed, Mapping):
        listed = [{"key": key, **mapping(bucket)} for key, bucket in listed.items()]
    if not isinstance(listed, list):
        inner = {name: one for name, one in aggregation.items() if name not in ("meta",)}
        yield {**above, **inner}
        return
    for bucket in listed:
        own, nested = _bucket(mapping(bucket))
        here = {**above, **own}
        if not nested:
            yield here
        for name, one in nested.items():
            prefix = {f"{key}" if key != "key" else "outer key": value for key, value in here.items()}
            yield from _buckets(one, {**prefix, "inner": name})


def _bucket(bucket: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a bucket says itself, metrics inside it by their names, and the aggregations below that have buckets."""
    own: dict[str, Any] = {}
    nested: dict[str, Any] = {}
    for name, one in bucket.items():
        if name == "key_as_string":
            own["key"] = one
        elif isinstance(one, Mapping) and "buckets" in one:
            nested[name] = one
        elif isinstance(one, Mapping) and set(one) <= {"value", "value_as_string"}:
            own[name] = one.get("value_as_string", one.get("value"))
        elif name not in own:
            own[name] = one
    return own, nested


def _response(number: int, one: Any) -> dict[str, Any]:
    """One line for each search of several."""
    found = mapping(one)
    hits = mapping(found.get("hits"))
    total = hits.get("total")
    return {
        "#": number,
        "status": found.get("status"),
        "took": found.get("took"),
        "total": mapping(total).get("value") if isinstance(total, Mapping) else total,
        "hits": hits.get("hits"),
        "aggregations": found.get("aggregations"),
        "error": found.get("error"),
    }


def _sql(columns: Sequence[Any], rows: Sequence[Any]) -> Table:
    named = [(str(one.get("name") or ""), str(one.get("type") or "")) for one in mappings(columns)]
    made = tuple(ResultColumn(name, kind, kind in _NUMBERS) for name, kind in named)
    return made, [tuple(cell(value) for value in row) for row in rows if isinstance(row, list)]


_NUMBERS = frozenset({"long", "integer", "short", "byte", "double", "float", "half_float", "unsigned_long"})


def _paths(value: Mapping[str, Any]) -> Iterator[Row]:
    """Each value of a document with the names that lead to it; lists of plain values stay whole."""
    stack: list[tuple[str, Any]] = list(reversed([(str(name), one) for name, one in value.items()]))
    while stack:
        path, one = stack.pop()
        if isinstance(one, Mapping) and one:
            stack += reversed([(f"{path}.{name}", inner) for name, inner in one.items()])
        elif isinstance(one, list) and any(isinstance(inner, Mapping) for inner in one):
            stack += reversed([(f"{path}[{number}]", inner) for number, inner in enumerate(one)])
        else:
            yield (path, cell(one))


def _rows_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Rows of unlike documents: a column for each name, in the order in which they appear; the rest in one more."""
    kinds: dict[str, set[str]] = {}
    cut = False
    for row in rows:
        for name, value in row.items():
            if name not in kinds and len(kinds) >= MOST_COLUMNS:
                cut = True
                continue
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add(_type(value))
    columns = [
        ResultColumn(name, " | ".join(sorted(seen)) or "null", bool(seen) and seen <= {"long", "double"})
        for name, seen in kinds.items()
    ]
    made = [tuple(cell(row[name]) if name in row else "" for name in kinds) for row in rows]
    if cut:
        columns.append(ResultColumn(REST, "other fields"))
        others = [{name: value for name, value in row.items() if name not in kinds} for row in rows]
        made = [(*row, cell(other) if other else "") for row, other in zip(made, others, strict=True)]
    return tuple(columns), made


def cell(value: Any) -> str | None:
    """A value for one cell: texts and numbers bare, the rest as JSON; None for null.

    An empty text is shown as two quotes, since an empty cell is a field that the document does not have.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return _cut(value) or '""'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return _cut(json.dumps(value, ensure_ascii=False))


def _cut(value: str) -> str:
    return value if len(value) <= CELL else f"{value[:CELL]}… ({len(value):,} characters)"


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    for kind, name in ((int, "long"), (float, "double"), (str, "text"), (list, "array"), (Mapping, "object")):
        if isinstance(value, kind):
            return name
    return "null"
