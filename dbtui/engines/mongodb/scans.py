"""Which operations read their whole collection, where the server does not tell the plan of what runs.

FerretDB's $currentOp names the command and the collection and no filter, so nothing can be explained. But a
collection that has no index besides that on `_id` is read whole by all that does not ask for an `_id`, which takes
milliseconds: what runs longer there is a scan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dbtui.engines.mongodb.session import Connection
from dbtui.errors import QueryError
from dbtui.model.activity import Session

ONLY_ID = "COLLSCAN: no index but that on _id"
_READERS = ("find", "aggregate", "count", "distinct", "update", "delete", "findAndModify")
_SECONDS = 1.0  # that an operation runs before its collection is looked at
_KEPT = 60.0  # seconds that what was seen of a collection is believed
_MOST = 3  # collections that are looked at in one sample


class Scans:
    """What is known of the indexes of collections that are worked on."""

    def __init__(self) -> None:
        self._bare: dict[
            str, tuple[float, bool]
        ] = {}  # namespace → when it was looked at, and what was found

    async def told(
        self,
        connection: Connection,
        operations: Sequence[Mapping[str, object]],
        shown: Sequence[Session],
        now: float,
    ) -> tuple[Session, ...]:
        """The sessions of these operations, `plan` written into those that read a collection whole."""
        doubtful = {
            session.id: str(operation["ns"])
            for operation, session in zip(operations, shown, strict=True)
            if operation.get("ns") and _reads_for_long(operation, session)
        }
        self._bare = {name: seen for name, seen in self._bare.items() if now - seen[0] < _KEPT}
        for namespace in [name for name in dict.fromkeys(doubtful.values()) if name not in self._bare][
            :_MOST
        ]:
            self._bare[namespace] = now, await _has_only_id(connection, namespace)
        scanning = {one for one, name in doubtful.items() if self._bare.get(name, (0.0, False))[1]}
        return tuple(replace(one, plan=ONLY_ID) if one.id in scanning else one for one in shown)


def _reads_for_long(operation: Mapping[str, object], session: Session) -> bool:
    command = operation.get("command")
    return (
        not session.plan
        and session.state == "active"
        and session.wait_type != "Lock"
        and (session.query_age or 0.0) >= _SECONDS
        and isinstance(command, Mapping)
        and any(word in command for word in _READERS)
    )


async def _has_only_id(connection: Connection, namespace: str) -> bool:
    """False too where it may not be known."""
    database, _, collection = namespace.partition(".")
    try:
        indexes = await connection.documents({"listIndexes": collection, "cursor": {}}, database=database)
    except QueryError:
        return False
    return [index.get("name") for index in indexes] == ["_id_"]
