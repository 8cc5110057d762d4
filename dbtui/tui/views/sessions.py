"""The sessions as a table, blocking trees first, and one of them in words. Pure: from a sample to rows and text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dbtui import text
from dbtui.live.blocking import Blocked
from dbtui.live.remedy import frees
from dbtui.model.activity import Activity, Session
from dbtui.tui.views.base import matches
from dbtui.tui.widgets.grid import Cell, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs

COLUMNS = (
    GridColumn("id", "PID", 14, "left", 100),
    GridColumn("user", "User", 10, "left", 60),
    GridColumn("database", "Database", 10, "left", 30),
    GridColumn("application", "Application", 14, "left", 50),
    GridColumn("client", "Client", 15, "left", 10),
    GridColumn("state", "State", 10, "left", 80),
    GridColumn("wait", "Wait", 18, "left", 70),
    GridColumn("transaction", "Xact age", 8, "right", 45),
    GridColumn("age", "Age", 8, "right", 90),
    GridColumn("query", "Query", None, "left", 95),
)
SHORT_STATES = {
    "idle in transaction": "idle in tx",
    "idle in transaction (aborted)": "aborted tx",
    "fastpath function call": "fastpath",
}
SLOW, VERY_SLOW = 10.0, 60.0  # seconds of a running statement before its age turns warn, then bad
QUERY_WIDTH = 400  # characters of a statement that a row may need


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants to see of the sessions."""

    filter: str = ""
    sort: str = "age"
    reverse: bool = True
    idle: bool = False
    background: bool = False
    active_first: bool = False  # whatever the order: idle ones are only there to fill the room


def age_of(session: Session) -> float | None:
    """The age that matters: of the statement while it runs, of the state while it does not."""
    return session.query_age if session.state == "active" else session.state_age


SORT_KEYS: dict[str, Callable[[Session], tuple[bool, float | str]]] = {
    "id": lambda s: (True, float(s.id) if s.id.isdecimal() else s.id),
    "user": lambda s: (True, s.user),
    "database": lambda s: (True, s.database),
    "application": lambda s: (True, s.application),
    "client": lambda s: (True, s.client),
    "state": lambda s: (True, s.state),
    "wait": lambda s: (True, s.waits_on),
    "transaction": lambda s: (s.transaction_age is not None, s.transaction_age or 0.0),
    "age": lambda s: (age_of(s) is not None, age_of(s) or 0.0),
    "query": lambda s: (True, s.query),
}


def is_shown(session: Session, wanted: Wanted) -> bool:
    """Whether a session that takes no part in blocking is listed."""
    if not wanted.idle and not session.active and not session.hidden:
        return False
    if not wanted.background and session.kind not in ("client backend", "parallel worker", "walsender", ""):
        return False
    return matches(
        wanted.filter, session.id, session.user, session.database, session.application,
        session.client, session.state, session.waits_on, session.query,
    )  # fmt: skip


def rows(activity: Activity, lines: Sequence[Blocked], wanted: Wanted) -> list[GridRow]:
    """The table: blocking trees (`lines`) first, root on top, then the others in the wanted order."""
    trees = [line for line in lines if matches_tree(line, wanted)]
    in_tree = {line.session.id for line in trees}
    others = [s for s in activity.sessions if s.id not in in_tree and is_shown(s, wanted)]
    others.sort(key=SORT_KEYS[wanted.sort], reverse=wanted.reverse)
    if wanted.active_first:
        others.sort(key=lambda s: not s.active)
    return [_blocked_row(line) for line in trees] + [_row(s, f"  {s.id}") for s in others]


def matches_tree(line: Blocked, wanted: Wanted) -> bool:
    """A blocking tree is shown whatever the idle switch says; a filter still narrows it."""
    s = line.session
    return matches(wanted.filter, s.id, s.user, s.database, s.application, s.client, s.state, s.query)


