"""The migration pane: from SQL to steps that run, each approved; a hand-over from other panes; what it draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.model.change import ChangePlan, Kind
from dbtui.model.migration import Engine
from dbtui.model.run import Fill, Look, Observed, Rehearsal, Rehearsed, Run, State, StepRun
from dbtui.model.server import Environment
from dbtui.tui import app as tui_app
from dbtui.tui.messages import PlanChange
from dbtui.tui.screens.confirm import Question
from dbtui.tui.views.migrate import MigrateView
from dbtui.tui.views.migrate_texts import beside, by_step
from tests.migrations.runs import table
from tests.servers.postgres import PostgresServer
from tests.tui.conftest import Connect
from tests.tui.console import console, target_of
from tests.tui.golden import assert_golden

SQL = """\
ALTER TABLE orders ADD COLUMN total bigint NOT NULL DEFAULT random();
CREATE INDEX orders_by_amount ON orders (amount);
ALTER TABLE orders DROP COLUMN touched;
"""
BEFORE = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint NOT NULL, touched int NOT NULL DEFAULT 0);"
)


@pytest.fixture
def database(postgres18: PostgresServer) -> str:
    name = postgres18.create_database()
    postgres18.psql(table(300), name)
    return name


async def test_a_plan_is_handed_over_and_runs_step_by_step(postgres18: PostgresServer, database: str) -> None:
    async with console(target_of(postgres18.url(database))) as c:
        c.main.post_message(PlanChange("CREATE INDEX orders_by_amount ON orders (amount)"))
        await c.sees("build the index orders_by_amount", "other DDL", "not safe")
        await c.press("n")
        await c.until(lambda: isinstance(c.app.screen, Question))
        await c.sees("Run step 0", "CREATE TABLE IF NOT EXISTS dbtui_journal")
        await c.type("tests", "enter")
        await c.type("yes", "enter")
        await c.sees("Run step 1", "CONCURRENTLY")
        assert (
            postgres18.psql("select count(*) from pg_indexes where indexname = 'orders_by_amount'", database)
            == "0"
        )
        await c.press("enter")
        await c.type("yes", "enter")
        await c.sees("every step is done", "2 of 2 done")
    assert postgres18.psql("select approved_by ~ 'tests' from dbtui_journal where step = 0", database) == "t"
    assert (
        postgres18.psql("select count(*) from pg_indexes where indexname = 'orders_by_amount'", database)
        == "1"
    )


async def test_the_same_sql_goes_on_with_the_plan_that_was_begun(
    postgres18: PostgresServer, database: str
) -> None:
    """Planned anew, with the column there, it would be another plan, which the journal refuses."""
    sql = "ALTER TABLE orders ADD COLUMN total bigint; CREATE INDEX orders_by_amount ON orders (amount)"
    for last in ("Run step 2", "every step is done"):
        async with console(target_of(postgres18.url(database))) as c:
            c.main.post_message(PlanChange(sql))
            await c.sees("goes on with plan" if last != "Run step 2" else "n runs")
            await c.press("n")
            for step in (0, 1) if last == "Run step 2" else (2,):
                await c.sees(f"Run step {step}")
                await c.press("enter")
                await c.type("yes", "enter")
            await c.sees(last)


async def test_limits_are_said_in_a_line(postgres18: PostgresServer, database: str) -> None:
    async with console(target_of(postgres18.url(database)), size=(80, 24)) as c:
        c.main.post_message(PlanChange("CREATE INDEX orders_by_amount ON orders (amount)"))
        await c.sees("n runs")
        await c.press("l")
        await c.sees("Limits of a run", "sessions=200", "such as")
        await c.type("lag=3 sessions=9", "enter")
        await c.sees("the next run: ", "lag=3")
        assert c.main.query_one(MigrateView).limits.active == 9


async def test_production_wants_a_run_elsewhere_and_its_name(
    postgres18: PostgresServer, database: str
) -> None:
    target = target_of(postgres18.url(database), Environment.PRODUCTION)
    async with console(target) as c:
        c.main.post_message(PlanChange("ALTER TABLE orders ADD COLUMN total bigint"))
        await c.sees("add column total")
        await c.press("n")
        await c.sees("No run on staging")
        await c.type("it is an incident", "enter")
        await c.type("waive", "enter")
        await c.sees("Run step 0", "type here")
        await c.press("escape")
        await c.sees("was not approved")
    assert postgres18.psql("select count(*) from pg_class where relname = 'dbtui_journal'", database) == "0"


async def test_changed_sql_is_planned_anew_before_it_runs(postgres18: PostgresServer, database: str) -> None:
    async with console(target_of(postgres18.url(database))) as c:
        c.main.post_message(PlanChange("ALTER TABLE orders ADD COLUMN total bigint"))
        await c.sees("add column total")
        view = c.main.view("migrate")
        assert isinstance(view, MigrateView)
        view.load("DROP TABLE orders")
        await c.press("n")
        await c.sees("the SQL was changed since it was planned")


async def test_leaving_takes_back_what_waits_and_journals_it(
    postgres18: PostgresServer, database: str, connect: Connect
) -> None:
    holder = await connect(database=database)
    await holder.execute("begin; select count(*) from orders")
    async with console(target_of(postgres18.url(database))) as c:
        c.main.post_message(PlanChange("ALTER TABLE orders ADD COLUMN total bigint"))
        await c.sees("add column total")
        await c.press("n")
        for step in ("Run step 0", "Run step 1"):
            await c.sees(step)
            await c.press("enter")
            await c.type("yes", "enter")
        await c.sees("waits for its lock behind", "in its way")
        await c.press("q")
    assert postgres18.psql("select state from dbtui_journal where step = 1", database) in (
        "stopped",
        "withdrawn",
    )
    assert postgres18.psql("select count(*) from pg_locks where not granted", database) == "0"


# ---- what it draws


class Pane(App[None]):
    CSS_PATH: ClassVar[str] = str(Path(tui_app.__file__).with_name("app.tcss"))
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012 - as Textual declares it

    def compose(self) -> ComposeResult:
        yield MigrateView()

    @property
    def view(self) -> MigrateView:
        return self.query_one(MigrateView)


def planned() -> ChangePlan:
    files = [migration_file("003_totals.sql", SQL)]
    return make(files, Engine.POSTGRESQL, (18,), [migration_file("before.sql", BEFORE)])


def running(plan: ChangePlan) -> Run:
    """The backfill is at work."""
    number = next(step.number for step in plan.steps if step.kind is Kind.BACKFILL)
    steps = tuple(
        StepRun(step, State.DONE if step.number < number else State.PENDING, 1, "", 10.0, 10.004)
        if step.number != number
        else StepRun(step, State.RUNNING, 1)
        for step in plan.steps
    )
    fill = Fill(450_000, 2_400, 9_800.0, 550_000.0, 56.0, held="a replica is 12 s behind")
    look = Look(behind=2, behind_seconds=0.4, active=5, lag=12.0, lag_bytes=3 << 20, autovacuum=True)
    return Run(plan, "1/shop", steps, number, "fills", fill, look)


def rehearsed(plan: ChangePlan) -> Rehearsal:
    seen = Observed(plan.steps[0].locks, (), (), 0.002)
    first, *others = plan.steps
    doubt = Rehearsed(
        first, seen, doubts=("orders: the matrix says ShareLock, the rehearsal took AccessExclusiveLock",)
    )
    return Rehearsal(plan, "PostgreSQL 18 shadow", (doubt, *(Rehearsed(one, seen) for one in others)))


@pytest.mark.parametrize("size", [(120, 36), (80, 20)], ids=["120", "80"])
@pytest.mark.parametrize("state", ["empty", "planned", "rehearsed", "running"])
async def test_the_pane(state: str, size: tuple[int, int]) -> None:
    app = Pane()
    async with app.run_test(size=size) as pilot:
        if state != "empty":
            app.view.load(SQL)
            app.view.show_plan(planned())
        if state == "rehearsed":
            app.view.show_rehearsal(rehearsed(planned()))
        if state == "running":
            app.view.show_run(running(planned()))
        await pilot.pause()
        assert_golden(app, f"migrate-{state}-{size[0]}")


def test_what_is_seen_beside_a_step() -> None:
    run = running(planned())
    told = beside(run, None, now=0.0)
    assert "45.0 %" in told
    assert "450,000 rows · 9.8k/s · batches of 2,400" in told
    assert "holds: a replica is 12 s behind" in told
    assert "behind it   2 sessions, the longest for 0.4 s" in told
    assert "autovacuum  works on the table" in told
    waiting = replace(run, look=Look(waiting=True, blockers=("17 app idle in transaction: update\x1b[31m",)))
    assert "in its way  17 app idle in transaction: update" in beside(waiting, None, now=0.0)
    assert "\x1b" not in beside(waiting, None, now=0.0)


def test_a_way_back_that_failed_is_told_of_its_step() -> None:
    plan = make([migration_file("1.sql", "CREATE TABLE a (a int)")], Engine.POSTGRESQL)
    (step,) = plan.steps
    tried = Rehearsal(plan, "", (Rehearsed(step, Observed()),), (Rehearsed(step, error="no such table"),))
    assert by_step(tried)[1].doubts == ("its way back failed: no such table",)
    assert by_step(None) == {}
