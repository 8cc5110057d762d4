"""Plans of MySQL and MariaDB in any notation, told apart by how they begin."""

from __future__ import annotations

import json
import re
from typing import Any

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats import mysql_iterators, mysql_query_block
from dbtui.plans.formats.postgres_document import too_deep
from dbtui.plans.formats.postgres_properties import decimal
from dbtui.plans.mending import mended

_BEGINNING = re.compile(
    r'\s*\{\s*"(query_block|query_optimization|query_plan|query|operation|inputs|optimization)"'
)
_MARK = re.compile(r'"(?:query_block|query_plan|access_type)"\s*:')
_HEADING = re.compile(
    r"\A(?:\*{3,} 1\. row \*{3,}\s*)?\s*(?:EXPLAIN|ANALYZE|SHOW_EXPLAIN)(?::\s?|\s*\n|\s*$)"
)


_HEAD = 20_000  # characters in which a plan says what it is, behind what a client prints before it
_TABLE = re.compile(r"[+|\-\s]{0,400}\|?\s*id\s*[|\t]\s*select_type\s*[|\t]")
_PROMPT = re.compile(r"(?:mysql|MariaDB \[[^\]\n]{0,64}\])> ")


def recognise(text: str) -> bool:
    """Whether a text is a plan of MySQL or MariaDB, perhaps as their command-line clients print it."""
    if _TABLE.match(text):
        return True
    text = _bare(text[:_HEAD])
    if text.startswith("{"):
        return bool(_BEGINNING.match(text) or _MARK.search(text[:4000])) and '"Node Type"' not in text[:4000]
    return mysql_iterators.is_tree(text)


def read(text: str) -> Plan:
    """The measured plan. Raises InputError."""
    try:
        return _read(text)
    except RecursionError:
        raise too_deep() from None


def _read(text: str) -> Plan:
    if _TABLE.match(text):
        raise InputError(
            "this is MySQL's EXPLAIN as a table, which leaves most of the plan out",
            "take EXPLAIN FORMAT=TREE or FORMAT=JSON",
        )
    bare = _bare(text)
    if not bare.startswith("{"):
        return mysql_iterators.read_tree(bare)
    document = _load(bare)
    if mysql_query_block.is_document(document):
        return mysql_query_block.read_document(document, text)
    if mysql_iterators.is_document(document):
        return mysql_iterators.read_document(document, text)
    raise InputError("this JSON is not a plan of MySQL or MariaDB", "it has no query_block and no query_plan")


def _bare(text: str) -> str:
    """The plan without the heading, frame and escapes of the command-line clients."""
    text = _after_prompt(text.replace("\r\n", "\n").lstrip("\ufeff"))
    framed = re.match(r"\s*\+-+\+\s*\n\|\s*(?:EXPLAIN|ANALYZE|SHOW_EXPLAIN)\s*\|\s*\n\+-+\+\s*\n\|\s?", text)
    if framed is not None:
        text = re.sub(r"\s*\|\s*\n\+-+\+\s*(?:\n.*)?\Z", "", text[framed.end() :], flags=re.DOTALL)
    text = _HEADING.sub("", text, count=1)
    text = re.sub(r"\n\d+ rows? in set.*\Z", "", text, flags=re.DOTALL)
    if "\n" not in text.strip() and "\\n" in text:  # mysql --batch
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
    return text.strip("\n ") if text.lstrip().startswith("{") else text.strip("\n")


def _after_prompt(text: str) -> str:
    """What the client printed after a statement that was typed at its prompt, on one line or several."""
    if _PROMPT.match(text) is None:
        return text
    lines = text.split("\n")
    ends = next((n for n, line in enumerate(lines) if line.rstrip().endswith((";", "\\G", "\\g"))), None)
    return text if ends is None else "\n".join(lines[ends + 1 :])


def _load(text: str) -> dict[str, Any]:
    try:
        try:
            value, end = _DECODER.raw_decode(text)
        except json.JSONDecodeError:
            text = mended(text)
            value, end = _DECODER.raw_decode(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) - 1:
            reason = f"the JSON ends in the middle, on line {error.lineno}"
            raise InputError("the plan breaks off", reason) from None
        raise InputError(f"line {error.lineno} of the plan is not JSON", error.msg) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # an integer of thousands of digits
        raise InputError("the plan holds a number that is out of range") from None
    if text[end:].strip(" \n\t;").startswith("{"):
        raise InputError("the text holds more than one plan", "give one plan at a time")
    return value if isinstance(value, dict) else {}


_DECODER = json.JSONDecoder(
    object_pairs_hook=mysql_query_block.Members, parse_float=decimal, parse_constant=str
)