def _blocked_row(line: Blocked) -> GridRow:
    marks = glyphs()
    if line.depth == 0:
        return _row(line.session, (f"{marks.root} {line.session.id}", Role.BAD), role_of_state=Role.BAD)
    rails = "".join(f"{marks.rail} " if goes_on else "  " for goes_on in line.rails)
    branch = marks.corner if line.last else marks.branch
    return _row(line.session, f"{rails}{branch} {line.session.id}", role_of_state=Role.WARN)


def _row(session: Session, id_cell: Cell, role_of_state: Role | None = None) -> GridRow:
    locked = session.wait_type == "Lock"
    state: Cell = SHORT_STATES.get(session.state, session.state)
    if session.hidden:
        state = ("hidden", Role.MUTED)
    elif role_of_state and (role_of_state is Role.BAD or locked):
        state = (str(state), role_of_state)
    elif session.state.startswith("idle in transaction"):
        state = (str(state), Role.WARN)
    return GridRow(
        key=f"{session.id}/{session.started}",
        cells=(
            id_cell, session.user, session.database, session.application, session.client, state,
            (session.waits_on, Role.BAD if locked else Role.MUTED),
            text.duration(session.transaction_age), _age_cell(session),
            text.one_line(session.query, QUERY_WIDTH),
        ),
        role=Role.MUTED if session.state == "idle" or session.kind not in ("client backend", "") else None,
    )  # fmt: skip


def _age_cell(session: Session) -> Cell:
    age = age_of(session)
    shown = text.duration(age)
    if age is None or session.state in ("idle", ""):
        return (shown, Role.MUTED)
    if session.kind not in ("client backend", "parallel worker"):
        return shown
    if age >= VERY_SLOW:
        return (shown, Role.BAD)
    return (shown, Role.WARN) if age >= SLOW else shown


def blocking_summary(
    sessions: Sequence[Session], lines: Sequence[Blocked], unblocked: str
) -> tuple[str, Role]:
    """What the title says about blocking: how many wait, behind whom, how long; `unblocked` where nobody does."""
    roots = [line for line in lines if line.depth == 0]
    alone = [s for s in sessions if s.stranded]
    if not roots and alone:
        age = text.duration(max(age_of(s) or 0.0 for s in alone))
        return f"blocked {len(alone)} · root not told · longest {age}", Role.WARN
    if not roots:
        return unblocked, Role.OK
    waiting = sum(root.waiting for root in roots)
    longest = max(root.longest for root in roots)
    who = f"root {roots[0].session.id}" if len(roots) == 1 else f"{len(roots)} roots"
    if alone:
        longest = max(longest, *(age_of(s) or 0.0 for s in alone))
        who = f"{waiting} behind {who}"
    return f"blocked {waiting + len(alone)} · {who} · longest {text.duration(longest)}", Role.BAD


def describe(session: Session, lines: Sequence[Blocked], product: str = "") -> str:
    """The detail of one session: who it is, what it holds up, and its statement."""
    who = f"{session.user}@{session.database}" if session.database and session.user else session.user
    where = session.client or ("local" if session.user else "")  # who tells no user tells no client either
    kind = "" if session.kind == "client backend" else session.kind
    facts = [f"{session.id}", who or session.database, session.application, where, kind]
    age = (
        f" for {text.duration(session.state_age)}" if session.state and session.state_age is not None else ""
    )
    about = [session.state + age]
    if session.transaction_age is not None:
        about.append(f"transaction open {text.duration(session.transaction_age)}")
    if session.holds_back:
        about.append(f"holds back {text.count(session.holds_back)} transactions of vacuum")
    own = next((line for line in lines if line.session.id == session.id), None)
    if own is not None and own.waiting:
        about.append(f"blocks {own.waiting}, the longest for {text.duration(own.longest)}")
        about.append(frees(own, product))
    if session.blocked_by:
        about.append("waits for " + ", ".join(session.blocked_by))
    return text.printable(" · ".join(part for part in (*facts, *about) if part))
