"""A statement of which parts can be left out when a server refuses them.

Managed servers refuse functions that the product has: Aurora knows no receive and replay positions, and
administrators take EXECUTE away. One refused function must not cost the whole sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dbtui.engines.postgres import queries
from dbtui.errors import QueryError

if TYPE_CHECKING:
    from dbtui.engines.postgres.connection import Connection

# feature_not_supported, insufficient_privilege, undefined_function, undefined_table, undefined_column,
# object_not_in_prerequisite_state, character_not_in_repertoire and untranslatable_character
_REFUSALS = frozenset({"0A000", "42501", "42883", "42P01", "42703", "55000", "22021", "22P05"})


class Question:
    """One stored statement with an `answer` as `queries.raw()` reads it, and the parts that this server
    takes.
    """

    def __init__(self, name: str, *parts: str) -> None:
        self.name = name
        self.parts = frozenset(parts)

    async def ask(
        self,
        connection: Connection,
        *arguments: object,
        present: frozenset[str] = frozenset(),
        timeout: float,
        **identifiers: str,
    ) -> Any:
        """The answer, without the parts that are refused; they stay away from then on.

        Raises QueryError, QueryTimeout, SessionLost.
        """
        refused: QueryError | None = None
        for parts in _less_and_less(self.parts):
            sql = queries.query(self.name, present | parts, **identifiers)
            try:
                records = await connection.fetch(sql, *arguments, timeout=timeout, hold=True)
            except QueryError as error:
                if error.code not in _REFUSALS:
                    raise
                refused = refused or error
                continue
            self.parts = parts
            return queries.read(records[0]["answer"])
        assert refused is not None
        raise refused


def _less_and_less(parts: frozenset[str]) -> tuple[frozenset[str], ...]:
    """All parts, then without each one, then none."""
    if not parts:
        return (parts,)
    singles = [parts - {part} for part in sorted(parts)] if len(parts) > 1 else []
    return (parts, *singles, frozenset())
