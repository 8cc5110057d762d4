"""The fields of an index as its mapping has them: paths with dots, types, and what a field does not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dbtui.documents import mapping
from dbtui.model.catalog import Column

MOST = 5_000  # fields that are shown
_OFF = (("index", "not indexed"), ("doc_values", "no doc values"), ("enabled", "not enabled"))


def fields(answer: Any) -> tuple[Column, ...]:
    """The columns in an answer of INDEX/_mapping. Where several indices answer, those of all of them together."""
    found: dict[str, Column] = {}
    for entry in answer.values() if isinstance(answer, Mapping) else ():
        for column in _walk(mapping(mapping(entry).get("mappings")), ""):
            known = found.get(column.name)
            if known is None:
                found[column.name] = column
            elif column.type not in known.type.split(" | "):
                found[column.name] = Column(column.name, f"{known.type} | {column.type}", nullable=True)
            if len(found) >= MOST:
                return tuple(found.values())
    return tuple(found.values())


def _walk(whole: Mapping[str, Any], prefix: str) -> Iterator[Column]:
    """The fields of a mapping in its order, without recursion: mappings are nested as deep as somebody likes."""
    waiting = [iter(mapping(whole.get("properties")).items())]
    names = [prefix]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            names.pop()
            continue
        name, field = f"{names[-1]}{found[0]}", mapping(found[1])
        inner = mapping(field.get("properties"))
        yield Column(name, _type(field, nested=bool(inner)), nullable=True, comment="")
        for part, one in mapping(field.get("fields")).items():
            yield Column(f"{name}.{part}", _type(mapping(one), nested=False), nullable=True)
        if inner:
            waiting.append(iter(inner.items()))
            names.append(f"{name}.")


def _type(field: Mapping[str, Any], *, nested: bool) -> str:
    kind = str(field.get("type") or ("object" if nested or "properties" in field else "?"))
    said = [kind]
    if kind == "alias":
        said.append(f"of {field.get('path', '')}")
    said += [str(field[name]) for name in ("format", "analyzer", "scaling_factor", "dims") if name in field]
    said += [words for name, words in _OFF if field.get(name) is False]
    return ", ".join(said)
