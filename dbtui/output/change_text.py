"""A plan of a change, and how it stands on a server, as text for a terminal or a log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from dbtui.model.change import Backfill, Blocks, ChangePlan, ChangeStep, Condition, Kind, Range, Reversibility
from dbtui.model.run import Run, State, StepRun
from dbtui.text import count, one_line, printable

GLYPHS = {
    State.PENDING: "·", State.RUNNING: "▶", State.DONE: "✓", State.FAILED: "✗", State.WITHDRAWN: "↩",
    State.STOPPED: "■", State.UNDONE: "↶",
}  # fmt: skip
_UNITS = (
    ("ms", 1e-3, 1.0),
    ("s", 1.0, 120.0),
    ("min", 60.0, 7200.0),
)  # name, seconds, and below how many it is used


def plan_text(plan: ChangePlan) -> str:
    """All steps with what they run, lock and cost, and how each is undone."""
    server = " on ".join(filter(None, (plan.database, plan.server)))  # SQLite's databases have no names
    unasked = ", planned without a server" if plan.version else ""  # engines without SQL are never asked
    where = f" for {server}" if plan.server else unasked
    version = f" {plan.version}" if plan.version else ""
    lines = [f"plan {plan.id} · {plan.title or 'untitled'} · {plan.engine}{version}{where}"]
    lines += [f"  note: {note}" for note in plan.notes]
    lines += _not_understood(plan)
    if not plan.steps:
        lines.append("nothing is to be done")
    for step in plan.steps:
        lines += ["", *step_lines(step)]
    lines += ["", _summary(plan)]
    return "\n".join(printable(line) for line in lines)


def _not_understood(plan: ChangePlan) -> Iterator[str]:
    for source in plan.source:
        if not source.understood:
            yield f"  not understood, so not called safe: {source.file}:{source.line} {one_line(source.sql, 80)}"


def _way_back(final: int | None) -> str:
    if final is None:
        return "every step can be undone"
    return f"no way back after step {final - 1}" if final > 1 else "no way back after the first step"


def _summary(plan: ChangePlan) -> str:
    final = next((step.number for step in plan.steps if step.point_of_no_return), None)
    people = sum(step.kind in (Kind.APPLICATION, Kind.COMMAND) for step in plan.steps)
    parts = [steps_text(len(plan.steps)), f"{people} done by people" if people else ""]
    parts.append(_way_back(final))
    parts.append(f"sha256 {plan.sha256}")
    return " · ".join(filter(None, parts))


def steps_text(number: int) -> str:
    """As people say it: "1 step", "2 steps"."""
    return "1 step" if number == 1 else f"{number} steps"


def step_lines(step: ChangeStep) -> Iterator[str]:
    """One step, its title first, the rest indented."""
    final = "  ── point of no return ──" if step.point_of_no_return else ""
    yield f"{step.number:3}  {step.title}  [{step.kind}, {step.phase}]{final}"
    for statement in (*step.before, *step.statements, *step.after):
        for line in statement.splitlines():
            yield f"       {line}"
    if step.backfill is not None:
        fill = step.backfill
        what = (
            f"SET {fill.assignments}"
            if fill.verb == "update"
            else f"{fill.verb.upper()} {fill.assignments}".strip()
        )
        where = f" WHERE {fill.where}" if fill.where else ""
        yield f"       {fill.table}: {what}{where}, in batches by {batched_by(fill)}"
    if step.command:
        yield f"       $ {step.command}"
    yield from (f"       asks: {one_line(one.query)}" for one in asked(step))
    yield f"     {effect(step)}"
    yield f"     {undoing(step)}"
    if step.why:
        yield f"     why: {step.why}"
    for note in step.notes:
        yield f"     note: {note}"
    for finding in step.findings:
        yield f"     {finding.severity}: {finding.message} ({finding.rule})"


def asked(step: ChangeStep) -> tuple[Condition, ...]:
    """What is asked of the rows, by a check or while the plan is made."""
    return step.preconditions if step.kind is Kind.CHECK else step.foreseen


def batched_by(fill: Backfill) -> str:
    """What the batches of a backfill go by."""
    if fill.verb in ("update", "delete"):
        return ", ".join(fill.key) or "row addresses"
    return "SCAN"


def effect(step: ChangeStep) -> str:
    """What a step locks, who waits, for how long."""
    locks = ", ".join(f"{lock.mode} on {lock.relation}" for lock in step.locks)
    parts = [locks or ("its locks are not known" if unknown(step) else "no lock that matters")]
    if step.blocks is not Blocks.NOTHING:
        parts.append(f"{step.blocks} wait")
    if step.seconds is not None:
        parts.append(span(step.seconds))
    if step.waiting is not None and step.waiting.high >= 1:
        low = f"{count(step.waiting.low)} to" if step.waiting.low >= 1 else "up to"
        parts.append(f"{low} {count(step.waiting.high)} queries would queue")
    if step.lock_timeout:
        parts.append(f"lock_timeout {step.lock_timeout:g} s, {step.retries} retries")
    return " · ".join(parts)


def unknown(step: ChangeStep) -> bool:
    """Whether nothing is known of what a step does: it holds a statement that was not understood."""
    return step.blocks is Blocks.EVERYTHING and not step.locks


def span(seconds: Range) -> str:
    """A range of time for people, in the unit that its end has: "1–100 ms", "2–40 s", "0.3–7 min", "3–20 h"."""
    unit, size = next(((name, size) for name, size, below in _UNITS if seconds.high < below), ("h", 3600.0))
    low, high = seconds.low / size, seconds.high / size
    return f"{low:.0f}–{high:.0f} {unit}" if low >= 1 else f"{low:.1g}–{high:.0f} {unit}"


def undoing(step: ChangeStep) -> str:
    """What it takes to undo a step."""
    if step.reversibility is Reversibility.IMPOSSIBLE:
        return "undo: impossible, only a backup helps"
    if not step.has_way_back:
        return "undo: no way back is written; a plan of its own can lead back"
    lost = (
        " (rows written since, or before, are lost or changed)"
        if step.reversibility is Reversibility.NEEDS_DATA
        else ""
    )
    down = "; ".join(one_line(sql) for sql in step.down)
    if not down and unknown(step):
        return "undo: not known"
    return f"undo: {down or 'nothing to undo'}{lost}"


def run_text(run: Run, *, used: dict[int, str] | None = None) -> str:
    """How a plan stands on a server: a line a step. `used` says of index steps how often their index was used."""
    done = sum(one.state is State.DONE for one in run.steps)
    lines = [
        f"plan {run.plan.id} · {run.plan.title or 'untitled'} on {run.server}: {done} of {len(run.steps)} steps done"
    ]
    uses = used or {}
    lines += [" · ".join(filter(None, (status_line(one), uses.get(one.step.number)))) for one in run.steps]
    following = run.next
    if following is not None:
        lines.append(f"next: step {following.step.number}, {following.step.title}")
    return "\n".join(printable(line) for line in lines)


def status_line(one: StepRun) -> str:
    """A step's state in one line."""
    ended = f" {datetime.fromtimestamp(one.ended, UTC):%Y-%m-%d %H:%M:%SZ}" if one.ended else ""
    attempts = f" (attempt {one.attempt})" if one.attempt > 1 else ""
    told = one.detail if one.step.kind is not Kind.JOURNAL else ""  # there it is for programs
    detail = f" · {one_line(told, 160)}" if told else ""
    return (
        f" {GLYPHS[one.state]} {one.step.number:2} {one.state:<9} {one.step.title}{attempts}{ended}{detail}"
    )
