"""Cancel and terminate: what the dialog says beforehand, and the proof afterwards. Imported on first use."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dbtui import policy, text
from dbtui.engines.base import Weighs
from dbtui.errors import DbtuiError, Forbidden
from dbtui.live.proof import Held, held_by, told
from dbtui.live.remedy import PREPARED_KIND
from dbtui.live.session import Verb
from dbtui.model.activity import Session, Stakes
from dbtui.model.server import Environment
from dbtui.tui.messages import ActOn
from dbtui.tui.screens.confirm import Question
from dbtui.tui.widgets.roles import Role

if TYPE_CHECKING:
    from dbtui.tui.screens.main import MainScreen

LISTED = 5  # sessions of a list that the dialog names
EFFECT: dict[Verb, str] = {
    "cancel": "Stops its running statement; the session stays.",
    "terminate": "Ends the session and rolls it back.",
}
EFFECTS: dict[Verb, str] = {
    "cancel": "Stops their running statements; the sessions stay.",
    "terminate": "Ends the sessions and rolls them back.",
}


async def act(console: MainScreen, wish: ActOn) -> None:
    """Ask, act on exactly what was shown, and show whether it helped."""
    if console.past.snapshot is not None:
        console.say("this is the past: esc shows the present, where you can act", "warning")
        return
    actions = console.engine.actions
    if actions is None:
        console.say(console.engine.lacks.get("actions", "this engine cannot end sessions"), "warning")
        return
    if wish.action in console.engine.lacks:
        console.say(console.engine.lacks[wish.action], "warning")
        return
    if (refusal := _refusal(wish)) is not None:
        console.say(refusal, "warning")
        return
    target = Target(console, wish.action, wish.sessions)
    weighing = asyncio.create_task(target.weigh())
    question = Question(target.title, target.body, target.word, now=target.now)
    reason = await console.app.push_screen_wait(question)
    weighing.cancel()
    if reason is None:
        return
    held = target.held
    outcomes = await console.session.end_many(wish.action, wish.sessions, reason)
    done = sum(outcome.done for outcome in outcomes)
    if len(outcomes) == 1:
        console.say(outcomes[0].message, "information" if done else "warning")
    else:
        past = "cancelled" if wish.action == "cancel" else "terminated"
        first = next((outcome.message for outcome in outcomes if not outcome.done), "")
        console.say(
            f"{past} {done} of {len(outcomes)}" + (f"\n{first}" if first else ""),
            "information" if done == len(outcomes) else "warning",
        )
    if done:
        await _show_proof(console, wish.action, held, reason)


def _refusal(wish: ActOn) -> str | None:
    """Why it cannot be done at all, so that nobody fills in a dialog for nothing."""
    prepared = next((s for s in wish.sessions if s.kind == PREPARED_KIND), None)
    if prepared is not None:
        return f"nobody is connected: {text.one_line(prepared.query, 200)} or COMMIT PREPARED ends it"
    if wish.action == "terminate":
        try:
            policy.current().refuse(policy.Feature.TERMINATE)
        except Forbidden as error:
            return str(error)
    return None


async def _show_proof(console: MainScreen, verb: Verb, held: Held, reason: str) -> None:
    shown = await console.session.prove(held, reason)
    if shown is None:
        console.say("no sample came since: whether it helped is not known", "warning")
        return
    hint = " · X terminates it" if verb == "cancel" and (shown.waiting or shown.running) else ""
    console.say(told(held, shown) + hint, "information" if shown.settled else "warning")


class Target:
    """What the dialog is about: frozen when the key was pressed, looked at again while the dialog is open."""

    def __init__(self, console: MainScreen, verb: Verb, sessions: Sequence[Session]) -> None:
        self.console = console
        self.verb = verb
        self.sessions = sessions
        self.held = held_by(sessions, self._seen())
        self.stakes: Stakes | None = None

    @property
    def title(self) -> str:
        count = len(self.sessions)
        return f"{self.verb.capitalize()}?" if count == 1 else f"{self.verb.capitalize()} {count} sessions?"

    @property
    def word(self) -> str:
        """What has to be typed: whom, and on production where."""
        target = self.console.target
        whom = self.sessions[0].id if len(self.sessions) == 1 else str(len(self.sessions))
        return f"{target.name} {whom}" if target.environment is Environment.PRODUCTION else whom

    @property
    def body(self) -> str:
        """Who it is, and what will be lost."""
        target = self.console.target
        where = f"{target.name} ({target.environment})"
        if len(self.sessions) > 1:
            return (
                f"{len(self.sessions)} sessions on {where}\n{EFFECTS[self.verb]}\n\n{listed(self.sessions)}"
            )
        session = self.sessions[0]
        whose = f" of {session.user}@{session.database}" if session.user else ""
        return (
            f"session {session.id}{whose} on {where}\n{EFFECT[self.verb]}\n\n"
            f"{described(session)}\n{text.one_line(session.query, 400)}"
        )

    async def weigh(self) -> None:
        """Ask the server what is at stake; the dialog does not wait for it."""
        actions = self.console.engine.actions
        if len(self.sessions) == 1 and isinstance(actions, Weighs):
            with contextlib.suppress(DbtuiError):
                self.stakes = await actions.stakes(self.sessions[0])

    def now(self) -> tuple[str, Role]:
        """What became of it while the dialog is open, what it holds up, and what it would lose."""
        state, role = self._state()
        return "\n".join(filter(None, (state, self._frees(), at_stake(self.stakes)))), role

    def _seen(self) -> Sequence[Session]:
        """Everyone in the newest sample."""
        activity = self.console.snapshot.activity.value if self.console.snapshot else None
        return activity.sessions if activity else ()

    def _state(self) -> tuple[str, Role]:
        there = {(s.id, s.started): s for s in self._seen()}
        left = [(before, there.get((before.id, before.started))) for before in self.sessions]
        gone = [before.id for before, now in left if now is None]
        if gone:
            one = len(self.sessions) == 1
            return (
                "it is gone: nothing would be done" if one else f"{len(gone)} are gone meanwhile"
            ), Role.BAD
        changed = [
            now for before, now in left if now and (now.state, now.query) != (before.state, before.query)
        ]
        if changed and len(self.sessions) == 1:
            return f"it is doing something else by now: {described(changed[0])}", Role.WARN
        if changed:
            return f"{len(changed)} are doing something else by now", Role.WARN
        return "looked at again: still as shown", Role.MUTED

    def _frees(self) -> str:
        waiting = len(self.held.waiters)
        if not waiting:
            return "nobody waits behind it" if len(self.sessions) == 1 else "nobody waits behind them"
        count = (
            f"{waiting} waiter{'s' if waiting > 1 else ''}, the longest {text.duration(self.held.longest)}"
        )
        if self.verb == "terminate":
            return f"frees {count}"
        frees = self.stakes.cancel_frees if self.stakes else None
        if frees is False:
            return f"frees none of {count}: its locks stay until the transaction ends, terminate frees them"
        return f"frees {count}" if frees else f"may free {count}"


def described(session: Session) -> str:
    """State and ages on one line."""
    parts = [session.application, session.client, session.state]
    if session.state_age is not None and session.state != "active":
        parts[-1] += f" for {text.duration(session.state_age)}"
    if session.query_age is not None and session.state == "active":
        parts.append(f"statement runs for {text.duration(session.query_age)}")
    age = session.transaction_age
    parts.append("no open transaction" if age is None else f"transaction open {text.duration(age)}")
    return " · ".join(part for part in parts if part)


def at_stake(stakes: Stakes | None) -> str:
    """What would be lost, as far as the server tells."""
    if stakes is None:
        return ""
    parts = []
    if stakes.rows:
        changed = "1 changed row is" if stakes.rows == 1 else f"{stakes.rows:,} changed rows are"
        parts.append(f"{changed} rolled back")
    elif stakes.wrote is not None:
        parts.append("its changes are rolled back" if stakes.wrote else "it has changed nothing yet")
    if stakes.locks:
        more = f" and {len(stakes.locks) - 3} more" if len(stakes.locks) > 3 else ""
        parts.append(f"holds {', '.join(stakes.locks[:3])}{more}")
    return " · ".join((*parts, *stakes.notes))


def listed(sessions: Sequence[Session]) -> str:
    """A list of targets: how many of each kind, and the first of them."""
    kinds = Counter(f"{s.user}@{s.database} {s.application} {s.state}".replace("  ", " ") for s in sessions)
    lines = [f"{count:>4} × {kind}" for kind, count in kinds.most_common(LISTED)]
    if len(kinds) > LISTED:
        lines.append(f"     and {len(kinds) - LISTED} other kinds")
    oldest = max((s.transaction_age or 0.0 for s in sessions), default=0.0)
    lines.append(f"oldest transaction {text.duration(oldest)}" if oldest else "no transaction is open")
    lines.append("ids " + text.one_line(" ".join(s.id for s in sessions), 200))
    return "\n".join(lines)
