"""What each step locks, reads and writes, how long that takes, and what the rules say about it.

A plan's own statements go through the same review as the user's: the matrices give locks and scans, the rules
give findings, in the order in which the steps run, so that a proof made by one step counts for the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dbtui.migrations.assess import walk
from dbtui.migrations.files import MigrationFile
from dbtui.migrations.parse_script import split_script
from dbtui.migrations.planner.in_the_way import in_the_way
from dbtui.migrations.planner.one import fresh
from dbtui.model.change import Blocks, ChangeStep, Kind, Range, Transaction
from dbtui.model.finding import Finding
from dbtui.model.locks import STRENGTH
from dbtui.model.migration import Assessed, Engine, Lock, Relation
from dbtui.model.survey import Rates, Survey
from dbtui.rules.migration.step import Step
from dbtui.rules.migration.transaction import relation_of
from dbtui.text import size

_BLOCKS = {
    "AccessExclusiveLock": Blocks.EVERYTHING,
    "ExclusiveLock": Blocks.WRITES,
    "ShareRowExclusiveLock": Blocks.WRITES,
    "ShareLock": Blocks.WRITES,
    "ShareUpdateExclusiveLock": Blocks.DDL,
    "EXCLUSIVE": Blocks.EVERYTHING,
    "SHARED": Blocks.WRITES,
}
# Where nothing was measured: a slow disk, and memory (PostgreSQL 15, 256 MB in cache: VALIDATE 1.5 GB/s,
# CREATE INDEX 237 MB/s, a rewrite 62 MB/s).
SLOW = Rates(scan=50e6, index=15e6, rewrite=5e6)
FAST = Rates(scan=1.5e9, index=240e6, rewrite=62e6)
MOMENT = Range(0.001, 0.1)  # a change of the catalog alone, once it has its lock
_KEYS = ("unique", "primary key", "exclude")
_EMPTIES = ("truncate",)  # a new file, and no row in it; REFRESH … WITH NO DATA likewise
# Rules about a file as a whole: a plan's steps are separate, and have their down statements beside them.
_OF_FILES = frozenset(
    ("any-missing-rollback", "any-non-transactional-mixed", "any-not-idempotent", "my-no-transactional-ddl",
     "pg-multi-alter-same-table")
)  # fmt: skip
# About code that must follow, which the plan's own steps for people say, and about its own short transactions.
_OF_CODE = frozenset(
    ("any-rename-column", "any-rename-table", "any-drop-column", "any-drop-not-null",
     "pg-statement-after-access-exclusive", "any-drop-table")
)  # fmt: skip
_SPREAD = 3.0  # how far a measured rate may be off, either way


def weigh(
    steps: Sequence[ChangeStep],
    engine: Engine,
    version: tuple[int, ...],
    before: Sequence[MigrationFile],
    survey: Survey | None,
) -> list[ChangeStep]:
    """The steps with locks, blocks, seconds, waiting queries and findings."""
    text, lines = _script(steps, engine)
    found: list[list[_Seen]] = [[] for _ in steps]
    for place, assessed in walk([MigrationFile("plan", text)], engine, version, before, ignore=_OF_FILES):
        number = lines.get(assessed.statement.line)
        if number is not None:
            found[number].append(_seen(place, assessed))
    return [_weighed(step, seen, engine, survey) for step, seen in zip(steps, found, strict=True)]


def _script(steps: Sequence[ChangeStep], engine: Engine) -> tuple[str, dict[int, int]]:
    """All statements of the plan as one file, and the step of each line on which one begins."""
    pieces: list[str] = []
    lines: dict[int, int] = {}
    line = 1
    for number, step in enumerate(steps):
        whole = engine is Engine.POSTGRESQL and step.transaction is Transaction.ONE
        timeout = f"{round((step.lock_timeout or 0) * 1000)}ms"
        first = ["BEGIN", f"SET LOCAL lock_timeout = '{timeout}'"] if whole and step.lock_timeout else []
        if engine in (Engine.MYSQL, Engine.MARIADB) and step.lock_timeout:
            first = [f"SET SESSION lock_wait_timeout = {round(step.lock_timeout)}"]
        own = [sql for sql in step.statements if _complete(sql, engine)]
        for sql in [*first, *step.before, *own, *(["COMMIT"] if whole and first else [])]:
            if sql in own:
                lines[line] = number
            pieces.append(f"{sql}\n;\n")
            line += pieces[-1].count("\n")
    return "".join(pieces), lines


def _complete(sql: str, engine: Engine) -> bool:
    """Whether a text is one statement that ends; half a statement would swallow those after it."""
    chunks = list(split_script(sql, engine))
    return len(chunks) == 1 and chunks[0].kind == "sql"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one statement does to tables that are in use."""

    locks: tuple[Lock, ...]
    scans: tuple[Relation, ...]
    rewrites: tuple[Relation, ...]  # with rows that are copied
    builds: tuple[Relation, ...]  # of the scans those that make an index
    findings: tuple[Finding, ...]
    understood: bool


