"""Verdicts: every statement of the files with its effects and findings, in the order a runner would take."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from dbtui.migrations.files import MigrationFile
from dbtui.migrations.known import apply
from dbtui.migrations.parse import parse
from dbtui.model.finding import Finding, Severity
from dbtui.model.migration import Action, Assessed, Effects, Engine, Schema, Statement
from dbtui.rules.base import Rule, load_rule, rule_ids
from dbtui.rules.migration.step import Done, FileFacts, Hit, Step
from dbtui.rules.migration.transaction import relation_of

PACKAGE = "dbtui.rules.migration"
DEFAULT_VERSIONS = {
    Engine.POSTGRESQL: (18,),
    Engine.MYSQL: (9, 7),
    Engine.MARIADB: (11, 8),
    Engine.SQLITE: (3, 40),
}
_PREFIXES = {
    Engine.POSTGRESQL: ("pg-", "any-"),
    Engine.MYSQL: ("my-", "any-"),
    Engine.MARIADB: ("my-", "any-"),
    Engine.SQLITE: ("lite-", "any-"),
}
_DATA = {
    "select",
    "insert",
    "update",
    "delete",
    "copy",
    "set",
    "reset",
    "show",
    "begin",
    "commit",
    "rollback",
    "use",
    "comment",
}


def assess(
    files: Sequence[MigrationFile],
    engine: Engine,
    version: tuple[int, ...] | None = None,
    before: Sequence[MigrationFile] = (),
    *,
    ignore: frozenset[str] = frozenset(),
) -> tuple[Assessed, ...]:
    """All statements of `files` with their verdicts.

    `before` is DDL of what exists already: it is read for its tables, and none of it is judged.
    `ignore` names rules that are left out; without one a statement may count as safe.
    """
    return tuple(assessed for _, assessed in walk(files, engine, version, before, ignore=ignore))


def walk(
    files: Sequence[MigrationFile],
    engine: Engine,
    version: tuple[int, ...] | None = None,
    before: Sequence[MigrationFile] = (),
    *,
    ignore: frozenset[str] = frozenset(),
) -> Iterator[tuple[Step, Assessed]]:
    """As `assess`, each statement with the place it stands in.

    The schema of a place is that before its statement until the next one is asked for; then it moves on.
    """
    reviewer = _Reviewer(engine, version or DEFAULT_VERSIONS[engine], ignore)
    for file in before:
        for statement in parse(file.text, engine, file.name):
            apply(reviewer.schema, statement)
        reviewer.schema.search_path = reviewer.home
    for file in files:
        yield from reviewer.file(file)


@cache
def _rules(engine: Engine) -> tuple[dict[str, tuple[Rule, ...]], tuple[Rule, ...]]:
    """The rules of an engine by the action they are about, and those about any statement."""
    by_action: dict[str, list[Rule]] = {}
    general: list[Rule] = []
    for rule_id in rule_ids(PACKAGE):
        if rule_id.startswith(_PREFIXES[engine]):
            rule = load_rule(PACKAGE, rule_id)
            for subject in rule.subjects:
                by_action.setdefault(subject, []).append(rule)
            if not rule.subjects:
                general.append(rule)
    return {subject: tuple(found) for subject, found in by_action.items()}, tuple(general)


@dataclass(slots=True)
class _Place:
    """Where in its transactions a file is."""

    wrapper: str = ""
    transaction: int = 0
    earlier: tuple[Done, ...] = ()
    saved: Schema | None = None


class _Reviewer:
    """Goes through files in order and remembers schema, transactions and settings."""

    def __init__(self, engine: Engine, version: tuple[int, ...], ignore: frozenset[str]) -> None:
        self.engine = engine
        self.ignore = ignore
        self.version = version
        self.home = {Engine.POSTGRESQL: "public", Engine.SQLITE: "main"}.get(engine, "")
        self.schema = Schema(self.home, fold=engine is not Engine.POSTGRESQL)
        self.transactions = 0
        self.settings: dict[str, str] = {}
        self.local: dict[str, str] = {}

    def file(self, file: MigrationFile) -> Iterator[tuple[Step, Assessed]]:
        statements = tuple(parse(file.text, self.engine, file.name))
        facts = _facts(file, statements, self.engine)
        self.settings, self.local = {}, {}
        self.schema.search_path = self.home
        place = _Place()
        whole = file.transaction == "file" or (file.transaction == "string" and len(statements) > 1)
        if whole and self.engine is not Engine.MYSQL and self.engine is not Engine.MARIADB:
            self._begin(place, "runner")
        previous: Done | None = None
        for position, statement in enumerate(statements):
            step, assessed = self._statement(statement, replace(facts, position=position), place, previous)
            yield step, assessed
            previous = Done(statement.actions, step.effects)
            self._after(statement, step, file, place)

    def _statement(
        self, statement: Statement, facts: FileFacts, place: _Place, previous: Done | None
    ) -> tuple[Step, Assessed]:
        effects, refused = self._effects(statement)
        step = Step(
            statement,
            effects,
            self.schema,
            self.engine,
            self.version,
            facts,
            place.transaction,
            place.wrapper,
            place.earlier,
            previous,
            {**self.settings, **self.local},
            refused,
        )
        findings = tuple(_findings(step, self.ignore))
        safe = None if statement.error else not any(f.severity is Severity.ERROR for f in findings)
        return step, Assessed(statement, effects, findings, safe)

    def _effects(self, statement: Statement) -> tuple[Effects, str]:
        if not statement.understood:
            return Effects(), ""
        settings = {**self.settings, **self.local}
        if self.engine is Engine.POSTGRESQL:
            from dbtui.migrations import effects_postgresql as postgresql
            from dbtui.migrations.uses_postgresql import at

            try:
                return postgresql.effects(statement, at(self.schema, self.version, settings)), ""
            except postgresql.NotSupportedError as error:
                return Effects(), str(error)
        if self.engine is Engine.SQLITE:
            from dbtui.migrations import effects_sqlite

            return effects_sqlite.effects(statement, self.schema, self.version), ""
        from dbtui.migrations import effects_mysql

        return effects_mysql.effects(statement, self.schema, self.engine, self.version, settings)

    def _begin(self, place: _Place, wrapper: str) -> None:
        self.transactions += 1
        place.transaction, place.wrapper, place.earlier = self.transactions, wrapper, ()
        place.saved = copy.copy(self.schema)
        place.saved.tables = dict(self.schema.tables)
        place.saved.altered = dict(self.schema.altered)

    def _end(self, place: _Place, *, undo: bool) -> None:
        if undo and place.saved is not None:
            self.schema = place.saved
        place.transaction, place.wrapper, place.earlier, place.saved = 0, "", (), None
        self.local = {}

    def _after(self, statement: Statement, step: Step, file: MigrationFile, place: _Place) -> None:
        """What the statement leaves behind: schema, settings, transaction."""
        for action in statement.actions:
            if action.op == "begin" and not place.transaction:
                self._begin(place, "script")
            elif action.op in ("commit", "prepare", "rollback") and not action.name:
                self._end(place, undo=action.op == "rollback")
            elif action.op in ("set", "reset"):
                self._set(action, inside=place.transaction > 0)
        apply(self.schema, statement, file=file.name, transaction=place.transaction)
        if place.transaction and self._matters(statement, step, place.earlier):
            place.earlier = (*place.earlier, Done(statement.actions, step.effects))

    def _matters(self, statement: Statement, step: Step, earlier: tuple[Done, ...]) -> bool:
        """Whether later statements of the transaction are judged by this one, and no equal one is kept already.

        A dump is thousands of statements about tables that it makes itself.
        """
        if any(action.op in ("add enum value", "create enum") for action in statement.actions):
            return True
        locks = step.effects.locks
        if all(step.fresh(relation_of(lock.relation)) for lock in locks):
            return False
        data = all(action.op in _DATA for action in statement.actions)
        return not (data and earlier and earlier[-1].effects.locks == locks)

    def _set(self, action: Action, *, inside: bool) -> None:
        """SET LOCAL lasts to the end of the transaction; outside of one it does nothing."""
        if "local" in action.options and not inside:
            return
        target = self.local if "local" in action.options else self.settings
        if action.op == "reset":
            target.pop(action.name, None)
        else:
            target[action.name] = action.new_name


def _facts(file: MigrationFile, statements: Iterable[Statement], engine: Engine) -> FileFacts:
    free = bound = 0
    for statement in statements:
        changing = [action for action in statement.actions if action.op not in _DATA]
        if any(needs_no_transaction(action, engine) for action in changing):
            free += 1
        elif changing:
            bound += 1
    return FileFacts(file.name, file.style, file.has_down, bound, free, again=file.repeatable)


_NEVER_IN_TRANSACTION = {
    "vacuum", "vacuum full", "create database", "drop database", "alter system", "create tablespace",
    "drop tablespace", "reindex database", "reindex schema",
}  # fmt: skip


def needs_no_transaction(action: Action, engine: Engine) -> bool:
    """Whether PostgreSQL refuses the action inside a transaction block."""
    if engine is not Engine.POSTGRESQL:
        return False
    concurrent = action.concurrently and action.op != "refresh materialized view"
    return concurrent or action.op in _NEVER_IN_TRANSACTION


def _findings(step: Step, left_out: frozenset[str]) -> Iterator[Finding]:
    by_action, general = _rules(step.engine)
    ignored = step.statement.ignored | left_out
    if "*" in ignored:
        return
    for rule in general:
        if rule.id not in ignored:
            for hit in rule.check(step, None):
                yield _finding(rule, hit, step.engine)
    for action in step.statement.actions:
        for rule in by_action.get(action.op, ()):
            if rule.id not in ignored:
                for hit in rule.check(step, action):
                    yield _finding(rule, hit, step.engine)


_DOCS = {
    Engine.POSTGRESQL: "https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES",
    Engine.MYSQL: "https://dev.mysql.com/doc/refman/9.4/en/innodb-online-ddl-operations.html",
    Engine.MARIADB: "https://mariadb.com/kb/en/innodb-online-ddl-overview/",
    Engine.SQLITE: "https://www.sqlite.org/lang_altertable.html",
}


def _finding(rule: Rule, hit: Hit, engine: Engine) -> Finding:
    return Finding(
        rule=rule.id,
        severity=hit.severity or rule.severity,
        message=hit.message,
        object=hit.object or None,
        evidence=hit.evidence,
        advice=hit.advice,
        sql=hit.sql,
        docs=(_DOCS[engine],),
    )
