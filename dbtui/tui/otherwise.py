"""What the advice pane asks for besides indexes: the statement in other words, and tables in partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dbtui.advice.partitions import LEAST
from dbtui.commands.partitioning import check_engine, partition_on
from dbtui.commands.planners import has_planner
from dbtui.commands.rewriting import rewrite_on
from dbtui.commands.workload import of_counters
from dbtui.errors import UsageError
from dbtui.model.advice import Query
from dbtui.model.partitioning import Partitioning
from dbtui.model.rewrite import Rewrite
from dbtui.output import partitioning as partition_text
from dbtui.output.rewriting import facts as rewrite_facts
from dbtui.output.rewriting import summary as rewrite_summary
from dbtui.rules.base import load_rule
from dbtui.text import one_line
from dbtui.tui.views.advise import AdviseView, Option

if TYPE_CHECKING:
    from dbtui.shadow import Shadow
    from dbtui.tui.screens.main import MainScreen

_REWRITES = "dbtui.advice.rewrites"


async def rewrite(console: MainScreen, view: AdviseView, shadow: Shadow) -> None:
    """The statement in other words as options; `space` plans with one, and shows both plans."""
    sql = view.sql.text.strip().rstrip(";")
    if not sql:
        console.say("write a statement first", "warning")
        return
    found = await rewrite_on(console.engine, shadow, [Query(sql)], view.database)
    view.show_options(
        [_rewritten(one, tried=has_planner(console.engine)) for one in found.rewrites], "Rewrites"
    )
    why = [f"no {refusal.rule}: {refusal.reason}" for refusal in found.refusals]
    why += [reason for _, reason in found.not_understood]
    view.say(" · ".join(why) if why and not found.rewrites else rewrite_summary(found))


def _rewritten(one: Rewrite, *, tried: bool) -> Option:
    told = [load_rule(_REWRITES, one.rule).title, "", *rewrite_facts(one), "", one.sql]
    return Option(
        ";\n".join((*one.indexes, one.sql)),
        f"{one.rule}: {one_line(one.sql, 120)}",
        saved=max(one.saved, 0.0) if one.saved is not None else None,
        note="; ".join(f"only if {condition}" for condition in one.conditions),
        told="" if tried else "\n".join(told),
        change=False,
    )


async def partition(console: MainScreen, view: AdviseView) -> None:
    """The tables that should be split, and why not the others; enter reads about one, `m` hands the way on."""
    check_engine(console.engine)
    snapshot = console.snapshot
    counted = snapshot.statements.value if snapshot is not None else None
    database = view.database or (snapshot.server.database if snapshot and snapshot.server else "")
    queries = of_counters(counted, database) if counted is not None else ()
    if not queries:
        raise UsageError("no statements were counted yet", "see the statements pane")
    found = await partition_on(console.engine, queries, database)
    whole = [Option("", f"{table} stays whole: {why}", told=why) for table, why in found.others]
    view.show_options([*map(split, found.tables), *whole], "Partitions")
    view.say(f"{partition_text.summary(found)}, from {LEAST:g} GB on · {partition_text.HEURISTIC}")


def split(one: Partitioning) -> Option:
    """A table to be split as an option: to be read about, and to be handed on."""
    way = [f"{statement};" for statement in one.sql]
    told = [partition_text.headline(one), "", *partition_text.facts(one), "", *way]
    note = "enter tells why" + ("" if one.sql else ", and what is in the way")
    return Option(
        ";\n".join(one.sql), partition_text.headline(one), size=one.part_size, note=note, told="\n".join(told)
    )
