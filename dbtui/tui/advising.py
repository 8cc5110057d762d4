"""What the advice pane does: plans on the shadow, asks for advice, and looks whether it came true.

The shadow is made when it is first needed, kept as long as its console, and made anew for other tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

from dbtui.advice.reading import tables
from dbtui.advice.wishes import Wish, wished
from dbtui.commands.advise import advise_on
from dbtui.commands.planners import facts_for, has_planner, planner_for
from dbtui.commands.server_plans import explain_on, invisible_plan
from dbtui.commands.workload import of_counters
from dbtui.errors import DbtuiError, UsageError
from dbtui.model.advice import Advice, Facts, IndexAdvice, Planner, Query
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.tui.messages import Advise, AdviseWish
from dbtui.tui.views.advise import AdviseView, Option
from dbtui.tui.views.base import trouble
from dbtui.tui.widgets.roles import Role

if TYPE_CHECKING:
    from dbtui.shadow import Shadow
    from dbtui.tui.screens.main import MainScreen

_MADE = "making the shadow: schema and statistics, no rows…"


@dataclass(slots=True)
class _Desk:
    """What one console has of the shadow."""

    shadow: Shadow
    planner: Planner | None = None
    facts: Facts = field(default_factory=lambda: Facts(""))
    tables: frozenset[str] = frozenset()
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)


_desks: WeakKeyDictionary[MainScreen, _Desk] = WeakKeyDictionary()


def _desk(console: MainScreen) -> _Desk:
    from dbtui.shadow import Shadow

    return _desks.setdefault(console, _Desk(Shadow()))


async def finish(console: MainScreen) -> None:
    """End the console's shadow."""
    desk = _desks.pop(console, None)
    if desk is not None:
        await desk.stack.aclose()
        await desk.shadow.close()


async def begin(console: MainScreen, wish: AdviseWish) -> None:
    """Do what the pane wishes; an error ends on it."""
    view = cast("AdviseView", console.view("advise"))
    from dbtui.tui import otherwise

    tasks = {
        "plan": plan,
        "advise": advise,
        "workload": workload,
        "verify": verify,
        "rewrite": lambda console, view: otherwise.rewrite(console, view, _desk(console).shadow),
        "partition": otherwise.partition,
    }
    try:
        await tasks[wish.wish](console, view)
    except DbtuiError as error:
        view.say(str(error), Role.BAD)
        console.say(trouble(error), "error")


async def open_on(console: MainScreen, wish: Advise) -> None:
    """Take a statement to the pane, and plan it there."""
    view = cast("AdviseView", await console.open_pane("advise"))
    view.load(wish.sql, wish.database)
    view.grid.focus()
    await begin(console, AdviseWish("advise"))


async def plan(console: MainScreen, view: AdviseView) -> None:
    """Both plans: as it is, and with all wishes."""
    sql = view.sql.text.strip().rstrip(";")
    if not sql:
        console.say("write a statement first", "warning")
        return
    wish = wished(view.wishes)
    planner = await _planner(console, view, [Query(sql), *([Query(wish.query)] if wish.query else [])])
    before = await _plan(planner, sql, Wish())
    after = await _plan(planner, wish.query or sql, wish)
    only = [note for note in after.notes if note not in before.notes]
    view.show_plans(before, after, " · ".join((_said(planner), *only)))
    view.say("")


async def _plan(planner: Planner, sql: str, wish: Wish) -> Plan:
    raw = await planner.plan(sql, wish.what_if)
    return replace(parse(raw.text), query=raw.query, notes=raw.notes)


async def _planner(console: MainScreen, view: AdviseView, queries: Sequence[Query]) -> Planner:
    """The planner of the tables that the statements mention. Raises UsageError where there is none."""
    if not has_planner(console.engine):
        raise UsageError(f"nobody can be asked what {console.engine.name} would plan", "g advises by rule")
    desk = _desk(console)
    facts = await facts_for(console.engine, queries, view.database)
    known = frozenset(f"{view.database}/{table.schema}.{table.name}" for table in facts.tables)
    if not known:
        raise UsageError("the statement reads no table that is known here", "name its schema")
    if desk.planner is None or not known <= desk.tables:
        view.say(_MADE)
        await desk.stack.aclose()
        desk.stack, desk.planner = AsyncExitStack(), None
        desk.planner = await desk.stack.enter_async_context(
            planner_for(console.engine, desk.shadow, facts, view.database)
        )
        desk.facts, desk.tables = facts, known
    assert desk.planner is not None, "the engine has one"
    return desk.planner


def _said(planner: Planner) -> str:
    missing = [str(one) for one in planner.missing]
    lacks = f" · it lacks {len(missing)}: {'; '.join(missing[:3])}" if missing else ""
    return f"{planner.verified}, estimates only{lacks}"


