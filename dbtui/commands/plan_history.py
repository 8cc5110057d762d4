"""The plans that were taken before: each new one is kept, and said to be another one where it is."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from dbtui import policy
from dbtui.errors import InputError
from dbtui.live.masking import masker
from dbtui.model.comparison import Comparison
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.causes import causes
from dbtui.plans.compare import compare
from dbtui.plans.history import Kept, PlanHistory, changed_since, masked_form
from dbtui.plans.masking import Mask

_ENGINES = {
    "postgres": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
    "mongo": "mongodb",
    "elasticsearch": "elasticsearch",
    "redis": "redis",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A statement has another plan than the last time it was asked for."""

    before: Kept
    comparison: Comparison
    causes: tuple[str, ...]  # the likeliest first


def remember(plan: Plan, connection: str, database: str = "") -> Change | None:
    """Keep a plan; what changed since the last one of its kind, None where nothing did or nothing was kept.

    `DBTUI_PLAN_HISTORY` says how: "off" keeps none, as does a policy against recording; "literals" keeps the values
    of the statement too.
    """
    if (
        os.environ.get("DBTUI_PLAN_HISTORY") == "off"
        or policy.Feature.RECORDING in policy.current().forbidden
    ):
        return None
    history = PlanHistory()
    earlier = history.of(connection, plan.query)
    kept = history.keep(plan, connection, database, _mask(plan))
    before = changed_since(earlier, kept) if kept is not None else None
    if before is None:
        return None
    try:
        comparison = compare(plan_of(before), plan)
    except InputError:  # kept by a version that read more than this one
        return None
    return Change(before, comparison, causes(comparison))


def earlier_plans(plan: Plan, connection: str) -> tuple[Kept, ...]:
    """The plans of a statement that are kept, the newest first."""
    return PlanHistory().of(connection, plan.query)[::-1]


def other_plans(plan: Plan, connection: str) -> tuple[Kept, ...]:
    """The kept plans of a statement without this one, the newest first."""
    own = masked_form(plan, connection, "", _mask(plan))
    return tuple(one for one in earlier_plans(plan, connection) if own is None or one.packed != own.packed)


def _mask(plan: Plan) -> Mask | None:
    if os.environ.get("DBTUI_PLAN_HISTORY") == "literals":
        return None
    return masker(_ENGINES.get(plan.format.partition("-")[0], ""))


def plan_of(kept: Kept) -> Plan:
    """A kept plan, read and measured. Raises InputError."""
    plan = parse(kept.text)
    return replace(
        plan, query=kept.query, server_version=kept.server_version, notes=(*kept.notes, *plan.notes)
    )
