"""A run as it is shown: how each step stands, what is being done, and each change told to whoever looks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dbtui.model.change import ChangeStep, Kind
from dbtui.model.run import Attempt, Fill, Look, Run, State, StepRun

BY_OTHERS = (Kind.APPLICATION, Kind.COMMAND, Kind.CHECK)  # steps of which nothing is run here
_LINES = 200


class Progress:
    """`run` is the newest state; whatever changes it is told to `on_change`."""

    def __init__(self, run: Run, on_change: Callable[[Run], None]) -> None:
        self.run = run
        self._on_change = on_change

    def show(self, **changes: object) -> None:
        """Change fields of the run."""
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]
        self._on_change(self.run)

    def set(self, number: int, state: State, detail: str, attempt: Attempt | None = None) -> None:
        """Change how one step stands."""

        def changed(one: StepRun) -> StepRun:
            if one.step.number != number:
                return one
            by = attempt or one
            return StepRun(one.step, state, by.attempt, detail, by.started, by.ended)

        self.show(steps=tuple(map(changed, self.run.steps)))

    def say(self, line: str) -> None:
        """Add a line to what was said so far."""
        self.show(lines=(*self.run.lines, line)[-_LINES:])

    def looked(self, look: Look) -> None:
        """Show who stands in the way, and who waits."""
        now = self.run.doing
        if look.waiting and look.blockers:
            now = f"waits for its lock behind {look.blockers[0]}"
        elif now.startswith("waits for its lock"):
            now = "runs"
        self.show(look=look, doing=now)

    def withdrawn(self) -> None:
        """Nobody waits behind it any more; who was in its way is still worth knowing."""
        if self.run.look is not None:
            self.show(look=replace(self.run.look, waiting=False, behind=0, behind_seconds=0.0))

    def filled(self, fill: Fill) -> None:
        """Show how far a backfill is."""
        self.show(fill=fill)


def standing(step: ChangeStep, row: Attempt | None, *, settled: bool) -> StepRun:
    """A step as it stands before anything is run: the catalog's word goes before the journal's."""
    if row is None:
        return StepRun(step, State.DONE if settled else State.PENDING)
    state, detail = row.state, row.detail
    if settled:
        state, detail = State.DONE, detail if row.state is State.DONE else "found done on the server"
    elif state is State.DONE:
        state, detail = State.PENDING, "it was done, and the server shows it no longer"
    elif state is State.UNDONE:
        state = State.PENDING
    elif state is State.RUNNING:
        state, detail = State.PENDING, "it was cut off, and goes on"
    return StepRun(step, state, row.attempt, detail, row.started, row.ended)


def later(step: ChangeStep, row: Attempt | None) -> StepRun:
    """A step behind one that is not done: what the journal says of it is judged when it is reached."""
    if row is None:
        return StepRun(step)
    if row.state is State.DONE:
        return StepRun(
            step, State.PENDING, row.attempt, "was done before; the server is asked when its turn comes"
        )
    state = row.state if row.state in (State.FAILED, State.WITHDRAWN, State.STOPPED) else State.PENDING
    return StepRun(step, state, row.attempt, row.detail, row.started, row.ended)


def doing(step: ChangeStep) -> str:
    """What a step does once it is begun, for the line that tells of it."""
    if step.kind is Kind.BACKFILL:
        return "fills"
    return "waits for the server's word" if step.kind in BY_OTHERS else "runs"
