"""The protocol that every engine follows. A part that an engine lacks is None, and `lacks` says why.

An engine is one server behind at most three connections, each serial: *monitor* (the sampler), *work*
(catalog, queries, plans) and *act* (opened for one approval, then closed). While a plan is run, or
upkeep of a table, there is one more, *run*: see `RunSession`. Monitor and work are read-only, held at the server as
far as the product can.
Nothing here waits for a server without a timeout, and `close()` waits for no server at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:  # a protocol needs no class, and the console opens before most of them are wanted
    from dbtui.model.activity import Deadlock, Session, Stakes
    from dbtui.model.catalog import Detail, Name, Node
    from dbtui.model.change import Backfill
    from dbtui.model.nouns import Nouns
    from dbtui.model.plan import RawPlan
    from dbtui.model.result import Page
    from dbtui.model.run import Look
    from dbtui.model.server import Server
    from dbtui.model.snapshot import Cost, Metric, Source
    from dbtui.model.statistics import ColumnStatistics, Statistics
    from dbtui.model.sweep import Parameter
    from dbtui.safety import Approval
    from dbtui.sql.parameters import Parametrised

LONGEST = 6 * 3600.0  # seconds that upkeep of a table may take


class Monitor(Protocol):
    """What the sampler asks."""

    sources: Sequence[Source]
    metrics: Sequence[Metric]  # the most telling first; the live pane draws the first four as charts

    @property
    def cost(self) -> Cost:
        """What the monitor connection has caused on the server so far."""
        ...

    async def reconnect(self) -> Server:
        """Open the monitor connection anew. Raises ConnectError."""
        ...


class Catalog(Protocol):
    """The object tree. Every call raises QueryError, PermissionDenied or SessionLost."""

    async def children(self, node: Node | None) -> Sequence[Node]:
        """The nodes below `node`, the top level for None; one or two round trips at most."""
        ...

    async def detail(self, node: Node) -> Detail:
        """Facts and DDL of a node."""
        ...

    async def names(self, database: str) -> Sequence[Name]:
        """All relations of a database, for the finder."""
        ...

    async def sample(self, node: Node, limit: int = 100) -> Page:
        """Some rows of a relation, never sorted."""
        ...

    def forget(self) -> None:
        """Drop what was cached, so that the next call asks the server."""
        ...


class Cursor(Protocol):
    """A running statement that is read by pages."""

    async def fetch(self, count: int = 500) -> Page:
        """The next rows; `more` is False on the last page."""
        ...

    async def close(self) -> None:
        """End it, also when rows are left; never raises."""
        ...


class Querier(Protocol):
    """Runs what the user typed: one statement, read-only, with a time limit."""

    async def run(self, sql: str, *, database: str = "", timeout: float = 60.0) -> Cursor:
        """Start a statement. Raises QueryError, QueryTimeout, SessionLost."""
        ...

    async def cancel(self) -> None:
        """Stop what runs now, over a connection of its own; never raises."""
        ...

    def statement_at(self, text: str, offset: int) -> str:
        """The statement around a position of a text, unchanged; "" where there is none."""
        ...

    def only_reads(self, statement: str) -> bool:
        """Whether a statement surely only reads, judged without the server."""
        ...


class Explainer(Protocol):
    """Plans of statements. Those of `ExplainsRunning` and the like can do more."""

    async def explain(
        self,
        sql: str,
        *,
        database: str = "",
        analyze: bool = False,
        timeout: float = 30.0,
        approval: Approval | None = None,
    ) -> RawPlan:
        """The plan of one statement, as the server prints it. Placeholders need a product with generic plans.

        `analyze` runs the statement: a plain SELECT as it is, everything else only with an approval and inside
        a transaction that is rolled back. Raises NotApproved, QueryError, QueryTimeout, SessionLost.
        """
        ...


@runtime_checkable
class ExplainsRunning(Protocol):
    """An explainer of a server that tells the plan of what a session runs at this moment."""

    async def running(self, session: Session, *, timeout: float = 10.0) -> RawPlan:
        """The plan that is being run, without running it again.

        Raises QueryError when the session runs nothing that has a plan, PermissionDenied, SessionLost.
        """
        ...


@runtime_checkable
class PlansInvisible(Protocol):
    """An explainer of a server that can plan with indexes which are invisible to all others."""

    async def with_invisible(self, sql: str, *, database: str = "", timeout: float = 30.0) -> RawPlan:
        """The plan of one statement with them. Raises QueryError where the server has no such indexes."""
        ...


@runtime_checkable
class Foretells(Protocol):
    """An explainer that can tell what running a statement would do beyond giving its result."""

    async def side_effects(self, sql: str, *, database: str = "") -> tuple[str, ...]:
        """Functions, triggers, cascades, sequences, a phrase each. Raises what explaining raises."""
        ...


class Actions(Protocol):
    """What changes something. Each opens the act connection, re-checks its target, and closes it."""

    async def cancel(self, session: Session, approval: Approval) -> bool:
        """Stop the running statement of a session. False when the target is no longer what was approved."""
        ...

    async def terminate(self, session: Session, approval: Approval) -> bool:
        """End a session. False when the target is no longer what was approved."""
        ...

    async def write(self, sql: str, approval: Approval, *, database: str = "", timeout: float = 60.0) -> Page:
        """Run one statement that may write, in a transaction of its own. The only way to write."""
        ...


Statement = str | Callable[[Sequence[int]], str]
"""What is run, or what makes it from the rows that each statement before it in the same call has changed."""


class RunSession(Protocol):
    """The one session that changes a server step by step for as long as a plan is run. Never behind a pooler.

    It is opened by `RunsPlans.hold`. Everything raises the console's own errors only; after SessionLost it is of no
    use until `reopen`.
    """

    @property
    def id(self) -> str:
        """The server's own id of this session."""
        ...

    @property
    def identity(self) -> str:
        """Which server and database this is, whatever name leads there: what approvals are bound to."""
        ...

    async def reopen(self) -> None:
        """Open it anew after it was lost. Raises ConnectError."""
        ...

    async def seize(self, *, patience: float = 2.0) -> str:
        """Become the one runner of this database: "" when done, else a line about who is, after `patience` s."""
        ...

    def admitted(self, approval: Approval, scope: str) -> AbstractContextManager[None]:
        """Let `write` write inside the block. Raises NotApproved at its beginning."""
        ...

    async def read(self, sql: str, *, timeout: float = 10.0) -> Sequence[tuple[str | None, ...]]:
        """The rows of a question of the console's own, as text."""
        ...

    async def write(
        self,
        statements: Sequence[Statement],
        *,
        one: bool = True,
        lock_timeout: float | None = None,
        timeout: float = 0.0,
    ) -> tuple[int, ...]:
        """Run statements inside `admitted`, with `one` in one transaction; the rows that each has changed.

        Seconds; `lock_timeout` None is a few seconds, and 0.0 of either is no limit. Raises NotApproved outside
        of `admitted`, QueryTimeout for a lock that was not had in time, QueryError with the server's code.
        """
        ...

    async def cancel(self) -> None:
        """Have the server stop what runs here; never raises."""
        ...

    async def look(self, relation: str) -> Look:
        """What is to be seen beside this session now, over another one. Raises QueryError, SessionLost."""
        ...

    async def close(self) -> None:
        """End it, and with it the claim to be the one runner; never raises."""
        ...


