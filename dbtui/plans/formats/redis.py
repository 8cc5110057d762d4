"""What is known of a command of Redis or Valkey, and FT.EXPLAIN of the search module.

The first is JSON that this program makes itself of COMMAND DOCS, COMMAND GETKEYS, INFO commandstats and the sizes of
keys; the second a tree in braces (https://redis.io/docs/latest/commands/ft.explain/). Neither has times.
"""

from __future__ import annotations

import json
import re
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats.postgres_document import MAX_DEPTH, too_deep
from dbtui.plans.formats.stages import Stage, finish

_ABOUT = ("summary", "complexity", "group", "since")
_CONDITION = re.compile(r" (?:with|where|when|if|for)\b")  # of a complexity: what its letters mean
COMMAND, SEARCH = "redis-command", "redis-search"
_BEGINNING = re.compile(r'\s*\{\s*"command"\s*:\s*"')
_OPENING = re.compile(
    r"\s*(?:@[^\s{]{1,300}:)?(?:FT\.EXPLAIN|UNION|INTERSECT|NOT|OPTIONAL|EXACT|TAG:@[^\s{]{1,300}|IDS|PHRASE)\s*\{",
    re.A,
)


def recognise(text: str) -> bool:
    """Whether a text is one of the two."""
    return _BEGINNING.match(text) is not None or _OPENING.match(text) is not None


def read(text: str) -> Plan:
    """The plan in a text that `recognise` knows. Raises InputError."""
    if _OPENING.match(text):
        return finish(_of_braces(text), SEARCH, text)
    try:
        told = json.loads(text)
        return finish(_of_command(told), COMMAND, text)
    except (ValueError, RecursionError):
        raise InputError("the plan breaks off", "the JSON ends in the middle") from None
    except (AttributeError, KeyError, TypeError):
        raise InputError("this JSON tells of no command", "dbtui explain makes it") from None


def _of_command(told: dict[str, Any]) -> Stage:
    about = {name.capitalize(): told[name] for name in _ABOUT if name in told}
    root = Stage(str(told["command"]), properties=about)
    if "complexity" in told:
        short, _, _ = _CONDITION.sub("\n", str(told["complexity"])).partition("\n")
        root.children.append(Stage("complexity", short.rstrip(",.")))
    if counted := told.get("counted"):
        calls, each = int(counted["calls"]), float(counted["usec_per_call"])
        root.children.append(Stage("so far", f"calls {calls:,}, each {each:g} µs"))
    root.children += [_key(key) for key in told.get("keys", ())]
    return root


def _key(told: dict[str, Any]) -> Stage:
    kind, size = str(told["type"]), told.get("size")
    what = "there is none" if kind == "none" else kind if size is None else f"{kind}, {size:,} {told['of']}"
    return Stage("key", f"{told['key']}: {what}", estimated_rows=None if size is None else float(size))


def _of_braces(text: str) -> Stage:
    """A line that ends in a brace holds those up to the one that closes it."""
    top = Stage("query")
    above = [top]
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("}"):
            if len(above) > 1:
                above.pop()
            continue
        stage = Stage(line.removesuffix("{").strip())
        above[-1].children.append(stage)
        if line.endswith("{"):
            above.append(stage)
        if len(above) > MAX_DEPTH:
            raise too_deep()
    return top.children[0] if len(top.children) == 1 else top
