"""Plans of commands, as `explain` answers.

queryPlanner runs nothing. executionStats runs a query, and does for a change all but change the documents; so a
change is measured only with an approval.
"""

from __future__ import annotations

from dataclasses import replace

from dbtui.engines.mongodb import read_only, values
from dbtui.engines.mongodb.connection import Connector
from dbtui.engines.mongodb.failures import lacks
from dbtui.engines.mongodb.query import database_of, document_of
from dbtui.engines.mongodb.sessions import LEFT_OUT
from dbtui.engines.mongodb.shell import Command, parse
from dbtui.errors import NotApproved, QueryError
from dbtui.model.plan import RawPlan
from dbtui.safety import Approval, scope_of

FORMAT = "mongo"


class MongoExplainer:
    """See `engines.base.Explainer`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def explain(
        self,
        sql: str,
        *,
        database: str = "",
        analyze: bool = False,
        timeout: float = 30.0,
        approval: Approval | None = None,
    ) -> RawPlan:
        """The plan of one command. What the text says about explain is dropped: only `analyze` decides."""
        if sql.endswith(LEFT_OUT):
            raise QueryError(
                f"{self._connector.work.probe.product} tells of a running operation its first field alone",
                "write the whole command in the editor, and ask there",
            )
        typed = parse(sql)
        command = replace(typed, explain="executionStats" if analyze else "queryPlanner")
        try:
            read_only.check(command)
        except NotApproved as refusal:
            changes = command.name in read_only.PLANNED and command.name not in read_only.READING
            if not (analyze and changes):
                raise QueryError(refusal.message.removeprefix("read-only: "), refusal.hint) from None
            if approval is None:
                raise NotApproved(
                    "the plan of a change is measured by running it", "approve it, or explain without"
                ) from None
            approval.check(self._connector.target.name, scope_of(sql))
            read_only.check(replace(command, explain="queryPlanner"))
        return await self._asked(command, database, timeout)

    async def _asked(self, command: Command, database: str, timeout: float) -> RawPlan:
        connection = self._connector.work
        place = database_of(command, database, connection)
        try:
            reply = await connection.reply(document_of(command), database=place, timeout=timeout)
        except QueryError as error:
            if lacks(error):
                raise QueryError(f"{connection.probe.name}: {error.message}", "", code=error.code) from None
            raise
        measured = "executionStats" in values.text(reply)[: values.WHOLE]
        notes = [] if measured else ["estimates only"]
        if command.explain == "executionStats" and not measured:
            notes.append(f"{connection.probe.name} measures no plans")
        query = values.text(command.document, values.CELL)
        return RawPlan(values.text(reply), FORMAT, query, connection.server.version, tuple(notes))
