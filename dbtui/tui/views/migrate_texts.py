"""What the migration pane says of a plan, of one step, and of what is seen beside a step that runs."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from dbtui import text
from dbtui.model.change import Blocks, ChangePlan, ChangeStep, Kind, Reversibility
from dbtui.model.run import Fill, Look, Rehearsal, Rehearsed, Run, State, StepRun
from dbtui.model.snapshot import Snapshot
from dbtui.output.change_text import GLYPHS, asked, batched_by, effect, span, steps_text, undoing, unknown
from dbtui.output.rehearsal_text import observed_text
from dbtui.tui.widgets.grid import Cell, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role, glyphs

COLUMNS = (
    GridColumn("step", "Step", 6, "right", 100, False),
    GridColumn("title", "What", None, "left", 100, False),
    GridColumn("kind", "Kind", 8, "left", 50, False),
    GridColumn("waits", "Who waits", 10, "left", 80, False),
    GridColumn("time", "Time", 12, "left", 70, False),
    GridColumn("undo", "Undo", 10, "left", 60, False),
    GridColumn("tried", "Rehearsed", 9, "left", 40, False),
)
_ASCII = {"·": ".", "▶": ">", "✓": "+", "✗": "x", "↩": "<", "■": "#", "↶": "<"}
_ROLES = {
    State.PENDING: None, State.RUNNING: Role.ACCENT, State.DONE: Role.OK, State.FAILED: Role.BAD,
    State.WITHDRAWN: Role.WARN, State.STOPPED: Role.WARN, State.UNDONE: Role.MUTED,
}  # fmt: skip
_WAITS = {
    Blocks.NOTHING: ("nobody", Role.MUTED), Blocks.DDL: ("other DDL", Role.MUTED),
    Blocks.WRITES: ("writers", Role.WARN), Blocks.EVERYTHING: ("everybody", Role.WARN),
}  # fmt: skip
_UNDO = {
    Reversibility.FREE: ("free", Role.MUTED), Reversibility.NEEDS_DATA: ("needs data", Role.WARN),
    Reversibility.IMPOSSIBLE: ("impossible", Role.BAD),
}  # fmt: skip
_KINDS = {Kind.INDEX: "index", Kind.APPLICATION: "people", Kind.COMMAND: "command"}
BAR = 30  # cells


def rows(plan: ChangePlan, run: Run | None, rehearsal: Rehearsal | None) -> list[GridRow]:
    """A row a step; before it is run, a plan's own steps alone."""
    tried = by_step(rehearsal)
    steps = run.steps if run is not None else tuple(StepRun(step) for step in plan.steps)
    return [_row(one, tried) for one in steps]


def by_step(rehearsal: Rehearsal | None) -> dict[int, Rehearsed]:
    """What was tried of each step; a way back that failed is a doubt about it."""
    if rehearsal is None:
        return {}
    back = {one.step.number: one.error for one in rehearsal.back if one.error}
    return {
        one.step.number: replace(one, doubts=(*one.doubts, f"its way back failed: {back[one.step.number]}"))
        if one.step.number in back
        else one
        for one in rehearsal.steps
    }


def _row(one: StepRun, tried: Mapping[int, Rehearsed]) -> GridRow:
    step = one.step
    title = f"no way back: {step.title}" if step.point_of_no_return else step.title
    known: Cell = span(step.seconds) if step.seconds is not None else ("", Role.MUTED)
    if one.ended is not None and one.started is not None and one.state is State.DONE:
        known = (f"took {text.milliseconds((one.ended - one.started) * 1000)}", Role.OK)
    state: Cell = (f"{_sign(one.state)} {step.number:2}", _ROLES[one.state] or Role.TEXT)
    cells = (
        state,
        title,
        _KINDS.get(step.kind, step.kind.value),
        _waits(step),
        known,
        _undo(step),
        _tried(tried.get(step.number)),
    )
    return GridRow(str(step.number), cells, marked=step.destructive or step.point_of_no_return)


def _sign(state: State) -> str:
    sign = GLYPHS[state]
    return _ASCII[sign] if glyphs().ascii else sign


def _waits(step: ChangeStep) -> Cell:
    if step.kind in (Kind.APPLICATION, Kind.COMMAND):
        return ("people act", Role.ACCENT)
    return _WAITS[step.blocks]


def _undo(step: ChangeStep) -> Cell:
    if step.reversibility is Reversibility.FREE and not step.down:
        return ("not known", Role.WARN) if unknown(step) else ("nothing", Role.MUTED)
    if not step.has_way_back and step.reversibility is Reversibility.NEEDS_DATA:
        return ("by a plan", Role.WARN)
    return _UNDO[step.reversibility]


def _tried(one: Rehearsed | None) -> Cell:
    if one is None or one.skipped:
        return ""
    if one.error:
        return ("failed", Role.BAD)
    return ("disagrees", Role.WARN) if one.doubts else ("agrees", Role.OK)


def heading(plan: ChangePlan, run: Run | None) -> tuple[str, Role]:
    """How the plan stands, for the frame's right corner."""
    if run is not None:
        done = sum(one.state is State.DONE for one in run.steps)
        role = Role.BAD if any(one.state is State.FAILED for one in run.steps) else Role.OK
        return f"{done} of {len(run.steps)} done", role
    hurts = sum(step.blocks in (Blocks.WRITES, Blocks.EVERYTHING) for step in plan.steps)
    people = sum(step.kind in (Kind.APPLICATION, Kind.COMMAND) for step in plan.steps)
    parts = [steps_text(len(plan.steps))]
    parts += [f"{hurts} that others wait for" if hurts else "nobody waits"]
    parts += [f"{people} by people"] if people else []
    return " · ".join(parts), Role.OK if plan.safe else Role.WARN


