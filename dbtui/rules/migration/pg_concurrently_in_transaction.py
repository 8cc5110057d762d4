"""A statement that refuses to run in a transaction stands in one.

What it does
    Looks for CONCURRENTLY, VACUUM, ALTER SYSTEM and CREATE or DROP DATABASE inside BEGIN, in a file
    that its tool wraps, or in a string of several statements.

Why it matters
    The server refuses it with error 25001; under Flyway it may instead wait for ever for the tool's own
    transaction.

Instead
    A file of its own without a transaction: `-- migrate:up transaction:false` (dbmate), `-- +goose NO
    TRANSACTION`, executeInTransaction=false (Flyway), a single statement in the file (golang-migrate).

When it is fine
    Never.
"""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.finding import Severity
from dbtui.model.migration import Action
from dbtui.rules.migration.step import Hit, Step
from dbtui.rules.migration.transaction import HOW_TO_LEAVE, refuses_transaction

SEVERITY = Severity.ERROR
SUBJECTS = (
    "create index",
    "drop index",
    "reindex index",
    "reindex table",
    "reindex schema",
    "reindex database",
    "detach partition",
    "vacuum",
    "vacuum full",
    "create database",
    "drop database",
    "alter system",
)


def check(step: Step, action: Action) -> Iterator[Hit]:
    if not step.transaction or not refuses_transaction(action):
        return
    where = (
        "BEGIN"
        if step.wrapper == "script"
        else f"the transaction that {step.file.style} puts around the file"
    )
    yield Hit(
        str(action.relation),
        f"it is refused inside {where} (25001)",
        HOW_TO_LEAVE.get(step.file.style, "put it into a file or script of its own, without a transaction"),
    )