@runtime_checkable
class FillsBatches(Protocol):
    """A session that does the batches of a backfill in its engine's own words.

    A batch and its checkpoint are no transaction there: one that was cut off is done again, so that only work that
    may be repeated is done this way. Keys are texts that only the session reads.
    """

    resumes: bool
    """Whether a key is of use after the session's end; if not, the work begins anew."""

    async def last(self, fill: Backfill) -> str:
        """The key at which the work ends; "" where there is nothing to do. Raises InputError for keys unfit."""
        ...

    async def fill(self, fill: Backfill, after: str, last: str, size: int) -> tuple[str, int]:
        """Do about `size` items behind the key `after` ("" before the first): the new key, and how many changed."""
        ...

    async def estimate(self, fill: Backfill) -> float:
        """About how many items there are to go through; 0.0 where nothing tells."""
        ...


@runtime_checkable
class Follows(Protocol):
    """An engine that may be a replica, and knows how far it is behind."""

    async def behind(self) -> float | None:
        """Seconds; None where it follows nothing, or has stopped. Raises QueryError, SessionLost, ConnectError."""
        ...


class Values(Protocol):
    """Which values the columns of a server have, as its planner knows them. Every call reads only."""

    generic: bool
    """Whether it plans statements whose parameters have no values, and so tells what they are compared with."""

    def parametrised(self, sql: str) -> Parametrised:
        """A statement with parameters for its values, by the server's own lexical rules."""
        ...

    def literal(self, value: str, type_name: str) -> str:
        """A value as SQL of a type."""
        ...

    async def column(self, parameter: Parameter, *, database: str = "") -> ColumnStatistics:
        """The values of the column that a parameter is compared with, limited in time.

        Raises QueryError with the reason where nothing is known of them, PermissionDenied, QueryTimeout.
        """
        ...


