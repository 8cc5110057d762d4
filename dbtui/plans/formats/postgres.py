"""PostgreSQL's plans in whichever notation: JSON, YAML, XML or text, bare or as a log or psql frames them."""

from __future__ import annotations

from collections import Counter

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.clean import clean
from dbtui.plans.formats import postgres_document, postgres_json, postgres_text, postgres_xml, postgres_yaml
from dbtui.plans.measure import measure


def read(text: str) -> Plan:
    """The measured plan. Raises InputError, also for what is no plan of anybody's."""
    document, notation = _document(text)
    plan = measure(postgres_document.build(document, notation, text))
    if notation in ("text", "yaml"):  # the others say themselves where they end
        _whole(plan)
    return plan


_JOINS = ("Nested Loop", "Hash Join", "Merge Join")


def _whole(plan: Plan) -> None:
    """Raises InputError where a join has one input and no summary follows: the end of the text is missing."""
    inputs = Counter(node.parent for node in plan.nodes if node.relationship not in ("InitPlan", "SubPlan"))
    if plan.execution_ms is None and plan.planning_ms is None:
        for node in plan.nodes:
            if node.operation in _JOINS and inputs[node.id] == 1:
                raise InputError("the plan is cut off", f"{node.label} has one input only")


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