def _seen(place: Step, assessed: Assessed) -> _Seen:
    def in_use(names: Sequence[str]) -> tuple[Relation, ...]:
        relations = (relation_of(name) for name in names)
        return tuple(one for one in relations if not fresh(place.schema, one))

    effects = assessed.effects
    builds = any(
        action.op == "create index"
        or (action.op == "add constraint" and action.constraint and action.constraint.kind in _KEYS)
        for action in assessed.statement.actions
    )
    scans = in_use(effects.scans)
    empties = all(action.op in _EMPTIES or "empty" in action.options for action in assessed.statement.actions)
    return _Seen(
        tuple(lock for lock in effects.locks if not fresh(place.schema, relation_of(lock.relation))),
        scans,
        () if empties else in_use(effects.rewrites),
        scans if builds else (),
        assessed.findings,
        assessed.statement.understood,
    )


def _weighed(step: ChangeStep, seen: Sequence[_Seen], engine: Engine, survey: Survey | None) -> ChangeStep:
    if step.kind in (Kind.CHECK, Kind.APPLICATION, Kind.COMMAND):
        return step
    if step.backfill is not None:
        return _backfill(step, engine, survey)
    unknown = len(seen) < len(step.statements) or any(not one.understood for one in seen)
    if engine is Engine.SQLITE and step.relation is not None and len(step.statements) > 1:
        rebuilt = _Seen((), (), (step.relation,), (), (), understood=True)
        seen = (*seen, rebuilt)
    locks = _strongest([lock for one in seen for lock in one.locks])
    blocks = (
        Blocks.EVERYTHING if unknown else _worst([_BLOCKS.get(lock.mode, Blocks.NOTHING) for lock in locks])
    )
    seconds = None if unknown else _seconds(seen, survey)
    disk = _disk(seen, survey)
    said = {_key(f): f for one in seen for f in one.findings if step.verbatim or f.rule not in _OF_CODE}
    return replace(
        step,
        locks=locks,
        blocks=blocks,
        seconds=seconds,
        waiting=_waiting(step, blocks, seconds, locks, survey),
        findings=tuple(said.values()),
        notes=(*step.notes, *disk, *in_the_way(locks, survey)),
    )


_WORTH_SAYING = 1 << 30  # bytes that a step writes, from which on disk, WAL and replicas matter


def _disk(seen: Sequence[_Seen], survey: Survey | None) -> tuple[str, ...]:
    """What is written anew needs as much free disk besides, and goes through the log to every replica."""
    written = 0
    for one in seen:
        for relation in dict.fromkeys((*one.rewrites, *one.builds)):
            facts = survey.table(relation) if survey is not None else None
            if facts is not None and facts.bytes is not None:
                written += facts.bytes + ((facts.index_bytes or 0) if relation in one.rewrites else 0)
    if survey is None or not written:
        return ()
    if survey.free_bytes is not None and written > survey.free_bytes:
        return (
            f"NO ROOM FOR THIS: it writes up to {size(written)} anew, and {size(survey.free_bytes)} are free",
        )
    if written < _WORTH_SAYING:
        return ()
    free = "" if survey.free_bytes is None else f", of which {size(survey.free_bytes)} are free"
    replicas = f"; {survey.replicas} replicas get it too" if survey.replicas else ""
    return (f"writes up to {size(written)} anew: it needs as much disk{free}, and as much log{replicas}",)