@runtime_checkable
class HasValues(Protocol):
    """An engine whose plans depend on the values in a statement, and that knows which there are."""

    @property
    def values(self) -> Values: ...


@runtime_checkable
class HasStatistics(Protocol):
    """An engine whose planner's statistics can be looked into."""

    @property
    def statistics(self) -> Statistics: ...


@runtime_checkable
class RunsPlans(Protocol):
    """An engine whose changes of schema can be run from here."""

    async def hold(self, database: str = "") -> RunSession:
        """Open the session that runs a plan. Raises ConnectError, and refuses a pooler with it."""
        ...


@runtime_checkable
class Weighs(Actions, Protocol):
    """Actions that can say beforehand what ending a session would undo."""

    async def stakes(self, session: Session) -> Stakes:
        """What is at stake, looked up at the server now. Raises ConnectError, QueryError, SessionLost."""
        ...


@runtime_checkable
class RemembersDeadlocks(Protocol):
    """A monitor of what keeps its last deadlock."""

    async def last_deadlock(self) -> Deadlock:
        """Raises ConnectError, QueryError, SessionLost."""
        ...


@runtime_checkable
class Maintains(Actions, Protocol):
    """Actions of an engine whose tables can be vacuumed or analysed by hand."""

    def maintenance(self, node: Node, what: Literal["vacuum", "analyze"]) -> str:
        """The statement that does it; "" where this engine has no such thing for the node."""
        ...

    async def maintain(self, sql: str, approval: Approval, *, database: str = "") -> Page:
        """Run that statement beside other actions, for LONGEST seconds at most; when the caller is cancelled it stops.

        Raises what `write` does, and ConnectError while a plan is being run from here.
        """
        ...


class Engine(Protocol):
    """One server."""

    name: str  # the folder: "postgres"
    monitor: Monitor
    nouns: Nouns  # what it calls its things

    @property
    def lacks(self) -> Mapping[str, str]:
        """The sentence that is shown in place of what the engine lacks, by "catalog", "query", "explain", "actions",
        "statements", "advise", or, where only that is lacking, "analyze", "cancel", "terminate", "rewrite",
        "partition", "what if". A server that answers may lack more than its kind.
        """
        ...

    # An attribute, or a cached property where a part's module is dear to import: nothing of it is needed to paint.
    @property
    def catalog(self) -> Catalog | None: ...
    @property
    def query(self) -> Querier | None: ...
    @property
    def explain(self) -> Explainer | None: ...
    @property
    def actions(self) -> Actions | None: ...

    async def open(self) -> Server:
        """Connect. Raises ConnectError, AuthenticationError, NoSlotsLeft."""
        ...

    async def close(self) -> None:
        """Leave without waiting for the server."""
        ...
