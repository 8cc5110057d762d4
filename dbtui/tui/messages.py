"""What views say upwards. A wish is done by the main screen, which asks where asking is due; the rest the app hears."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.message import Message

from dbtui.config import Target
from dbtui.model.activity import Session
from dbtui.model.catalog import Node
from dbtui.model.snapshot import Snapshot

if TYPE_CHECKING:
    from dbtui.tui.widgets.sql_area import SqlArea


class Wish(Message):
    """Something that the console is to do.

    The main screen begins `task` with it: a function of `tui.tasks`, or of a sibling by `module.function`. One that
    still runs is ended, unless the tasks of this wish stand beside each other.
    """

    task: ClassVar[str]
    replaces: ClassVar[bool] = True


@dataclass
class ActOn(Wish):
    """Sessions are to be cancelled or terminated, as they were when the key was pressed."""

    task = "acting.act"
    replaces = False  # the proof of the one before is still watched for
    action: Literal["cancel", "terminate"]
    sessions: Sequence[Session]


class ShowDeadlock(Wish):
    """The last deadlock is to be shown, as far as the engine keeps it."""

    task = "upkeep.deadlock"


@dataclass
class Explain(Wish):
    """A statement's plan is wanted. `analyze` runs the statement; `session` is the one that runs it now."""

    task = "tasks.explain"
    sql: str
    database: str = ""
    analyze: bool = False
    session: Session | None = None


@dataclass
class Edit(Wish):
    """A statement is to be put into the editor."""

    task = "tasks.edit"
    sql: str
    database: str = ""


@dataclass
class EditOutside(Wish):
    """The text of an area is to be written in the user's own editor."""

    task = "outside.edit"
    area: SqlArea


@dataclass
class SampleRows(Wish):
    """Some rows of a relation are wanted."""

    task = "tasks.sample_rows"
    node: Node


@dataclass
class RunStatement(Wish):
    """The statement in the editor is to be run."""

    task = "tasks.run_statement"
    sql: str
    database: str


class StopStatement(Wish):
    """What runs now is to be stopped."""

    task = "tasks.stop_statement"


@dataclass
class PlanWish(Wish):
    """Something about the plan in sight: the name of a task of `tui.plans`."""

    task = "plans.begin"
    wish: str


@dataclass
class ShowPlan(Wish):
    """A plan that came as text is to be shown."""

    task = "plans.pasted"
    text: str


@dataclass
class ShowNode(Wish):
    """The node of the plan that a finding is about is to be shown."""

    task = "tasks.show_node"
    node: int


@dataclass
class Advise(Wish):
    """Which indexes would help a statement is wanted."""

    task = "advising.open_on"
    sql: str
    database: str = ""


@dataclass
class AdviseWish(Wish):
    """Something of the advice pane: the name of a task of `tui.advising`."""

    task = "advising.begin"
    wish: str


@dataclass
class PlanChange(Wish):
    """SQL that changes a schema is to be planned: advice that was taken, a difference of two schemas."""

    task = "migrating.plan_change"
    sql: str
    database: str = ""  # that it is meant for; "" for the connection's


@dataclass
class MigrateWish(Wish):
    """Something of the migration pane: the name of a task of `tui.migrating`."""

    task = "migrating.begin"
    replaces = False  # one that stops or slows a run must not end the other
    wish: str


@dataclass
class SnapshotTaken(Message):
    """The sampler has a new snapshot."""

    snapshot: Snapshot


@dataclass
class Copy(Message):
    """A text for the clipboard."""

    text: str
    noun: str


@dataclass
class OpenServer(Message):
    """Another server's console is wanted."""

    name: str


@dataclass
class OpenTarget(Message):
    """A server's console is wanted, whether it is saved or not."""

    target: Target


@dataclass
class OpenFleet(Message):
    """Several servers are to be watched at once."""

    targets: Sequence[Target]


class PickServer(Message):
    """The connection picker is wanted."""


@dataclass
class GaveUp(Message):
    """A console got no connection at all; `trouble` is one line."""

    name: str
    trouble: str
