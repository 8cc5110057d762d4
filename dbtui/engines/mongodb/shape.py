"""The shape of a collection, inferred from a sample: which fields, in how many documents, of which types.

Pure. Paths are written as MongoDB does, `address.city`, and `items[].price` for what is inside arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dbtui.engines.mongodb import values
from dbtui.model.catalog import Column

MOST_FIELDS = 500  # that are shown: the outermost, and those that most documents have
_MOST_SEEN = 10 * MOST_FIELDS
MOST_LEVELS = 6
MOST_ITEMS = 50  # of an array that are looked at in one document


@dataclass(slots=True)
class Field:
    """What was seen at one path. `types` counts documents by BSON type; a document may count for several."""

    present: int = 0  # documents that have it
    types: dict[str, int] = field(default_factory=dict)
    longest: int = 0  # items of an array

    def describe(self, documents: int) -> str:
        """Types with their shares, and in how many documents the field is."""
        seen = sum(self.types.values()) or 1
        ranked = sorted(self.types.items(), key=lambda item: (-item[1], item[0]))
        shares = [name if len(ranked) == 1 else f"{name} {_share(count, seen)}" for name, count in ranked]
        said = ", ".join(shares)
        if self.longest > 1:
            said += f", up to {self.longest} items"
        return said if self.present >= documents else f"{said} · in {_share(self.present, documents)}"


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of a sample in the order in which they appear, and how large the sample was."""

    fields: Mapping[str, Field]
    documents: int
    cut: bool = False  # there were more fields than are kept

    def columns(self) -> tuple[Column, ...]:
        """The fields as columns. All are nullable: that each document of a sample has a field forbids nothing."""
        return tuple(
            Column(path, one.describe(self.documents), nullable=True) for path, one in self.fields.items()
        )


def infer(documents: Iterable[Mapping[str, Any]]) -> Shape:
    """The shape of some documents."""
    fields: dict[str, Field] = {}
    count, cut = 0, False
    for document in documents:
        count += 1
        seen: dict[str, set[str]] = {}
        longest: dict[str, int] = {}
        _walk(document, "", 0, seen, longest)
        for path, types in seen.items():
            if path not in fields and len(fields) >= _MOST_SEEN:
                cut = True
                continue
            one = fields.setdefault(path, Field())
            one.present += 1
            one.longest = max(one.longest, longest.get(path, 0))
            for name in types:
                one.types[name] = one.types.get(name, 0) + 1
    if len(fields) > MOST_FIELDS:
        ranked = sorted(fields, key=lambda path: (path.count("."), -fields[path].present))
        kept = set(ranked[:MOST_FIELDS])
        fields, cut = {path: fields[path] for path in fields if path in kept}, True
    return Shape(_in_tree_order(fields), count, cut)


def _walk(
    document: Mapping[str, Any], prefix: str, depth: int, seen: dict[str, set[str]], longest: dict[str, int]
) -> None:
    for name, value in document.items():
        if len(seen) > _MOST_SEEN:
            return
        _see(f"{prefix}{name}", value, depth, seen, longest)


def _see(path: str, value: Any, depth: int, seen: dict[str, set[str]], longest: dict[str, int]) -> None:
    seen.setdefault(path, set()).add(values.type_of(value))
    if depth >= MOST_LEVELS:
        return
    if isinstance(value, Mapping):
        _walk(value, f"{path}.", depth + 1, seen, longest)
    elif isinstance(value, list):
        longest[path] = max(longest.get(path, 0), len(value))
        for item in value[:MOST_ITEMS]:
            if isinstance(item, Mapping):
                _walk(item, f"{path}[].", depth + 1, seen, longest)
            else:
                seen.setdefault(f"{path}[]", set()).add(values.type_of(item))


def _in_tree_order(fields: Mapping[str, Field]) -> dict[str, Field]:
    """A field that only later documents have stands with its siblings, behind its parent."""
    first: dict[str, int] = {}
    for position, path in enumerate(fields):
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            first.setdefault(".".join(parts[:end]).replace("[]", ""), position)

    def key(path: str) -> list[tuple[int, str]]:
        parts = path.split(".")
        prefixes = [".".join(parts[:end]).replace("[]", "") for end in range(1, len(parts) + 1)]
        return [(first[prefix], part) for prefix, part in zip(prefixes, parts, strict=True)]

    return {path: fields[path] for path in sorted(fields, key=key)}


def _share(count: int, whole: int) -> str:
    percent = 100 * count / whole if whole else 0.0
    return f"{percent:.0f} %" if percent >= 1 or count == 0 else "<1 %"
