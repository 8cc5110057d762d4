"""What a destructive step would lose: rows and bytes, as the server's statistics know them now."""

from __future__ import annotations

import json
import re

from dbtui.engines.base import Engine
from dbtui.errors import DbtuiError
from dbtui.migrations.dialect import DIALECTS, Dialect
from dbtui.model.change import ChangePlan, ChangeStep
from dbtui.model.migration import Relation
from dbtui.text import count, size

_COLUMN = re.compile(r"\bDROP\s+COLUMN\b", re.I)


async def losses(engine: Engine, plan: ChangePlan, step: ChangeStep) -> str:
    """One line such as "orders: about 1.2 M rows, 310 MB"; what is not known is said."""
    asked = _asked(plan, step)
    if not asked or engine.query is None:
        return "how many rows and bytes is not known"
    columns = [sql for sql in step.statements if _COLUMN.search(sql)]
    name = f"a column of {step.relation}" if columns else str(step.relation or "everything")
    try:
        cursor = await engine.query.run(asked, database=plan.database, timeout=30.0)
        try:
            page = await cursor.fetch(1)
        finally:
            await cursor.close()
    except DbtuiError as error:
        return f"{name}: rows and bytes are not known ({error.message})"
    if not page.rows or page.rows[0][0] is None:
        return f"{name}: rows and bytes are not known"
    rows, used = ([None if cell in (None, "") else float(cell) for cell in page.rows[0]] + [None])[:2]
    many = "an unknown number of" if rows is None or rows < 0 else f"about {count(rows)}"
    return f"{name}: {many} rows{f', {size(used)}' if used is not None else ''}"


def _asked(plan: ChangePlan, step: ChangeStep) -> str:
    """The question to the server in its own words; "" where none is known. A pattern's keys only a walk counts."""
    dialect, relation = DIALECTS.get(plan.engine), step.relation
    if dialect is not None:
        return _question(dialect, relation) if relation is not None else ""
    if plan.engine == "redis":
        return "DBSIZE" if relation is None else ""
    if relation is None:
        return ""
    if plan.engine == "elasticsearch":
        return f"GET /_cat/indices/{relation}?h=docs.count,store.size"
    return json.dumps({"count": str(relation)})


def _question(dialect: Dialect, relation: Relation) -> str:
    """Rows and bytes, with indexes. SQLite keeps no estimate, so its rows are counted."""
    name = dialect.literal(dialect.relation(relation))
    if dialect.engine == "postgresql":
        return (
            "SELECT c.reltuples::int8, pg_catalog.pg_total_relation_size(c.oid)"  # noqa: S608 - quoted above
            f" FROM pg_catalog.pg_class c WHERE c.oid = to_regclass({name})"
        )
    if dialect.engine == "sqlite":
        return f"SELECT count(*), NULL FROM {dialect.relation(relation)}"  # noqa: S608 - quoted above
    schema = dialect.literal(relation.schema) if relation.schema else "DATABASE()"
    return (
        "SELECT table_rows, data_length + index_length FROM information_schema.tables"  # noqa: S608 - quoted above
        f" WHERE table_schema = {schema} AND table_name = {dialect.literal(relation.name)}"
    )
