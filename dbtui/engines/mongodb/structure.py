"""The indexes and validators of a collection as the server describes them, and what would make it in mongosh. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dbtui.engines.mongodb import values
from dbtui.model.catalog import Constraint, Index


def index_of(
    spec: Mapping[str, Any], uses: Mapping[str, int], sizes: Mapping[str, Any], building: Sequence[str]
) -> Index:
    """One index of listIndexes, with what $indexStats and $collStats say of it."""
    name = str(spec.get("name", ""))
    keys = spec.get("key") or {}
    kinds = [str(value) for value in keys.values() if isinstance(value, str)]
    words = [word for word in ("sparse", "hidden", "clustered") if spec.get(word)]
    if "expireAfterSeconds" in spec:
        words.append(f"TTL {spec['expireAfterSeconds']} s")
    size = sizes.get(name)
    partial = spec.get("partialFilterExpression")
    kept = {key: value for key, value in spec.items() if key not in ("v", "ns", "storageEngine")}
    return Index(
        name=name,
        definition=values.text(kept, 2_000),
        columns=tuple(f"{field}" if way == 1 else f"{field} {way}" for field, way in keys.items()),
        unique=bool(spec.get("unique")) or name == "_id_",
        primary=name == "_id_",
        valid=name not in building,
        predicate=values.text(partial, 2_000) if partial else None,
        method=", ".join([*(kinds or ["btree"]), *words]),
        size=int(size) if isinstance(size, int | float) else None,
        scans=uses.get(name),
    )


def constraints_of(options: Mapping[str, Any]) -> tuple[Constraint, ...]:
    """The validator among the options of a collection."""
    validator = options.get("validator")
    if not validator:
        return ()
    level, action = options.get("validationLevel", "strict"), options.get("validationAction", "error")
    definition = f"{values.text(validator, 20_000)} · {level}, {action}"
    return (Constraint("validator", "check", definition, validated=level == "strict" and action == "error"),)


def create(collection: str, options: Mapping[str, Any], indexes: Sequence[Index]) -> str:
    """The commands of mongosh that would make a collection or view."""
    name = json.dumps(collection, ensure_ascii=False)
    if "viewOn" in options:
        more = {key: value for key, value in options.items() if key not in ("viewOn", "pipeline")}
        tail = f", {values.pretty(more)}" if more else ""
        on = json.dumps(options["viewOn"], ensure_ascii=False)
        return f"db.createView({name}, {on}, {values.pretty(options.get('pipeline', []))}{tail})"
    made = f"db.createCollection({name}{', ' + values.pretty(options) if options else ''})"
    return "\n".join([made, *(create_index(collection, index) for index in indexes if not index.primary)])


def create_index(collection: str, index: Index) -> str:
    """The command of mongosh that would make an index."""
    spec = json.loads(index.definition) if not index.definition.endswith("…") else {}
    keys = spec.pop("key", {})
    name = json.dumps(collection, ensure_ascii=False)
    arguments = ", ".join(json.dumps(one, ensure_ascii=False) for one in (keys, spec))
    return f"db.getCollection({name}).createIndex({arguments})"