async def advise(console: MainScreen, view: AdviseView) -> None:
    """What would help the statement, and the indexes that are there, as options; the best is tried at once."""
    sql = view.sql.text.strip().rstrip(";")
    if not sql:
        console.say("write a statement first, or W for all that were counted", "warning")
        return
    advice = await _ask(console, view, [Query(sql)])
    asked = has_planner(console.engine)
    view.own = None
    if not asked:
        with suppress(DbtuiError):
            view.own = await explain_on(console.engine, sql, database=view.database)
    there = _there(await facts_for(console.engine, [Query(sql)], view.database), sql) if asked else []
    view.show_options([*_advised(advice, tick=asked), *there], "Indexes")
    if advice.indexes:
        view.say(advice.verified)
    else:
        view.say("; ".join(why for _, why in advice.not_understood) or "no further index would help it")
    if asked and not advice.not_understood:
        await plan(console, view)


async def workload(console: MainScreen, view: AdviseView) -> None:
    """What would help all statements that the server has counted."""
    from dbtui.advice.search import Policy

    snapshot = console.snapshot
    counted = snapshot.statements.value if snapshot is not None else None
    if counted is None or snapshot is None or snapshot.server is None:
        raise UsageError("no statements were counted yet", "see the statements pane")
    queries = of_counters(counted, snapshot.server.database)
    if not queries:
        raise UsageError("no counted statement has a plan", "see the statements pane")
    advice = await _ask(console, view, queries, Policy(weigh_writes=True))
    view.show_options(_advised(advice, tick=False), "Indexes")
    left = f", {len(advice.not_understood)} not understood" if advice.not_understood else ""
    view.say(f"{len(queries)} statements{left} · {advice.verified}")
    if not advice.indexes:
        console.say("; ".join(advice.notes) or "no index would help them much", "information")


async def _ask(
    console: MainScreen, view: AdviseView, queries: Sequence[Query], policy: object = None
) -> Advice:
    from dbtui.advice.search import Policy

    chosen = policy if isinstance(policy, Policy) else None
    server = console.snapshot.server if console.snapshot is not None else None
    database = view.database or (server.database if server is not None else "")
    return await advise_on(console.engine, _desk(console).shadow, queries, database, chosen, view.say)


def _advised(advice: Advice, *, tick: bool) -> list[Option]:
    made = []
    for number, index in enumerate(advice.indexes):
        count = len(index.helps)
        note = f"replaces {index.supersedes[0]}" if index.supersedes else ""
        note = note or (f"{count} statements" if count > 1 else "")
        option = Option(
            index.sql,
            _label(index),
            on=tick and number == 0,
            saved=index.saved,
            size=index.size,
            write_overhead=index.write_overhead,
            note=note,
        )
        made.append(option)
        if advice.dialect == "mysql" and index.verify:
            made.append(replace(option, sql=index.verify[0], note="invisible, to be tried: g again tells"))
    return made


def _label(index: IndexAdvice) -> str:
    """What an index is on, or the statement where that does not say it."""
    if index.sql.startswith("ALTER"):  # it is there, and only wants to be seen
        return f"visible: {index.table} ({', '.join(index.keys)})"
    return index.sql.partition(" ON ")[2].removeprefix("public.") or index.sql


def _there(facts: Facts, sql: str) -> list[Option]:
    """The indexes that are there, to be hidden: of the tables that the statement names, not of their partitions."""
    named = {name for _, name in tables(sql, facts.dialect)}
    meant = [table for table in facts.tables if table.name in named] or facts.tables
    return [
        Option(
            f'DROP INDEX "{index.name}"'
            if facts.dialect != "postgres"
            else f'DROP INDEX CONCURRENTLY "{table.schema}"."{index.name}"',
            f"{index.name} ({', '.join(index.columns)})",
            there=True,
            size=index.size,
            note="primary key" if index.primary else "unique" if index.unique else "is there",
        )
        for table in meant
        for index in table.indexes
    ]


async def verify(console: MainScreen, view: AdviseView) -> None:
    """Whether the server itself plans with what was handed on, and has scanned it since the last look."""
    if view.taken is None:
        console.say("m hands an index on first; v looks afterwards whether it is used", "warning")
        return
    name, query = view.taken.index, view.taken.query
    facts = await facts_for(console.engine, [Query(query)], view.database)
    index = next((one for table in facts.tables for one in table.indexes if one.name == name), None)
    invisible = facts.dialect == "mysql" and index is not None and not index.valid
    ask = invisible_plan if invisible else explain_on
    now = await ask(console.engine, query, database=view.database)
    view.show_plans(
        view.taken.before, now, f"now: the server itself, {now.server_version}", ("Before", "Now")
    )
    used = any(node.index == name for node in now.nodes)
    what = "is used by the server's own plan" if used else "is not used by the server's own plan"
    what = f"(invisible) {what}" if invisible else what
    what += scanned(view.taken.scans, index.scans) if index is not None else "; it is not there"
    view.say(f"{name} {what}", Role.OK if used else Role.BAD)
    view.taken = replace(view.taken, scans=index.scans if index is not None else None)


def scanned(before: int | None, now: int | None) -> str:
    """How often an index was scanned, with what it was at the look before; "" where the server does not count."""
    if now is None:
        return ""
    before_that = f", {before:,} at the last look" if before is not None else " so far"
    return f"; scanned {now:,} time{'' if now == 1 else 's'}{before_that}"
