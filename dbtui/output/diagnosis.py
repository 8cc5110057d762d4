"""What the statistics doctor found, as text, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtui.model.diagnosis import Diagnosis
from dbtui.output.json import dump
from dbtui.output.markdown import fenced
from dbtui.text import count, printable

HEALTHY = "no node gives far more or fewer rows than expected"


def text(found: Sequence[Diagnosis]) -> str:
    """A paragraph for each misjudged node: what is wrong, what would mend it, and the estimate then."""
    return "\n".join([*lines(found), ""])


def lines(found: Sequence[Diagnosis]) -> Iterator[str]:
    """The text, line by line."""
    if not found:
        yield HEALTHY
    for one in found:
        yield printable(f"{one.label}: {count(one.actual)} rows, expected {count(one.estimated)}")
        for remedy in one.remedies:
            yield printable(f"  {remedy.cause}: {remedy.because}")
            yield from (printable(f"    {statement}") for statement in remedy.sql)
            if remedy.expected is not None:
                yield f"    then expected: {count(round(remedy.expected))} rows"
        yield from (printable(f"  {note}") for note in one.notes)


def markdown(found: Sequence[Diagnosis]) -> str:
    """The text as a block of code."""
    return fenced(text(found))


def json(found: Sequence[Diagnosis]) -> str:
    """`{"version", "nodes": [{"node", "label", "rows", "estimated_rows", "remedies", "notes"}]}`."""
    return dump(
        {
            "version": 1,
            "nodes": [
                {
                    "node": one.node,
                    "label": one.label,
                    "rows": one.actual,
                    "estimated_rows": one.estimated,
                    "remedies": [
                        {
                            "cause": str(remedy.cause),
                            "because": remedy.because,
                            "sql": list(remedy.sql),
                            "expected_rows": remedy.expected,
                            "evidence": dict(remedy.evidence),
                        }
                        for remedy in one.remedies
                    ],
                    "notes": list(one.notes),
                }
                for one in found
            ],
        }
    )
