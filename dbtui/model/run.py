"""What becomes of a plan while it is run: attempts as the journal keeps them, progress, and what is seen beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from dbtui.model.activity import Progress
from dbtui.model.change import ChangePlan, ChangeStep
from dbtui.model.migration import Lock


class State(StrEnum):
    """How a step, or one attempt of it, stands. The journal keeps these words."""

    PENDING = "pending"  # never begun
    RUNNING = "running"  # begun, and no end is known: after a crash only the server's catalog can tell
    DONE = "done"
    FAILED = "failed"  # the server refused it; somebody has to decide
    WITHDRAWN = "withdrawn"  # we took it back ourselves: others would have waited for it
    STOPPED = "stopped"  # it was told to stop; it goes on from its checkpoint
    UNDONE = "undone"  # its way back has run


@dataclass(frozen=True, slots=True)
class Attempt:
    """A row of the journal. Times are epoch seconds; `ended` is None while it runs, or was cut off."""

    plan_id: str
    plan_sha256: str
    step: int
    attempt: int  # from 1, over all runs of the plan
    state: State
    sql_sha256: str
    approved_by: str
    started: float
    ended: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a backfill is. Keys are the literals of the server's language, in the order of the key's columns."""

    upper_bound: tuple[str, ...]  # frozen when the work began; () for an empty table
    last_key: tuple[str, ...]  # the last one whose rows are done; () before the first batch
    rows: int  # changed so far
    batch: int  # rows of the next batch


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen beside the runner's session at one moment. Times are seconds; None is not told by the server."""

    waiting: bool = False  # it waits for a lock
    blockers: tuple[str, ...] = ()  # who is in its way, a line each
    behind: int = 0  # sessions that wait for it
    behind_seconds: float = 0.0  # the longest of those waits
    active: int = 0  # sessions at work, those of the console apart
    lag: float | None = None  # of the slowest replica; None without replicas
    lag_bytes: int | None = None
    autovacuum: bool = False  # the server's own cleaning works on the table now
    progress: Progress | None = None  # as the server tells it


@dataclass(frozen=True, slots=True)
class Fill:
    """How far the running backfill is. `remaining` and `eta` are estimates; None where nothing is known yet."""

    rows: int
    batch: int  # rows of the next batch
    rate: float = 0.0  # rows a second, lately
    remaining: float | None = None  # rows
    eta: float | None = None  # seconds
    paused: bool = False
    held: str = ""  # why it waits by itself: "replicas are 12 s behind"


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step of a plan and how it stands."""

    step: ChangeStep
    state: State = State.PENDING
    attempt: int = 0
    detail: str = ""
    started: float | None = None  # epoch seconds of the newest attempt
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A moment of a plan that is run: the journal's step first, then the plan's own."""

    plan: ChangePlan
    server: str  # its identity
    steps: tuple[StepRun, ...]
    current: int | None = None  # the number of the step at work
    doing: str = ""  # one line: "waits for its lock", "tries again in 2 s", …
    fill: Fill | None = None
    look: Look | None = None
    lines: tuple[str, ...] = field(default=())  # what happened, the newest last

    @property
    def next(self) -> StepRun | None:
        """The first step that is not done."""
        return next((one for one in self.steps if one.state is not State.DONE), None)

    def of(self, number: int) -> StepRun:
        """The step of this number. Raises KeyError."""
        for one in self.steps:
            if one.step.number == number:
                return one
        raise KeyError(number)


@dataclass(frozen=True, slots=True)
class Observed:
    """What statements really did. Relations are named as the server prints them; only those that were there before."""

    locks: tuple[Lock, ...] = ()  # the strongest a relation, tables only
    rewrites: tuple[str, ...] = ()
    scans: tuple[str, ...] = ()
    seconds: float = 0.0
    seen: bool = True  # False where the locks came and went too fast to be seen


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A step after its rehearsal. `doubts` are where it and the matrix, or what was expected, disagree."""

    step: ChangeStep
    observed: Observed | None = None  # None where nothing could be run
    error: str = ""
    doubts: tuple[str, ...] = ()
    skipped: str = ""  # why it was not rehearsed


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A plan that was tried. `where` says on what; `missing` what could not be had there."""

    plan: ChangePlan
    where: str
    steps: tuple[Rehearsed, ...]
    back: tuple[Rehearsed, ...] = ()  # the ways back of the steps, the newest first
    missing: tuple[str, ...] = ()

    @property
    def wrong(self) -> tuple[int, ...]:
        """The numbers of the steps that failed, or did something else, on the way there or back."""
        tried = (*self.steps, *self.back)
        return tuple(sorted({one.step.number for one in tried if one.error or one.doubts}))
