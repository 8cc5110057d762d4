"""A plan's text without the values of its statement, for what is kept of it. Figures, names and structure stay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from dbtui.model.plan import Plan
from dbtui.plans.masking_answers import masked_command, masked_search
from dbtui.plans.mending import mended

Mask = Callable[[str], str]

_NUMBERED = re.compile(r"\b(InitPlan |SubPlan |subquery#)(\d+)")  # names, though they have numbers in them
_JOINED = re.compile(r"\b(InitPlan|SubPlan|subquery)_(\d+)")
_BETWEEN = {"InitPlan": " ", "SubPlan": " ", "subquery": "#"}
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[][{}:,]', re.S)
_FIGURE = re.compile(r"[\d.,eE+%-]*")
_TREE_FIGURES = re.compile(r"  \((?:cost|actual|never)")
_TREE_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?|(?<![\w$#`])\d[\w.]*')
_NAMES = frozenset(
    ("Node Type", "Relation Name", "Schema", "Alias", "Index Name", "CTE Name", "Subplan Name", "Trigger Name",
     "Constraint Name", "Function Name", "Parent Relationship", "table_name", "schema_name", "key", "index_name",
     "possible_keys", "used_key_parts", "key_columns", "stage", "indexName", "namespace", "type", "id")
)  # fmt: skip
_VALUES = frozenset(  # of MongoDB: below them every number and text may be a value
    (
        "filter",
        "parsedQuery",
        "query",
        "command",
        "pipeline",
        "indexBounds",
        "lowBound",
        "highBound",
        "slotBasedPlan",
    )
)
_ANSWERS = {
    "elasticsearch-profile": masked_search,
    "elasticsearch-validate": masked_search,
    "redis-command": masked_command,
}


def masked(plan: Plan, mask: Mask) -> str | None:
    """The text of a plan, to be parsed like the original; None for a notation that cannot be told apart.

    `mask` takes the literals out of an expression of the plan's engine.
    """
    if plan.format.startswith("sqlite"):  # it says `?` itself
        return plan.original
    if plan.format == "mysql-tree":
        return "\n".join(_tree_line(line) for line in plan.original.split("\n"))
    if plan.format in _ANSWERS:
        return _ANSWERS[plan.format](plan.original)
    if plan.original.lstrip()[:1] not in ("{", "["):
        return None
    text = mended(plan.original) if plan.format == "mariadb-json" else plan.original
    return _JSON.sub(_Walk(mask).token, text)


def _tree_line(line: str) -> str:
    """Conditions come before the figures, which stand in brackets of their own."""
    at = found.start() if (found := _TREE_FIGURES.search(line)) else len(line)
    return _TREE_VALUE.sub("?", line[:at]) + line[at:]


class _Walk:
    """Goes through JSON token by token, so that members that repeat a name, and depth, are no matter."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._open: list[
            tuple[str, str, bool]
        ] = []  # bracket, the key it stands under, whether all is a value
        self._key = ""
        self._before = ""

    def token(self, found: re.Match[str]) -> str:
        """What a token becomes."""
        text, before = found[0], self._before
        self._before = text
        inside, _, valued = self._open[-1] if self._open else ("[", "", False)
        if text in ("{", "["):
            self._open.append((text, self._key, valued or self._key in _VALUES))
        elif text in ("}", "]"):
            if self._open:
                self._key = self._open.pop()[1]
        elif text[0] == '"' and inside == "{" and before in ("{", ","):
            self._key = json.loads(text, strict=False)
        elif text not in (":", ","):
            return self._value(text, all_of_it=valued or self._key in _VALUES)
        return text

    def _value(self, text: str, *, all_of_it: bool) -> str:
        if all_of_it:
            return '"?"'
        if text[0] != '"' or self._key in _NAMES:
            return text
        value = json.loads(text, strict=False)
        if _FIGURE.fullmatch(value):
            return text
        plain = self._mask(_NUMBERED.sub(lambda name: f"{name[1][:-1]}_{name[2]}", value))
        return json.dumps(_JOINED.sub(lambda name: f"{name[1]}{_BETWEEN[name[1]]}{name[2]}", plain))
