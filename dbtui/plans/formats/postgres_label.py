"""The words of a node line in EXPLAIN's text form, taken apart into the properties that FORMAT JSON gives."""

from __future__ import annotations

import re
from typing import Any

_SCANS = (
    "Seq Scan|Sample Scan|Index Scan|Index Only Scan|Bitmap Index Scan|Bitmap Heap Scan|Tid Scan|"
    "Tid Range Scan|Subquery Scan|Function Scan|Table Function Scan|Values Scan|CTE Scan|"
    "Named Tuplestore Scan|WorkTable Scan|Foreign Scan"
)
_OTHERS = (
    "Result|ProjectSet|Append|Merge Append|Recursive Union|BitmapAnd|BitmapOr|Gather Merge|Gather|"
    "Materialize|Memoize|Sort|Incremental Sort|Group|WindowAgg|Unique|LockRows|Limit|Hash"
)
_JOIN = re.compile(
    r"(Hash|Merge|Nested Loop)(?: (Left|Full|Right|Semi|Anti|Right Semi|Right Anti))?( Join)?\Z"
)
_AGGREGATE = re.compile(r"(?:(Partial|Finalize) )?(Aggregate|GroupAggregate|HashAggregate|MixedAggregate)\Z")
_SETOP = re.compile(r"(HashSetOp|SetOp)(?: (Intersect All|Intersect|Except All|Except))?\Z")
_MODIFY = re.compile(r"(?:Foreign )?(Insert|Update|Delete|Merge)\Z")
_CUSTOM = re.compile(r"Custom Scan \(([^()]{1,100})\)\Z")
_KINDS = re.compile(rf"(?:{_SCANS}|{_OTHERS})\Z")
_STRATEGIES = {
    "Aggregate": "Plain",
    "GroupAggregate": "Sorted",
    "HashAggregate": "Hashed",
    "MixedAggregate": "Mixed",
}
_OBJECT_KEY = {
    "Function Scan": "Function Name",
    "Table Function Scan": "Table Function Name",
    "CTE Scan": "CTE Name",
    "WorkTable Scan": "CTE Name",
    "Named Tuplestore Scan": "Tuplestore Name",
    "Subquery Scan": "",
    "Values Scan": "",
}
_NAME = r'("(?:[^"]|"")*"|[^\s."]+)'
_TARGET = re.compile(rf"{_NAME}(?:\.{_NAME})?(?: {_NAME})?\s*\Z")
_BEGINNING = re.compile(
    rf"(?:Async )?(?:Parallel )?(?:Partial |Finalize )?(?:{_SCANS}|{_OTHERS}|"
    r"Aggregate|GroupAggregate|HashAggregate|MixedAggregate|HashSetOp|SetOp|Foreign Insert|Foreign Update|"
    r"Foreign Delete|Insert|Update|Delete|Merge|Hash|Nested Loop|Custom Scan)(?![A-Za-z:])"
)


def is_operation(line: str, *, whole: bool = False) -> bool:
    """Whether a line begins with an operation's name; `whole`: whether all of it describes a known one."""
    if not _BEGINNING.match(line):
        return False
    words = next(
        (line[:at] for at in (line.find("  ("), line.find(" (actual"), line.find(" (never")) if at >= 0), line
    )
    return _known(describe(words.strip())) if whole or "(" not in line else True


def _known(node: dict[str, Any]) -> bool:
    kinds = ("Strategy", "Join Type", "Operation", "Custom Plan Provider")
    return any(key in node for key in kinds) or bool(_KINDS.match(node["Node Type"]))


def target_table(words: str) -> dict[str, Any]:
    """A table that an Update or Delete of several tables names on a line of its own."""
    node: dict[str, Any] = {"Node Type": "ModifyTable"}
    _target(node, words)
    del node["Node Type"]
    return node


def describe(words: str) -> dict[str, Any]:
    """The properties of `Parallel Index Scan Backward using i on s.t a`, with the words themselves as Label.

    What is not known stands as it is in Node Type, so that a node of a later version is shown.
    """
    head, _, target = words.partition(" on ")
    head, _, index = head.partition(" using ")
    node: dict[str, Any] = {"Node Type": head, "Label": words}
    if head.startswith("Async "):
        node["Async Capable"], head = True, head[6:]
    if head.startswith("Parallel "):
        node["Parallel Aware"], head = True, head[9:]
    if head.endswith(" Backward"):
        node["Scan Direction"], head = "Backward", head[:-9]
    _operation(node, head)
    if index:
        node["Index Name"] = unquoted(index)
    if target and node["Node Type"] == "Bitmap Index Scan":
        node["Index Name"] = unquoted(target)
    elif target:
        _target(node, target)
    return node


def _operation(node: dict[str, Any], head: str) -> None:
    if (join := _JOIN.match(head)) and (join[3] or join[1] == "Nested Loop"):
        node["Node Type"] = "Nested Loop" if join[1] == "Nested Loop" else f"{join[1]} Join"
        node["Join Type"] = join[2] or "Inner"
        return
    if aggregate := _AGGREGATE.match(head):
        node["Node Type"] = "Aggregate"
        node["Strategy"] = _STRATEGIES[aggregate[2]]
        node["Partial Mode"] = aggregate[1] or "Simple"
    elif setop := _SETOP.match(head):
        node["Node Type"] = "SetOp"
        node["Strategy"] = "Hashed" if setop[1] == "HashSetOp" else "Sorted"
        if setop[2]:
            node["Command"] = setop[2]
    elif modify := _MODIFY.match(head):
        node["Node Type"] = "Foreign Scan" if head.startswith("Foreign ") else "ModifyTable"
        node["Operation"] = modify[1]
    elif custom := _CUSTOM.match(head):
        node["Node Type"], node["Custom Plan Provider"] = "Custom Scan", custom[1]
    elif _KINDS.match(head):
        node["Node Type"] = head
    else:
        node["Node Type"] = node["Label"].split(" on ")[0].split(" using ")[0]


def _target(node: dict[str, Any], target: str) -> None:
    found = _TARGET.match(target)
    if found is None:
        node["Alias"] = target
        return
    first, second, alias = (unquoted(name) if name else "" for name in found.groups())
    key = _OBJECT_KEY.get(node["Node Type"], "Relation Name")
    if not key:
        node["Alias"] = alias or first
        return
    if second:
        node["Schema"] = first
    node[key] = second or first
    node["Alias"] = alias or second or first


def unquoted(name: str) -> str:
    """An identifier without the quotes of quote_ident()."""
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        return name[1:-1].replace('""', '"')
    return name
