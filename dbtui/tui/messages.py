"""What views say upwards. The main screen hears it, asks where asking is due, and lets the session act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.message import Message

from dbtui.config import Target
from dbtui.model.activity import Session
from dbtui.model.catalog import Node
from dbtui.model.snapshot import Snapshot


class SnapshotTaken(Message):
    """The sampler has a new snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class ActOn(Message):
    """Sessions are to be cancelled or terminated, as they were when the key was pressed."""

    def __init__(self, action: Literal["cancel", "terminate"], *sessions: Session) -> None:
        super().__init__()
        self.action = action
        self.sessions = sessions


class ShowDeadlock(Message):
    """The last deadlock is to be shown, as far as the engine keeps it."""


class Explain(Message):
    """A statement's plan is wanted. `analyze` runs the statement; `session` is the one that runs it now."""

    def __init__(
        self, sql: str, database: str = "", *, analyze: bool = False, session: Session | None = None
    ) -> None:
        super().__init__()
        self.session = session
        self.sql = sql
        self.database = database
        self.analyze = analyze


class Edit(Message):
    """A statement is to be put into the editor."""

    def __init__(self, sql: str, database: str = "") -> None:
        super().__init__()
        self.sql = sql
        self.database = database


class SampleRows(Message):
    """Some rows of a relation are wanted."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self.node = node


class Copy(Message):
    """A text for the clipboard."""

    def __init__(self, text: str, noun: str) -> None:
        super().__init__()
        self.text = text
        self.noun = noun


class OpenServer(Message):
    """Another server's console is wanted."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class OpenTarget(Message):
    """A server's console is wanted, whether it is saved or not."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


class OpenFleet(Message):
    """Several servers are to be watched at once."""

    def __init__(self, targets: Sequence[Target]) -> None:
        super().__init__()
        self.targets = targets


class PickServer(Message):
    """The connection picker is wanted."""


class GaveUp(Message):
    """A console got no connection at all; `trouble` is one line."""

    def __init__(self, name: str, trouble: str) -> None:
        super().__init__()
        self.name = name
        self.trouble = trouble


class RunStatement(Message):
    """The statement in the editor is to be run."""

    def __init__(self, sql: str, database: str) -> None:
        super().__init__()
        self.sql = sql
        self.database = database


class StopStatement(Message):
    """What runs now is to be stopped."""


class PlanWish(Message):
    """Something is wished about the plan in sight: the name of a task of `tui.plans`, and a text for it."""

    def __init__(self, wish: str, text: str = "") -> None:
        super().__init__()
        self.wish = wish
        self.text = text


class ShowNode(Message):
    """The node of the plan that a finding is about is to be shown."""

    def __init__(self, node: int) -> None:
        super().__init__()
        self.node = node


class PlanChange(Message):
    """SQL that changes a schema is to be planned: advice that was taken, a difference of two schemas."""

    def __init__(self, sql: str, title: str = "") -> None:
        super().__init__()
        self.sql = sql
        self.title = title


class Advise(Message):
    """Which indexes would help a statement is wanted."""

    def __init__(self, sql: str, database: str = "") -> None:
        super().__init__()
        self.sql = sql
        self.database = database


class AdviseWish(Message):
    """Something is wished of the advice pane: the name of a task of `tui.advising`."""

    def __init__(self, wish: str) -> None:
        super().__init__()
        self.wish = wish


class MigrateWish(Message):
    """Something is wished of the migration pane: the name of a task of `tui.migrating`."""

    def __init__(self, wish: str) -> None:
        super().__init__()
        self.wish = wish
