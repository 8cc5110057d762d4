"""Plans of any format, read and measured: numbers that add up."""

from __future__ import annotations

from dataclasses import replace

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.clean import clean
from dbtui.plans.formats import (
    elastic,
    mongo,
    mysql,
    postgres_document,
    postgres_json,
    postgres_text,
    postgres_xml,
    postgres_yaml,
    sqlite_plan,
)
from dbtui.plans.measure import measure
from dbtui.plans.wrapping import unwrapped

MAX_CHARACTERS = 64 * 1024 * 1024


def parse(text: str) -> Plan:
    """The plan in a text of any known format, with self times and self blocks.

    Pure: no I/O, and the result can be pickled. Raises InputError, with one line, on everything that is not
    exactly one plan, on more than `MAX_CHARACTERS`, and on nesting beyond `postgres_document.MAX_DEPTH`.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the plan is larger than {MAX_CHARACTERS >> 20} MB", "nothing of it was read")
    plan = _read(unwrapped(text))
    return plan if plan.original == text else replace(plan, original=text)


def _read(text: str) -> Plan:
    if elastic.recognise(text):
        return elastic.read(text)
    if mongo.recognise(text):
        return mongo.read(text)
    if mysql.recognise(text):
        return mysql.read(text)
    if mysql.is_table(text):
        raise InputError(
            "this is MySQL's EXPLAIN as a table, which leaves most of the plan out",
            "take EXPLAIN FORMAT=TREE or FORMAT=JSON",
        )
    if sqlite_plan.recognise(text):
        return measure(sqlite_plan.read(text))
    document, notation = _document(text)
    return measure(postgres_document.build(document, notation, text))


def _document(text: str) -> tuple[object, str]:
    if not text.strip():
        raise InputError("there is no plan", "the text is empty")
    if postgres_json.recognise(text):
        try:
            document = postgres_json.read(text)
        except InputError:
            if _unchanged(text):
                raise
        else:
            return _document(document) if isinstance(document, str) else (document, "json")
    if postgres_text.is_bare(text):
        return postgres_text.read(text), "text"
    return _cleaned(clean(text))


def _unchanged(text: str) -> bool:
    return clean(text).strip() == text.strip()


def _cleaned(text: str) -> tuple[object, str]:
    if postgres_xml.recognise(text):
        return postgres_xml.read(text), "xml"
    if (start := _json_start(text)) is not None:
        if postgres_text.has_figures(text[:start]):
            raise postgres_json.two_plans()
        document = postgres_json.read(text[start:])
        return (postgres_text.read(document), "text") if isinstance(document, str) else (document, "json")
    if postgres_yaml.recognise(text):
        return postgres_yaml.read(text), "yaml"
    if postgres_text.recognise(text):
        return postgres_text.read(text), "text"
    raise InputError("this is not a plan", "no format that dbtui reads begins like it")


def _json_start(text: str) -> int | None:
    """Where JSON begins: at the start, or on a line that opens an object or list of a plan."""
    if postgres_json.recognise(text):
        return 0
    if '"Plan"' not in text and '"Node Type"' not in text:
        return None
    at = 0
    for line in text.split("\n"):
        if line.lstrip()[:1] in ("{", "["):
            return at
        at += len(line) + 1
    return None
