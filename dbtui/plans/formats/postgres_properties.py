"""The property lines of EXPLAIN's text form, under the keys that FORMAT JSON has for them."""

from __future__ import annotations

import math
import re
from typing import Any

from dbtui.plans.formats.postgres_document import is_text

_LEADING = re.compile(r"\s*(-?[0-9]{1,30}(?:\.[0-9]{1,30})?)")
_WHOLE = re.compile(r"-?[0-9]{1,19}\Z")
_DECIMAL = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}\Z")
_PAIR = re.compile(r"([A-Za-z/_-]{1,20})=([0-9]{1,30}(?:\.[0-9]{1,30})?)")
_SETTING = re.compile(r"(?<![\w.])([\w.]{1,128}) = '((?:[^']|'')*)'")
_FIELD = re.compile(r"([A-Z][A-Za-z -]{0,40}): (\S+(?: \S+)*)")
_LISTS = frozenset(
    {
        "Output",
        "Sort Key",
        "Group Key",
        "Presorted Key",
        "Hash Key",
        "Conflict Arbiter Indexes",
        "Params Evaluated",
    }
)
_BLOCK_KINDS = {"hit": "Hit", "read": "Read", "dirtied": "Dirtied", "written": "Written"}
_FIELD_KEYS = {
    "Buckets": "Hash Buckets",
    "Hits": "Cache Hits",
    "Misses": "Cache Misses",
    "Evictions": "Cache Evictions",
    "Overflows": "Cache Overflows",
    "Memory Usage": "Peak Memory Usage",
}
_MANY_FIELDS = frozenset({"Buckets", "Batches", "Hits", "Planned Partitions", "Storage", "Memory Usage"})


def add(target: dict[str, Any], name: str, value: str) -> None:
    """Put one property line into its node, worker or section."""
    if name == "Buffers":
        _buffers(target, value)
    elif name == "I/O Timings":
        _io_timings(target, value)
    elif name == "WAL":
        _wal(target, value)
    elif name == "Sort Method":
        _sort_method(target, value)
    elif name in ("Full-sort Groups", "Pre-sorted Groups"):
        _sort_groups(target, name, value)
    elif name == "Heap Blocks":
        for kind, number in _PAIR.findall(value):
            target[f"{kind.capitalize()} Heap Blocks"] = int(float(number))
    elif name in _MANY_FIELDS:
        _fields(target, f"{name}: {value}")
    elif name in ("Options", "Timing"):
        _jit(target, name, value)
    elif name == "Memory" and "=" in value:
        for kind, number in _PAIR.findall(value):
            target[f"Memory {kind.capitalize()}"] = int(float(number))
    else:
        _plain(target, name, value)


def _plain(target: dict[str, Any], name: str, value: str) -> None:
    parsed: object = split_list(value) if name in _LISTS else _scalar(name, value)
    if name in ("Group Key", "Hash Key") and (
        name in target or name == "Hash Key" or "Grouping Sets" in target
    ):
        _grouping_set(target, name, [] if value == "()" else parsed)
    elif name == "Sort Key" and "Grouping Sets" in target:
        target["Grouping Sets"].append({"Sort Key": parsed, "Group Keys": []})
    elif name not in target:
        target[name] = parsed
    else:
        known = target[name]
        target[name] = [*known, parsed] if isinstance(known, list) else [known, parsed]


def _grouping_set(target: dict[str, Any], name: str, keys: object) -> None:
    """One more set of CUBE, ROLLUP or GROUPING SETS: sets that one pass makes stand together."""
    passes = target.setdefault("Grouping Sets", [])
    if "Group Key" in target:
        passes.append({"Group Keys": [target.pop("Group Key")]})
    if name == "Hash Key":
        passes.append({"Hash Keys": [keys]})
    elif passes and "Group Keys" in passes[-1]:
        passes[-1]["Group Keys"].append(keys)
    else:
        passes.append({"Group Keys": [keys]})


def _scalar(name: str, value: str) -> object:
    if is_text(name):
        return value
    if value in ("true", "false"):
        return value == "true"
    if _WHOLE.match(value):
        return int(value)
    if _DECIMAL.match(value):
        return float(value)
    return value


def decimal(text: str) -> float | str:
    """A number that may be beyond a float: then it stays a text."""
    value = float(text)
    return value if math.isfinite(value) else text


def leading_number(value: str) -> float | int | str:
    """The number that a value begins with (`0.123 ms`), or the value itself."""
    found = _LEADING.match(value)
    if found is None:
        return value
    return float(found[1]) if "." in found[1] else int(found[1])


def _buffers(target: dict[str, Any], value: str) -> None:
    for group in value.split(","):
        scope = group.split(maxsplit=1)
        if len(scope) == 2 and scope[0] in ("shared", "local", "temp"):
            for kind, number in _PAIR.findall(scope[1]):
                if kind in _BLOCK_KINDS:
                    target[f"{scope[0].capitalize()} {_BLOCK_KINDS[kind]} Blocks"] = int(float(number))


