"""Plans of any format, read and measured: numbers that add up."""

from __future__ import annotations

from dataclasses import replace

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans.formats import elastic, mongo, mysql, postgres, redis, sqlite_plan
from dbtui.plans.wrapping import unwrapped

MAX_CHARACTERS = 64 * 1024 * 1024
MAX_NODES = 50_000  # a thousand partitions, read some dozen times
_NODES = ('"Node Type"', "->  ", "<Node-Type>", "Node Type: ")  # what PostgreSQL begins a node with
# asked in this order; what none knows is read as PostgreSQL's
FORMATS = (redis, elastic, mongo, mysql, sqlite_plan)


def parse(text: str) -> Plan:
    """The plan in a text of any known format, with self times and self blocks.

    Pure: no I/O, and the result can be pickled. Raises InputError, with one line, on everything that is not
    exactly one plan, on more than `MAX_CHARACTERS` or `MAX_NODES`, and on nesting beyond
    `postgres_document.MAX_DEPTH`.
    """
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the plan is larger than {MAX_CHARACTERS >> 20} MB", "nothing of it was read")
    if max(text.count(mark) for mark in _NODES) > MAX_NODES:
        raise InputError(f"the plan has more than {MAX_NODES:,} nodes", "nothing of it was read")
    bare = unwrapped(text)
    read = next((one.read for one in FORMATS if one.recognise(bare)), postgres.read)
    plan = read(bare)
    return plan if plan.original == text else replace(plan, original=text)
