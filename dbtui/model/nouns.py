"""What an engine calls its things, so that no pane speaks another engine's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Nouns:
    """The words of PostgreSQL, unless an engine states its own. In the singular and small, where a text has them."""

    session: str = "session"
    sessions: str = "sessions"
    statement: str = "statement"
    statements: str = "statements"
    language: str = "SQL"  # what is typed into the editor
    dialect: str = "postgres"  # by whose rules it is coloured; "" for what is no SQL
    definition: str = "DDL"  # what would make an object, or read it
    unblocked: str = "nobody waits for a lock"  # said while it is so; "" where nothing keeps others waiting
    headings: Mapping[str, str] = field(default_factory=dict)
    """Headings that differ, by pane and column, and kinds: {"live.id": "Client", "kind.table": "collection"}.

    "" leaves a column or a tab out: the engine has no such thing.
    """

    def heading(self, key: str, usual: str) -> str:
        """The heading of a column or a tab, "" where the engine has no such thing."""
        return self.headings.get(key, usual)