def described(one: StepRun, tried: Rehearsed | None) -> str:
    """All of a step as lines: what runs, what it does to others, how it is undone, what was found."""
    step = one.step
    lines: list[str] = []
    if one.detail and step.kind is not Kind.JOURNAL:
        lines.append(f"{one.state}: {one.detail}")
    if tried is not None:
        lines += _rehearsed(tried)
    lines += [*step.before, *step.statements, *step.after]
    if step.backfill is not None:
        fill = step.backfill
        work = f"{'SET' if fill.verb == 'update' else fill.verb.upper()} {fill.assignments}".strip()
        lines.append(f"{fill.table}: {work}{f' WHERE {fill.where}' if fill.where else ''}")
        lines.append(f"in batches by {batched_by(fill)}, each with its checkpoint")
    lines += [f"$ {step.command}"] if step.command else []
    lines += [f"asks: {text.one_line(one.query)}" for one in asked(step)]
    lines += [effect(step), undoing(step)]
    lines += [step.why] if step.why else []
    lines += [f"note: {note}" for note in step.notes]
    lines += [f"{finding.severity}: {finding.message} ({finding.rule})" for finding in step.findings]
    return text.printable("\n".join(lines), keep_newlines=True)


def _rehearsed(tried: Rehearsed) -> list[str]:
    if tried.skipped:
        return [f"not rehearsed: {tried.skipped}"]
    if tried.error:
        return [f"the rehearsal failed: {tried.error}"]
    assert tried.observed is not None
    return [f"rehearsed: {observed_text(tried.observed)}", *(f"they disagree: {one}" for one in tried.doubts)]


def beside(run: Run | None, snapshot: Snapshot | None, *, now: float | None = None) -> str:
    """What is seen beside the step at work: how far it is, who is in its way, who waits, load and lag."""
    lines: list[str] = []
    if run is not None and run.current is not None:
        one = run.of(run.current)
        since = text.duration((time.time() if now is None else now) - one.started) if one.started else ""
        lines.append(" · ".join(filter(None, (f"step {run.current}", run.doing, since))))
        lines += _filling(run.fill) if run.fill is not None and one.step.kind is Kind.BACKFILL else []
        lines += _looked(run.look) if run.look is not None else []
    elif run is not None and run.lines:
        lines += list(run.lines[-3:])
    if run is None or run.look is None or run.current is None:
        lines += _sampled(snapshot)
    return text.printable("\n".join(lines), keep_newlines=True)


def _filling(fill: Fill) -> list[str]:
    part = None
    if fill.remaining is not None and fill.rows + fill.remaining > 0:
        part = fill.rows / (fill.rows + fill.remaining)
    lines = [f"{bar(part)} {text.percent(part) or ''}"] if part is not None else []
    figures = [f"{fill.rows:,} rows", f"{text.count(fill.rate)}/s", f"batches of {fill.batch:,}"]
    if fill.eta is not None:
        figures.append(f"{text.duration(fill.eta)} to go")
    lines.append(" · ".join(figures))
    if fill.paused or fill.held:
        lines.append("paused · space resumes" if fill.paused else f"holds: {fill.held}")
    return lines


def bar(part: float) -> str:
    """A bar of `BAR` cells, 0 to 1."""
    full = round(min(1.0, max(0.0, part)) * BAR)
    signs = ("#", ".") if glyphs().ascii else ("█", "░")
    return signs[0] * full + signs[1] * (BAR - full)


def _looked(look: Look) -> list[str]:
    lines = [f"in its way  {blocker}" for blocker in look.blockers[:3]]
    if look.behind:
        lines.append(f"behind it   {look.behind} sessions, the longest for {look.behind_seconds:.1f} s")
    if look.progress is not None:
        progress = look.progress
        part = f" {progress.done / progress.total:.0%}" if progress.total else ""
        lines.append(f"server      {progress.operation} {progress.phase}{part}")
    lines.append(f"load        {_at_work(look.active)}")
    if look.lag is not None or look.lag_bytes is not None:
        size = f", {text.size(look.lag_bytes)}" if look.lag_bytes is not None else ""
        lines.append(f"replicas    {look.lag or 0.0:.1f} s behind{size}")
    if look.autovacuum:
        lines.append("autovacuum  works on the table")
    return lines


def _sampled(snapshot: Snapshot | None) -> list[str]:
    activity = snapshot.activity.value if snapshot is not None else None
    if activity is None:
        return ["nothing is known of the server yet"]
    busy = sum(session.state == "active" for session in activity.sessions)
    blocked = sum(bool(session.blocked_by) for session in activity.sessions)
    oldest = max((session.transaction_age or 0.0 for session in activity.sessions), default=0.0)
    lines = [f"load        {_at_work(busy)}, {blocked} blocked"]
    if oldest >= 1:
        lines.append(
            f"oldest      a transaction of {text.duration(oldest)}: what waits for old ones waits for it"
        )
    health = snapshot.health.value if snapshot is not None else None
    lags = [one.lag_seconds for one in health.replicas if one.lag_seconds is not None] if health else []
    if lags:
        lines.append(f"replicas    {max(lags):.1f} s behind")
    return lines


def _at_work(sessions: int) -> str:
    return f"{sessions} session{'' if sessions == 1 else 's'} at work"
