"""A finding: the one notion that plan rules, schema rules, migration rules and live health share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule saw. The JSON form is fixed; evidence holds the numbers that made it fire."""

    rule: str
    severity: Severity
    message: str
    object: str | None = None
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    advice: str = ""
    sql: tuple[str, ...] = ()
    docs: tuple[str, ...] = ()
    node: int | None = None  # plan findings: the node's id
