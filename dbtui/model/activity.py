"""What a server is doing now: its sessions, who waits for whom, and the statements it has counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """One session (connection, thread, operation) at the moment of the sample.

    Ages are seconds on the server's own clock, None where the notion does not apply or is hidden.
    """

    id: str  # pid, thread id, opid
    started: str  # identifies this incarnation of the id: its exact start in the engine's form, "" if hidden
    user: str
    database: str
    application: str
    client: str  # address, "" for a local socket or where the server does not tell
    kind: str  # "client backend", "autovacuum worker", …
    state: str  # "active", "idle in transaction", …; the server's own word
    wait_type: str  # "Lock", "IO", …; "" when running
    wait: str
    query: str  # the text as the server has it, perhaps cut by the server
    query_id: str = ""
    query_age: float | None = None
    transaction_age: float | None = None
    state_age: float | None = None
    leader: str = ""  # id of the session that this parallel worker belongs to
    blocked_by: tuple[str, ...] = ()  # ids; "0" is a prepared transaction
    holds_back: int | None = None  # age of the oldest snapshot it holds, in transactions
    hidden: bool = False  # a missing privilege hides its state and text
    plan: str = ""  # the server's own summary of the plan it runs by: "COLLSCAN"

    @property
    def active(self) -> bool:
        """Whether it is doing something or holding something that others may wait for."""
        return self.state not in ("", "idle", "Sleep") or self.transaction_age is not None

    @property
    def waits_on(self) -> str:
        """Kind and name of what it waits for, "Lock:tuple"; the kind alone where the server names nothing."""
        return f"{self.wait_type}:{self.wait}".rstrip(":") if self.wait_type else ""

    @property
    def stranded(self) -> bool:
        """Whether it waits for a lock while the server does not tell who is in its way."""
        return self.wait_type == "Lock" and not self.blocked_by


@dataclass(frozen=True, slots=True)
class Stakes:
    """What ending a session would undo and release, asked of the server before it is done. None is not known."""

    wrote: bool | None = None  # whether its open transaction has changed anything
    rows: int | None = None  # that it has changed and not committed
    locks: tuple[str, ...] = ()  # "ShareLock on orders" and the like; server text
    cancel_frees: bool | None = None  # whether cancelling its statement alone releases what it holds
    notes: tuple[str, ...] = ()  # one sentence each


@dataclass(frozen=True, slots=True)
class Activity:
    """The sessions of one sample, and the room there is."""

    sessions: tuple[Session, ...]
    connections: int  # taken of the limit
    limit: int | None  # connections that an ordinary user can get
    hidden: int = 0  # sessions whose text a missing privilege hides
    remedy: str = ""  # the GRANT that would show them


@dataclass(frozen=True, slots=True)
class Statement:
    """Counters of one statement shape since the server's last reset. Times are milliseconds, blocks are blocks."""

    id: str  # unique over (statement, user, database, nesting)
    query_id: str
    database: str
    user: str
    query: str | None  # None until the text was fetched
    calls: int
    total_ms: float
    rows: int | None = None
    blocks_hit: int | None = None
    blocks_read: int | None = None
    temp_blocks: int | None = None  # read + written
    wal_bytes: int | None = None
    plan_ms: float | None = None
    read_ms: float | None = None  # waiting for blocks to be read; 0 where the server does not time it
    rows_read: int | None = None  # to return `rows`
    plans: int | None = None  # times it was planned


@dataclass(frozen=True, slots=True)
class Statements:
    """All statement counters of one sample."""

    statements: tuple[Statement, ...]
    source: str  # "pg_stat_statements 1.12", "sampled activity", …
    evicted: int | None = None  # entries the server threw away since its reset
    reset: str = ""  # when the counters began, as the server prints it
    note: str = ""  # what a user should know, for example how to switch the counters on
    callers: tuple[Statement, ...] = ()  # who ran them, as seen: ids are "application/NAME" and "client/NAME"


@dataclass(frozen=True, slots=True)
class StatementDelta:
    """What one statement shape did between two samples. `seconds` is the time between them."""

    statement: Statement
    seconds: float
    calls: int
    total_ms: float
    rows: int | None = None
    blocks_hit: int | None = None
    blocks_read: int | None = None
    temp_blocks: int | None = None
    wal_bytes: int | None = None
    share: float = 0.0  # of the total time of all statements in this interval, 0 to 1
    plan_ms: float | None = None
    read_ms: float | None = None
    rows_read: int | None = None
    plans: int | None = None

    @property
    def mean_ms(self) -> float | None:
        return self.total_ms / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Replica:
    """One receiver of this server's log. Lag is None where the server does not say."""

    name: str
    client: str
    state: str
    lag_bytes: int | None
    lag_seconds: float | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A long operation. `done` and `total` are in `unit`, which is "" where the server does not tell how far it is."""

    session: str
    operation: str  # "CREATE INDEX", "VACUUM", …
    phase: str
    target: str
    done: float
    total: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the log that a receiver has asked to be kept, and the log that is kept for it."""

    name: str
    kind: str  # "physical", "logical"
    active: bool
    state: str  # the server's own word: "reserved", "extended", "unreserved", "lost"
    retained_bytes: int | None
    room_bytes: int | None = None  # that may still be written until it is given up; None without a limit


@dataclass(frozen=True, slots=True)
class Worn:
    """A table that vacuum is behind with. Seconds are since the last of its kind, None for never."""

    name: str  # quoted where it has to be, with its schema
    database: str
    rows: int
    dead: int
    due: int  # dead rows from which autovacuum would begin
    vacuumed: float | None
    analyzed: float | None
    off: bool = False  # autovacuum is switched off for it


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transaction that was prepared and neither committed nor rolled back; it keeps its locks."""

    name: str
    database: str
    owner: str
    age: float  # seconds


@dataclass(frozen=True, slots=True)
class Party:
    """One of those that deadlocked; server text."""

    session: str
    statement: str  # what it ran
    waits: str  # the lock it wanted
    victim: bool = False  # whether the server has rolled it back


@dataclass(frozen=True, slots=True)
class Deadlock:
    """The last deadlock that the server remembers. `note` says where it is from, or why there is none to see."""

    parties: tuple[Party, ...] = ()
    at: str = ""  # as the server writes it
    note: str = ""


@dataclass(frozen=True, slots=True)
class Hot:
    """A key that slow commands were about, lately. `share` is its part of their time, 0 to 1."""

    key: str
    calls: int
    seconds: float
    share: float
    command: str  # the one that took most time


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A shard that no node holds, and why, in the server's words."""

    index: str
    shard: int
    primary: bool
    why: str


@dataclass(frozen=True, slots=True)
class Health:
    """What changes slowly and is asked for every few seconds."""

    replicas: tuple[Replica, ...] = ()
    progress: tuple[Progress, ...] = ()
    slots: tuple[Slot, ...] = ()
    worn: tuple[Worn, ...] = ()  # the worst of the connected database
    prepared: tuple[Prepared, ...] = ()
    hot: tuple[Hot, ...] = ()  # most time first
    unplaced: Unplaced | None = None  # the first of those that have no node
    notes: tuple[str, ...] = ()  # what is not seen, and the statement that would show it
