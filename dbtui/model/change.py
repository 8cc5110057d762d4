"""A change of schema as a plan: numbered steps, each with what it runs, what it locks, and how it is undone.

One notion for all engines. The planner makes plans, rehearsal and the runner read them, the journal keeps
them by their checksum. Nothing in here talks to a server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dbtui.model.finding import Finding
from dbtui.model.migration import Lock, Relation


class Kind(StrEnum):
    """What a step is, and so who does it how."""

    JOURNAL = "journal"  # makes the journal's own tables
    DDL = "ddl"  # changes the catalog; short, or as long as its estimate says
    INDEX = "concurrent index"  # builds or drops an index while writes go on; never in a transaction
    VALIDATE = "validate"  # reads a whole table to prove a constraint; writes go on
    BACKFILL = "backfill"  # many small writes by key ranges, as `ChangeStep.backfill` says
    DATA = "data"  # one statement of the user's that writes rows
    CHECK = "check"  # runs nothing: its preconditions must hold before the plan goes on
    APPLICATION = "application change"  # done by people: deploy code, wait; they say when it is done
    COMMAND = "external command"  # a program run by people, as `ChangeStep.command` says


class Phase(StrEnum):
    """Where a step stands in the life of a change."""

    PREPARE = "prepare"  # checks, the journal
    EXPAND = "expand"  # the new form comes beside the old one
    BACKFILL = "backfill"  # old rows take the new form
    VALIDATE = "validate"  # the new form is proved
    CONTRACT = "contract"  # the old form goes


class Reversibility(StrEnum):
    """What it takes to undo a step that has run."""

    FREE = "free"  # its `down` undoes it, and nothing is lost
    NEEDS_DATA = (
        "needs data"  # `down` brings the form back, but rows written since, or before, are lost or changed
    )
    IMPOSSIBLE = "impossible"  # only a backup helps


class Blocks(StrEnum):
    """Who waits while the step holds its locks."""

    NOTHING = "nothing"
    DDL = "other changes of schema"
    WRITES = "writes"
    EVERYTHING = "reads and writes"


class Transaction(StrEnum):
    """How the statements of a step are wrapped."""

    ONE = "one"  # all statements in one transaction, which begins after `before` and ends before `after`
    EACH = "each"  # every statement by itself, outside a transaction block
    BATCHES = "batches"  # a backfill: one transaction a batch, its checkpoint inside


@dataclass(frozen=True, slots=True)
class Range:
    """A figure that is not known exactly."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Condition:
    """A question to the server that changes nothing.

    It holds when the first value of the answer's first row is true, a number other than zero, or a text other
    than "", "0", "f" and "false"; no row is no. The words are the engine's own, as its query pane takes them.
    """

    query: str
    means: str  # what is true when it holds: "the column orders.total is there"
    costly: bool = False  # reads a whole table


@dataclass(frozen=True, slots=True)
class Backfill:
    """Rows to be changed in batches by ranges of a key, up to a bound that is frozen when the work begins.

    SQL engines: a batch is `UPDATE table SET assignments WHERE key in (last, next] AND (where)`, or `DELETE` with
    the same condition. MongoDB: `assignments` and `where` are documents in the shell's notation. Redis: `table`
    names the pattern of the keys, `verb` is "expire", "persist", "rename" or "unlink", and `assignments` is its
    argument (seconds; or the new name, in which `{1}` stands for what the first star of the pattern matched).
    """

    table: Relation
    key: tuple[
        str, ...
    ]  # a primary key or unique and NOT NULL, in order; () goes by row addresses, or by a cursor
    assignments: str = ""  # what follows SET, without the word
    where: str = ""  # rows still to do; "" is every row, each once
    verb: str = "update"  # or "delete"; for Redis see above
    batch: int = 1000  # rows of the first batch; the runner adapts it
    repeatable: bool = True  # whether a row that is done twice is as if done once


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """One step. What a field says holds for every engine, unless it says otherwise.

    A step is done when `superseded` holds, or when all postconditions do; a question that the server refuses,
    such as one about a column that is gone, is answered by no. Going on after whatever happened means: in order,
    the first step that is not done. Steps without postconditions are done when the journal says so.
    """

    number: int  # from 1; 0 is the journal's, which the runner puts before a plan's own steps
    kind: Kind
    title: str  # a line for people: "build the index orders_user_idx without blocking writes"
    phase: Phase = Phase.EXPAND
    statements: tuple[str, ...] = ()  # executed as they stand, in order, without terminators
    command: str = ""  # of an external command: a line for a shell, without secrets
    before: tuple[str, ...] = ()  # run on the same connection before the transaction opens
    after: tuple[str, ...] = ()  # run on it afterwards, whatever happened (settings put back)
    transaction: Transaction = Transaction.ONE
    lock_timeout: float | None = (
        None  # seconds to wait for a lock; 0.0 without limit; None: takes none that matters
    )
    retries: int = 0  # further attempts when that time was not enough, or leftovers were dropped
    relation: Relation | None = None  # the table, collection or index that the step is about
    locks: tuple[Lock, ...] = ()  # strongest mode per relation, by the server's own names
    blocks: Blocks = Blocks.NOTHING
    seconds: Range | None = None  # how long it runs, and for DDL holds its locks; None where unknown
    waiting: Range | None = (
        None  # queries that would queue behind its locks (blast radius); None where unknown
    )
    reversibility: Reversibility = Reversibility.FREE
    down: tuple[
        str, ...
    ] = ()  # statements that undo it, in order; () where there is nothing to undo or no way
    down_transaction: Transaction = Transaction.ONE
    destructive: bool = False  # rows or columns are lost: always ask, and name rows and bytes of `relation`
    point_of_no_return: bool = False  # the first step that a rollback cannot pass
    preconditions: tuple[Condition, ...] = ()  # all must hold before it may start
    postconditions: tuple[Condition, ...] = ()  # all hold when it is done; () means only people know
    foreseen: tuple[Condition, ...] = ()  # of rows, asked while the plan is made: a no is a failure to come
    superseded: Condition | None = None  # when it holds, a later step used up what this one made: it is done
    passing: bool = False  # a later statement changes what it made: once journalled as done, it is done
    undoes: tuple[Condition, ...] = ()  # of a way back: it is done when one of these holds no more
    leftover: Condition | None = None  # before each attempt: when it holds, `cleanup` runs first
    cleanup: tuple[str, ...] = ()  # removes what a failed attempt left, each outside a transaction
    backfill: Backfill | None = None
    index: str = ""  # the index that it builds, as SQL: look later whether it is used
    source: int | None = None  # which of `ChangePlan.source` it serves, from 0
    verbatim: bool = False  # the statements are the user's own text
    why: str = ""  # the reason for doing it so
    notes: tuple[
        str, ...
    ] = ()  # what else a reader should know before approving: guesses, facts of this server
    findings: tuple[Finding, ...] = ()  # what the rules say about these very statements

    @property
    def has_way_back(self) -> bool:
        """Whether a rollback can pass it: nothing is lost, or its `down` brings at least the form back."""
        return self.reversibility is Reversibility.FREE or (
            self.reversibility is Reversibility.NEEDS_DATA and bool(self.down)
        )

    @property
    def sha256(self) -> str:
        """The checksum of what the step does; figures, notes and findings are not part of it."""
        return _sha256(step_content(self))


