"""A backfill as SQL for tools that know none: a loop where the language has one, else one statement."""

from __future__ import annotations

from dbtui.model.change import Backfill
from dbtui.model.migration import Engine
from dbtui.rules.migration.step import sql_name


def backfill_sql(fill: Backfill | None, engine: str) -> tuple[str, ...]:
    """Statements that do all of it; () for None.

    PostgreSQL gets batches by row addresses that commit one by one, where each row that is done drops out of the
    predicate. Everything else is one statement.
    """
    if fill is None:
        return ()
    dialect = Engine(engine) if engine in {one.value for one in Engine} else Engine.POSTGRESQL
    table = sql_name(fill.table, dialect)
    delete = fill.verb == "delete"
    start = f"DELETE FROM {table}" if delete else f"UPDATE {table} SET {fill.assignments}"
    if engine != "postgresql" or not fill.where or not fill.repeatable:
        return (f"{start} WHERE {fill.where}" if fill.where else start,)
    some = f"SELECT ctid FROM {table} WHERE {fill.where} LIMIT {fill.batch} FOR UPDATE"
    return (
        "DO $batches$\nDECLARE changed bigint;\nBEGIN\n  LOOP\n"
        f"    {start} WHERE ctid = ANY (ARRAY({some}));\n    GET DIAGNOSTICS changed = ROW_COUNT;\n"
        "    EXIT WHEN changed = 0;\n    COMMIT;\n  END LOOP;\nEND $batches$",
    )