def _io_timings(target: dict[str, Any], value: str) -> None:
    """`shared read=1 write=2, temp read=3`; up to version 14 without a scope, in 15 and 16 `shared/local`."""
    for group in value.split(","):
        scope = group.split("=", 1)[0].split()
        prefix = (
            f"{scope[0].capitalize()} " if len(scope) == 2 and scope[0] in ("shared", "local", "temp") else ""
        )
        for kind, number in _PAIR.findall(group):
            if kind in ("read", "write"):
                target[f"{prefix}I/O {kind.capitalize()} Time"] = float(number)


def _wal(target: dict[str, Any], value: str) -> None:
    keys = {"records": "WAL Records", "fpi": "WAL FPI", "bytes": "WAL Bytes"}
    for kind, number in _PAIR.findall(
        value.replace("buffers full", "buffers_full").replace("fpi bytes", "fpi_bytes")
    ):
        key = keys.get(kind) or {"buffers_full": "WAL Buffers Full", "fpi_bytes": "WAL FPI Bytes"}.get(kind)
        if key:
            target[key] = int(float(number))


def _sort_method(target: dict[str, Any], value: str) -> None:
    method, _, space = value.partition("  ")
    target["Sort Method"] = method.strip()
    kind, _, used = space.strip().partition(":")
    if used:
        target["Sort Space Used"] = leading_number(used)
        target["Sort Space Type"] = kind


def _sort_groups(target: dict[str, Any], name: str, value: str) -> None:
    """`32  Sort Method: quicksort  Average Memory: 28kB  Peak Memory: 28kB  Average Disk: …`"""
    group: dict[str, Any] = {"Group Count": leading_number(value), "Sort Methods Used": []}
    for key, text in _FIELD.findall(value):
        if key in ("Sort Method", "Sort Methods"):
            group["Sort Methods Used"] = [method.strip() for method in text.split(",")]
            continue
        measure, _, kind = key.partition(" ")
        if measure in ("Average", "Peak"):
            space = group.setdefault(f"Sort Space {kind}", {})
            space[f"{measure} Sort Space Used"] = leading_number(text)
    target[name] = group


def _fields(target: dict[str, Any], line: str) -> None:
    """`Buckets: 1024 (originally 512)  Batches: 4  Memory Usage: 9kB`: two spaces between fields."""
    hashed = line.startswith("Buckets:")
    for field in line.split("  "):
        name, _, value = field.strip().partition(":")
        value = value.strip()
        if not value:
            continue
        key = _FIELD_KEYS.get(name, name)
        if name == "Batches":
            key = "Hash Batches" if hashed else "HashAgg Batches"
        number = leading_number(value)
        target[key] = number
        if hashed and name in ("Buckets", "Batches"):
            _, _, original = value.partition("(originally ")
            target[f"Original {key}"] = leading_number(original) if original else number


def _jit(target: dict[str, Any], name: str, value: str) -> None:
    """`Inlining false, Optimization true` and `Generation 0.5 ms (Deform 0.1 ms), …, Total 3.2 ms`."""
    parts: dict[str, Any] = {}
    for part in value.split(","):
        key, _, rest = part.strip().partition(" ")
        if name == "Options":
            parts[key] = rest.strip() == "true"
        elif "(Deform " in rest:
            deform = leading_number(rest.partition("(Deform ")[2])
            parts[key] = {"Deform": deform, "Total": leading_number(rest)}
        else:
            parts[key] = leading_number(rest)
    target[name] = parts


def serialization(value: str) -> dict[str, Any]:
    """`time=0.5 ms  output=10kB  format=text`"""
    keys = {"time": "Time", "output": "Output Volume", "format": "Format"}
    result: dict[str, Any] = {}
    for part in value.split("  "):
        name, _, text = part.strip().partition("=")
        if name in keys:
            result[keys[name]] = text if name == "format" else leading_number(text)
    return result


def settings(value: str) -> dict[str, str]:
    """`work_mem = '64MB', search_path = 'a, b'`"""
    return {name: text.replace("''", "'") for name, text in _SETTING.findall(value)}


def trigger(line: str) -> dict[str, Any] | None:
    """`Trigger t on r: time=1.2 calls=3` or `Trigger for constraint c on r: …`; None for something else."""
    words, _, figures = line[len("Trigger ") :].rpartition(": ")
    numbers = dict(_PAIR.findall(figures))
    if not words or "calls" not in numbers:
        return None
    result: dict[str, Any] = {}
    words, _, relation = words.partition(" on ")
    name, marker, constraint = f" {words}".partition(" for constraint ")
    if name.strip():
        result["Trigger Name"] = name.strip()
    if marker:
        result["Constraint Name"] = constraint.strip()
    if relation:
        result["Relation"] = relation.strip()
    if "time" in numbers:
        result["Time"] = float(numbers["time"])
    return {**result, "Calls": int(float(numbers["calls"]))}


def split_list(value: str) -> list[str]:
    """An expression list at its top-level commas: parentheses, brackets and quotes are respected."""
    items: list[str] = []
    depth = start = 0
    quote = ""
    for at, char in enumerate(value):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif char == "," and depth == 0:
            items.append(value[start:at].strip())
            start = at + 1
    items.append(value[start:].strip())
    return items