@dataclass(frozen=True, slots=True)
class Source:
    """A statement as the user wrote it, and what is said of it as it stands."""

    sql: str
    file: str = ""
    line: int = 1
    safe: bool | None = None
    findings: tuple[Finding, ...] = ()
    understood: bool = True


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Steps that make one change on one server.

    `sha256` covers the engine, the user's statements and what the steps do, and neither the server nor figures
    that were measured there: the same plan has the same checksum on staging and on production. An approval
    binds both the checksum and `server`.
    """

    engine: str  # "postgresql", "mysql", "mariadb", "sqlite", "mongodb", "elasticsearch", "redis"
    server: str  # the server's identity: system identifier, server UUID, file, replica set …; "" where never asked
    database: str
    source: tuple[Source, ...]
    steps: tuple[ChangeStep, ...]
    title: str = ""  # what the change is called: the file's or folder's name
    version: str = ""  # of the server that it was made for
    notes: tuple[str, ...] = ()  # about the server as a whole: replicas, slots, old transactions, disk
    evidence: Mapping[str, float | str] = field(default_factory=dict)  # the figures behind the estimates

    @property
    def sha256(self) -> str:
        content = [self.engine, [one.sql for one in self.source], [step_content(step) for step in self.steps]]
        return _sha256(content)

    @property
    def id(self) -> str:
        """A short name, the same for the same plan."""
        return self.sha256[:12]

    @property
    def safe(self) -> bool:
        """Whether everything was understood and no step is known to block writes for longer than a second."""
        return all(one.understood for one in self.source) and not any(map(blocks_long, self.steps))


def blocks_long(step: ChangeStep) -> bool:
    """Whether writes are known to wait for the step longer than a second."""
    if step.blocks not in (Blocks.WRITES, Blocks.EVERYTHING):
        return False
    return step.seconds is not None and step.seconds.high > 1.0


def step_content(step: ChangeStep) -> dict[str, object]:
    """What a step does, as plain values: the part that its checksum covers."""
    fill = step.backfill
    return {
        "number": step.number,
        "kind": step.kind.value,
        "statements": list(step.statements),
        "command": step.command,
        "before": list(step.before),
        "after": list(step.after),
        "transaction": step.transaction.value,
        "lock_timeout": step.lock_timeout,
        "retries": step.retries,
        "down": list(step.down),
        "destructive": step.destructive,
        "preconditions": [one.query for one in step.preconditions],
        "postconditions": [one.query for one in step.postconditions],
        "superseded": step.superseded.query if step.superseded else None,
        "leftover": step.leftover.query if step.leftover else None,
        "cleanup": list(step.cleanup),
        "backfill": fill
        and [str(fill.table), list(fill.key), fill.assignments, fill.where, fill.verb, fill.repeatable],
        "title": step.title if step.kind is Kind.APPLICATION else "",
    }


def _sha256(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
