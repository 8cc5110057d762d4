"""A plan cut into migration files: one step that runs SQL each, so that each has one transaction mode."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dbtui.migrations.assess import assess
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.planner.backfill_sql import backfill_sql
from dbtui.model.change import ChangePlan, ChangeStep, Kind, Transaction
from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Engine


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one file. Statements are without terminators."""

    title: str
    header: tuple[str, ...]  # lines without the comment's mark
    up: tuple[str, ...]
    down: tuple[str, ...]
    one: bool  # whether the up statements go into one transaction
    down_one: bool
    verify: tuple[str, ...] = ()  # questions that are answered by yes afterwards
    engine: str = "postgresql"
    findings: tuple[Finding, ...] = field(default=(), compare=False)  # about the down statements

    @property
    def slug(self) -> str:
        """The title as part of a file's name."""
        words = re.sub(r"[^a-z0-9]+", "_", self.title.casefold()).strip("_")
        return words[:48].rstrip("_") or "step"


def parts(plan: ChangePlan, before: Sequence[MigrationFile] = ()) -> tuple[Part, ...]:
    """The files of a plan. What people do in between stands in the header of the file that comes after it.

    The down statements are reviewed like any others, on the schema as the plan leaves it.
    """
    made: list[Part] = []
    waiting: list[str] = []
    reviewed = _downs_reviewed(plan, before)
    for step in plan.steps:
        if step.kind in (Kind.CHECK, Kind.APPLICATION, Kind.COMMAND):
            waiting += _by_people(step)
            continue
        up = _up(step, plan.engine)
        findings = reviewed.get(step.number, ())
        header = (*_header(plan, step), *_told(findings), *waiting)
        one = step.transaction is Transaction.ONE
        down_one = step.down_transaction is Transaction.ONE
        verify = tuple(one.query for one in step.postconditions)
        made.append(Part(step.title, header, up, step.down, one, down_one, verify, plan.engine, findings))
        waiting = []
    if waiting:
        made.append(Part("what is left to do by hand", tuple(waiting), (), (), one=False, down_one=False))
    return tuple(made)


def _by_people(step: ChangeStep) -> Iterator[str]:
    what = {Kind.CHECK: "first make sure", Kind.APPLICATION: "first, by people", Kind.COMMAND: "first run"}
    yield f"{what[step.kind]}: {step.title}"
    yield from (f"  {line}" for line in step.command.splitlines())
    yield from (f"  {line}" for one in step.preconditions for line in one.query.splitlines())


def _header(plan: ChangePlan, step: ChangeStep) -> Iterator[str]:
    """Risk, locks, estimate and way back."""
    yield f"{step.title} (step {step.number} of {len(plan.steps)}, plan {plan.id})"
    while_it_runs = "" if step.blocks.value == "nothing" else f"; waits meanwhile: {step.blocks.value}"
    if step.seconds is None:
        yield f"takes: not known{while_it_runs}"
    else:
        yield f"takes: {step.seconds.low:.3g} to {step.seconds.high:.3g} s{while_it_runs}"
    if step.locks:
        yield "locks: " + ", ".join(f"{lock.relation} {lock.mode}" for lock in step.locks)
    gone = "; after it there is no way back" if step.point_of_no_return else ""
    yield f"undo: {step.reversibility.value}{gone}{'; rows or columns are lost' if step.destructive else ''}"
    if step.why:
        yield f"why: {' '.join(step.why.split())}"
    yield from (f"note: {' '.join(note.split())}" for note in step.notes)


def _told(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.severity is not Severity.INFO:
            yield f"down: {finding.severity.value} {finding.rule}: {finding.message}"


def _up(step: ChangeStep, engine: str) -> tuple[str, ...]:
    statements = (*step.before, *(backfill_sql(step.backfill, engine) or step.statements), *step.after)
    timeout = step.lock_timeout
    if engine == "postgresql" and timeout is not None and step.backfill is None:
        local = "LOCAL " if step.transaction is Transaction.ONE else ""
        return (
            f"SET {local}lock_timeout = '{timeout:g}s'" if timeout else f"SET {local}lock_timeout = 0",
            *statements,
        )
    if engine in ("mysql", "mariadb") and timeout:
        return (f"SET SESSION lock_wait_timeout = {round(timeout)}", *statements)
    return statements


def _downs_reviewed(plan: ChangePlan, before: Sequence[MigrationFile]) -> dict[int, tuple[Finding, ...]]:
    """By step, what the rules say of its down statements once all steps have run."""
    if plan.engine not in {one.value for one in Engine}:
        return {}
    engine = Engine(plan.engine)
    version = tuple(int(part) for part in plan.version.split(".") if part.isdigit()) or None
    ups = MigrationFile("up", "".join(f"{sql}\n;\n" for step in plan.steps for sql in step.statements))
    text, lines = [], {}
    line = 1
    for step in reversed(plan.steps):
        for sql in step.down:
            lines[line] = step.number
            text.append(f"{sql}\n;\n")
            line += text[-1].count("\n")
    found: dict[int, list[Finding]] = {}
    for one in assess([MigrationFile("down", "".join(text))], engine, version, [*before, ups]):
        number = lines.get(one.statement.line)
        if number is not None:
            found.setdefault(number, []).extend(f for f in one.findings if f.rule not in _OF_FILES)
    return {number: tuple(findings) for number, findings in found.items()}


# About files as a whole, and about timeouts, which the files set themselves.
_OF_FILES = frozenset(
    ("any-missing-rollback", "any-non-transactional-mixed", "any-not-idempotent", "pg-lock-timeout-missing",
     "my-no-transactional-ddl", "my-mdl-wait", "pg-multi-alter-same-table")
)  # fmt: skip
