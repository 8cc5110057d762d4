"""What the rules about transactions share."""

from __future__ import annotations

from dbtui.model.migration import Action, Relation
from dbtui.rules.migration.step import Step

HOW_TO_LEAVE = {
    "dbmate": "put it into a file of its own with `-- migrate:up transaction:false`",
    "goose": "put it into a file of its own with `-- +goose NO TRANSACTION`",
    "flyway": "put it into a file of its own with executeInTransaction=false in its .conf file",
    "golang-migrate": "leave it the only statement of its file, which is then sent without a transaction",
    "prisma": "leave it the only statement of its file, which is then sent without a transaction",
    "drizzle": "run it by hand: drizzle-kit puts a transaction around every file",
    "django": "give the migration atomic = False",
    "alembic": "run it inside op.get_context().autocommit_block()",
    "rails": "call disable_ddl_transaction! in the migration",
}
_NEVER_INSIDE = {
    "vacuum", "vacuum full", "alter system", "create database", "drop database", "reindex schema",
    "reindex database",
}  # fmt: skip


def refuses_transaction(action: Action) -> bool:
    """Whether PostgreSQL refuses the action inside a transaction."""
    return action.concurrently or action.op in _NEVER_INSIDE


def relation_of(name: str) -> Relation:
    """A relation from the name that effects carry."""
    schema, _, plain = name.rpartition(".")
    return Relation(plain, schema)


def locked_before(step: Step) -> tuple[str, ...]:
    """Tables in use that an earlier statement of the same transaction locked against everybody."""
    found: dict[str, None] = {}
    for done in step.earlier:
        for lock in done.effects.locks:
            if lock.mode == "AccessExclusiveLock" and not step.fresh(relation_of(lock.relation)):
                found[lock.relation] = None
    return tuple(found)
