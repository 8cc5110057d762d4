"""What could be otherwise, and who can tell what would come of it: the nouns of what-if and of advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dbtui.model.plan import RawPlan


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A server that differs from the real one in these points; nothing differs by default."""

    indexes: tuple[str, ...] = ()  # CREATE INDEX statements, without a name or with one
    hidden: tuple[str, ...] = ()  # names of indexes that are not to be used: what DROP INDEX would do
    statistics: tuple[str, ...] = ()  # CREATE STATISTICS statements
    settings: Mapping[str, str] = field(default_factory=dict)


NOTHING = WhatIf()


class Planner(Protocol):
    """Who can plan a statement as if the server were another. The real server does not change by it."""

    @property
    def verified(self) -> str:
        """How its answers are had, in a few words: "PostgreSQL 18 shadow of a server of version 15"."""
        ...

    async def plan(self, query: str, what_if: WhatIf = NOTHING) -> RawPlan:
        """The plan of a statement. Raises QueryError for what the planner refuses."""
        ...
