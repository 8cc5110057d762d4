"""Why a rule flags a plan or does not, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from dbtui.model.finding import Finding
from dbtui.output.json import dump, finding
from dbtui.text import printable


def text(rule: str, found: Sequence[Finding], reason: str, misses: Sequence[str]) -> str:
    """What it flags, or why nothing; then the nearest misses."""
    said = [f"{rule}: {one.message}" for one in found] or [f"{rule} flags nothing: {reason}"]
    return "".join(printable(line) + "\n" for line in [*said, *(f"  {miss}" for miss in misses)])


def json(rule: str, found: Sequence[Finding], reason: str, misses: Sequence[dict[str, object]]) -> str:
    """`{"version", "rule", "findings", "reason", "nearest": [{"node", "what", "value", "least"}]}`."""
    return dump(
        {
            "version": 1,
            "rule": rule,
            "findings": [finding(one) for one in found],
            "reason": reason,
            "nearest": list(misses),
        }
    )