def _key(finding: Finding) -> tuple[str, str | None, str]:
    return finding.rule, finding.object, finding.message


def _strongest(locks: Sequence[Lock]) -> tuple[Lock, ...]:
    held: dict[str, str] = {}
    for lock in locks:
        before = held.get(lock.relation)
        if before is None or _rank(lock.mode) > _rank(before):
            held[lock.relation] = lock.mode
    return tuple(Lock(name, mode) for name, mode in held.items())


def _rank(mode: str) -> int:
    order = STRENGTH if mode in STRENGTH else ("NONE", "SHARED", "EXCLUSIVE")
    return order.index(mode) if mode in order else -1


def _worst(found: Sequence[Blocks]) -> Blocks:
    order = list(Blocks)
    return max(found, key=order.index, default=Blocks.NOTHING)


def _seconds(seen: Sequence[_Seen], survey: Survey | None) -> Range | None:
    """The sum over statements; None where something is read whose size is not known."""
    slow, fast = _rates(survey)
    low, high = MOMENT.low, MOMENT.high
    for one in seen:
        for relation in dict.fromkeys((*one.scans, *one.rewrites)):
            facts = survey.table(relation) if survey is not None else None
            if facts is None or facts.bytes is None:
                return None
            if relation in one.rewrites:
                both = facts.bytes + (facts.index_bytes or 0)
                low, high = low + both / fast.rewrite, high + both / slow.rewrite
            elif relation in one.builds:
                low, high = low + facts.bytes / fast.index, high + facts.bytes / slow.index
            else:
                low, high = low + facts.bytes / fast.scan, high + facts.bytes / slow.scan
    return Range(low, high)


def _rates(survey: Survey | None) -> tuple[Rates, Rates]:
    """The slowest and the fastest that is likely: around what was measured, else between a slow disk and memory."""
    rates = survey.rates if survey is not None else None
    if rates is None:
        return SLOW, FAST
    return (
        Rates(rates.scan / _SPREAD, rates.index / _SPREAD, rates.rewrite / _SPREAD),
        Rates(rates.scan * _SPREAD, rates.index * _SPREAD, rates.rewrite * _SPREAD),
    )


def _waiting(
    step: ChangeStep, blocks: Blocks, seconds: Range | None, locks: Sequence[Lock], survey: Survey | None
) -> Range | None:
    """Queries that queue: those per second on the locked tables, times how long they must wait.

    At worst the step waits for its own lock up to lock_timeout, with all others behind it, and then holds it.
    """
    if blocks not in (Blocks.WRITES, Blocks.EVERYTHING) or seconds is None or survey is None:
        return None
    rate = 0.0
    for lock in locks:
        facts = survey.table(relation_of(lock.relation))
        stops = _BLOCKS.get(lock.mode, Blocks.NOTHING)
        if facts is None or stops not in (Blocks.WRITES, Blocks.EVERYTHING):
            continue
        if facts.reads_per_second is None or facts.writes_per_second is None:
            return None
        rate += facts.writes_per_second + (facts.reads_per_second if stops is Blocks.EVERYTHING else 0.0)
    return Range(rate * seconds.low, rate * (seconds.high + (step.lock_timeout or 0.0)))


# Rows a second that a backfill changes: on a slow disk with long rows, and in memory (PostgreSQL 15: 10,000 rows
# in 40 ms), with the pauses that leave room for others.
_ROWS = Range(2_000, 100_000)


def _backfill(step: ChangeStep, engine: Engine, survey: Survey | None) -> ChangeStep:
    assert step.backfill is not None
    table = step.backfill.table
    facts = survey.table(table) if survey is not None else None
    rows = facts.rows if facts is not None else None
    seconds = Range(rows / _ROWS.high, max(rows / _ROWS.low, 0.1)) if rows is not None else None
    locks = (Lock(str(table), "RowExclusiveLock"),) if engine is Engine.POSTGRESQL else ()
    return replace(step, seconds=seconds, locks=locks)
