"""What goes wrong while a plan runs on PostgreSQL: locks, lost connections, other runners, edited files, stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from dbtui.errors import ConnectError, InputError, NotApproved
from dbtui.migrations.files import migration_file, read_files
from dbtui.migrations.limits import Limits
from dbtui.migrations.rollback import plan_back, way_back
from dbtui.migrations.runner import Runner
from dbtui.migrations.survey import surveyed
from dbtui.model.change import (
    Backfill,
    ChangePlan,
    ChangeStep,
    Condition,
    Kind,
    Reversibility,
    Source,
    Transaction,
)
from dbtui.model.migration import Relation
from dbtui.model.run import Run, State, StepRun
from dbtui.safety import Approval, approve, step_scope
from tests.migrations.runs import (
    INDEX,
    ORDERS,
    QUICK,
    Console,
    constraint,
    expand,
    fill,
    index,
    plan,
    table,
    whole,
    yes,
)
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    name = postgres.create_database()
    postgres.psql(table(200), name)
    return name


@asynccontextmanager
async def client(server: PostgresServer, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url(database))
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


def once(condition: Callable[[Run], bool], act: Callable[[], object]) -> Callable[[Run], None]:
    """Act on the first moment of a run for which the condition holds."""
    done: list[bool] = []

    def look(run: Run) -> None:
        if not done and condition(run):
            done.append(True)
            act()

    return look


async def test_ddl_gives_up_its_wait_and_tries_again(postgres: PostgresServer, database: str) -> None:
    async with Console(postgres.url(database)) as console, client(postgres, database) as reader:
        await reader.execute("begin; select count(*) from orders")
        tasks: list[asyncio.Future[object]] = []
        let_go = once(
            lambda run: "tries again" in run.doing,
            lambda: tasks.append(asyncio.ensure_future(reader.execute("commit"))),
        )
        async with console.runner(plan(expand()), on_change=let_go) as runner:
            run = await runner.run()
        assert run.of(1).state is State.DONE, run
        assert tasks
    attempts = postgres.psql(
        "select state, detail ~ 'lock timeout' from dbtui_journal where step = 1 order by attempt", database
    )
    assert attempts.splitlines()[0] == "withdrawn|t"
    assert attempts.splitlines()[-1].startswith("done")


async def test_ddl_is_withdrawn_when_others_wait_behind_it(postgres: PostgresServer, database: str) -> None:
    """A reader holds the table, our DDL waits for it, and a later reader would wait behind our DDL."""
    limits = replace(QUICK, queue=1)
    patient = replace(expand(), lock_timeout=60.0)
    async with (
        Console(postgres.url(database)) as console,
        client(postgres, database) as holder,
        client(postgres, database) as later,
    ):
        await holder.execute("begin; select count(*) from orders")
        reads: list[asyncio.Future[object]] = []

        def come_later(run: Run) -> None:
            if run.look is not None and run.look.waiting and not reads:
                assert run.look.blockers
                reads.append(asyncio.ensure_future(later.fetchval("select count(*) from orders")))
            if "tries again" in run.doing and len(reads) == 1:
                reads.append(asyncio.ensure_future(holder.execute("commit")))

        async with console.runner(plan(patient), on_change=come_later, limits=limits) as runner:
            run = await runner.run()
        assert await reads[0] == 200
        assert run.of(1).state is State.DONE, run
    detail = postgres.psql(
        "select detail from dbtui_journal where step = 1 and state = 'withdrawn' limit 1", database
    )
    assert "sessions waited behind it" in detail


async def test_a_second_runner_is_refused_in_one_line(postgres: PostgresServer, database: str) -> None:
    async with Console(postgres.url(database)) as first, Console(postgres.url(database)) as second:
        async with first.runner(plan(expand())):
            with pytest.raises(ConnectError, match=r"one runner at a time: session \d+ of postgres@"):
                async with second.runner(plan(expand())):
                    pass
            standing = await second.runner(plan(expand())).standing()  # a look is no run
            assert standing.of(1).state is State.PENDING
        async with second.runner(plan(expand())):
            pass


async def test_a_pooler_is_refused(pgbouncer: PgBouncer) -> None:
    async with Console(pgbouncer.url()) as console:
        with pytest.raises(ConnectError, match="pooler"):
            async with console.runner(plan(expand())):
                pass


async def test_the_connection_is_lost_in_the_middle_of_concurrently(
    postgres: PostgresServer, database: str
) -> None:
    """The build waits for an old snapshot when its session is ended: an invalid index is left, and cleaned up."""
    async with Console(postgres.url(database)) as console, client(postgres, database) as old:
        await old.execute("begin isolation level repeatable read; select 1")
        tasks: list[asyncio.Future[object]] = []

        async def cut() -> None:
            invalid = (
                f"select count(*) from pg_index where indexrelid = to_regclass('{INDEX}') and not indisvalid"
            )
            while postgres.psql(invalid, database) == "0":
                await asyncio.sleep(0.05)
            ended = (
                "select pg_terminate_backend(pid) from pg_stat_activity where query like 'CREATE INDEX CONC%'"
            )
            postgres.psql(ended, database)
            await old.execute("rollback")

        start = once(
            lambda run: run.look is not None and run.look.waiting,
            lambda: tasks.append(asyncio.ensure_future(cut())),
        )
        steps = (expand(), replace(index(2), retries=0))
        async with console.runner(plan(*steps), on_change=start) as runner:
            run = await runner.run()
        assert tasks
        await tasks[0]
    assert run.of(2).state is State.DONE, run
    assert postgres.psql("select count(*), bool_and(indisvalid) from pg_index i join pg_class c on c.oid = indexrelid"
                         f" where relname ~ '{INDEX}'", database) == "1|t"  # fmt: skip


async def test_duplicates_fail_a_unique_index_and_leave_nothing_invalid(
    postgres: PostgresServer, database: str
) -> None:
    postgres.psql("update orders set amount = 7 where id < 10", database)
    unique = replace(
        index(1), statements=(f"CREATE UNIQUE INDEX CONCURRENTLY {INDEX} ON orders (amount)",), retries=1
    )
    async with Console(postgres.url(database)) as console, console.runner(plan(unique)) as runner:
        run = await runner.run()
    assert run.of(1).state is State.FAILED, run
    assert "could not create unique index" in run.of(1).detail
    assert postgres.psql("select count(*) from pg_index where not indisvalid", database) == "0"


async def test_a_stop_takes_back_what_waits(postgres: PostgresServer, database: str) -> None:
    patient = replace(expand(), lock_timeout=60.0)
    async with Console(postgres.url(database)) as console, client(postgres, database) as holder:
        await holder.execute("begin; select count(*) from orders")
        runners: list[Runner] = []

        def take_back() -> None:
            runners[0].stop()

        stop = once(lambda run: run.look is not None and run.look.waiting, take_back)
        async with console.runner(plan(patient), on_change=stop, limits=Limits(queue_seconds=60)) as runner:
            runners.append(runner)
            run = await runner.run()
        assert run.of(1).state is State.STOPPED, run
        waiting = await holder.fetchval("select count(*) from pg_locks where not granted")
        assert waiting == 0
    assert postgres.psql("select state from dbtui_journal where step = 1", database) == "stopped"


async def test_a_paused_backfill_does_nothing_until_it_goes_on(
    postgres: PostgresServer, database: str
) -> None:
    runners: list[Runner] = []
    seen: list[tuple[bool, int]] = []

    def pause_then_go(run: Run) -> None:
        if run.fill is None:
            return
        seen.append((run.fill.paused, run.fill.rows))
        if len(seen) == 1:
            runners[0].pause(True)
        elif run.fill.paused:
            runners[0].slower()
            runners[0].pause(False)

    slow = plan(expand(), fill(batch=10))
    async with (
        Console(postgres.url(database)) as console,
        console.runner(slow, on_change=pause_then_go) as runner,
    ):
        runners.append(runner)
        run = await runner.run()
    assert run.of(2).state is State.DONE, run
    first = seen[0][1]
    assert (True, first) in seen  # held where it stood
    assert postgres.psql("select min(touched), max(touched) from orders", database) == "1|1"


async def test_a_file_that_was_edited_after_it_was_applied_is_refused(
    postgres: PostgresServer, database: str
) -> None:
    first = plan(expand(), file="migrations/001_total.sql", sql="ALTER TABLE orders ADD total bigint")
    edited = plan(expand(), index(2), file="001_total.sql", sql="ALTER TABLE orders ADD total numeric")
    later = plan(index(1), file="002_index.sql", sql="CREATE INDEX …")
    async with Console(postgres.url(database)) as console:
        async with console.runner(first) as runner:
            await runner.run()
        with pytest.raises(
            InputError, match=r"001_total.sql was applied as plan [0-9a-f]{12} on .* edited since"
        ):
            async with console.runner(edited):
                pass
        async with console.runner(later) as runner:
            assert (await runner.run()).next is None


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda run, n: approve("test", step_scope("0" * 64, run.server, n), ""), "covers something else"),
        (
            lambda run, n: approve("test", step_scope(run.plan.sha256, "another/db", n), ""),
            "covers something else",
        ),
        (
            lambda run, n: approve("test", step_scope(run.plan.sha256, run.server, n + 1), ""),
            "covers something else",
        ),
        (lambda run, n: approve("prod", step_scope(run.plan.sha256, run.server, n), ""), "is for prod"),
        (
            lambda run, n: approve("test", step_scope(run.plan.sha256, run.server, n), "", seconds=-1),
            "expired",
        ),
        (lambda run, n: approve("test", "lift", ""), "covers something else"),
    ],
    ids=["plan", "server", "step", "connection", "expiry", "lift"],
)
async def test_an_approval_of_something_else_runs_nothing(
    postgres18: PostgresServer, wrong: Callable[[Run, int], Approval], why: str
) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(1), database)

    async def give(run: Run, one: StepRun) -> Approval:
        return wrong(run, one.step.number)

    async with Console(postgres18.url(database)) as console:
        runner = Runner(console.engine, console.target, plan(expand()), approve=give)
        async with runner:
            with pytest.raises(NotApproved, match=why):
                await runner.run()
    assert postgres18.psql("select count(*) from pg_class where relname = 'dbtui_journal'", database) == "0"


async def test_nothing_writes_outside_of_a_step(postgres18: PostgresServer) -> None:
    async with Console(postgres18.url()) as console:
        session = await console.engine.hold()  # type: ignore[attr-defined]
        with pytest.raises(NotApproved, match="no step of a plan is approved"):
            await session.write(["create table never (id int)"])
        await session.close()


async def test_the_way_back_and_forth_again(postgres: PostgresServer, database: str) -> None:
    steps = (expand(), fill(batch=50), index(3))
    async with Console(postgres.url(database)) as console:
        async with console.runner(plan(*steps)) as runner:
            await runner.run()
            assert [step.number for step in plan_back(runner.state, 1)] == [-3]
        async with console.runner(plan(*steps)) as runner:
            assert await way_back(runner, 0)
        there = "select count(*) from pg_attribute where attrelid = 'orders'::regclass and attname = 'total'"
        assert postgres.psql(there, database) == "0"
        async with console.runner(plan(*steps)) as runner:
            assert runner.state.of(1).detail == "taken back"
            run = await runner.run()
        assert run.next is None, run
    assert postgres.psql("select count(*) from orders where total = amount * 2", database) == "200"


async def test_what_cannot_be_undone_is_not_begun_to_be(postgres18: PostgresServer) -> None:
    final = ChangeStep(
        2, Kind.DDL, "drop it", statements=("ALTER TABLE orders DROP COLUMN touched",), relation=ORDERS,
        reversibility=Reversibility.IMPOSSIBLE, point_of_no_return=True, destructive=True,
    )  # fmt: skip
    run = Run(plan(expand(), final), "", (StepRun(expand(), State.DONE), StepRun(final, State.DONE)))
    with pytest.raises(InputError, match=r"step 2 .* cannot be undone"):
        plan_back(run, 0)
    assert plan_back(run, 2) == ()


async def test_somebody_undoes_a_step_and_the_plan_mends_it(postgres: PostgresServer, database: str) -> None:
    async with Console(postgres.url(database)) as console:
        async with console.runner(whole(100)) as runner:
            await runner.run()
        postgres.psql(f"drop index {INDEX}", database)
        async with console.runner(whole(100)) as runner:
            assert runner.state.of(7).detail == "it was done, and the server shows it no longer"
            run = await runner.run()
    assert run.next is None, run
    assert (
        postgres.psql(f"select indisvalid from pg_index where indexrelid = to_regclass('{INDEX}')", database)
        == "t"
    )


async def test_preconditions_hold_a_step_back(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(1), database)
    wanting = replace(expand(), preconditions=(constraint("missing"),))
    check = ChangeStep(
        1, Kind.CHECK, "look", preconditions=(Condition("select no_such_column", "it is there"),)
    )
    async with Console(postgres18.url(database)) as console:
        for step in (wanting, check):
            async with console.runner(plan(step)) as runner:
                run = await runner.run()
            assert run.of(1).state is State.FAILED
            assert "it is not so that" in run.of(1).detail


@pytest.mark.parametrize(
    ("ddl", "key"),
    [
        ('a int, b text collate "C", primary key (b, a)', ("b", "a")),
        ("u uuid primary key", ("u",)),
        ("at timestamptz primary key", ("at",)),
        ("n int", ()),
    ],
    ids=["text and number", "uuid", "timestamp", "row addresses"],
)
async def test_keys_of_all_kinds(postgres18: PostgresServer, ddl: str, key: tuple[str, ...]) -> None:
    database = postgres18.create_database()
    values = {
        ("b", "a"): "g, 'k''\\' || g % 50",
        ("u",): "md5(g::text)::uuid",
        ("at",): "now() + g * '1.000001 s'::interval",
    }
    postgres18.psql(
        f"""create table "Odd Table" ({ddl}); alter table "Odd Table" add touched int not null default 0;
            insert into "Odd Table" select {values.get(key, "g")} from generate_series(1, 2000) g""",
        database,
    )
    work = Backfill(Relation("Odd Table", "public"), key, "touched = touched + 1", "touched = 0", batch=150)
    left = Condition('select count(*) = 0 from "Odd Table" where touched = 0', "all are touched")
    step = ChangeStep(
        1, Kind.BACKFILL, "fill", transaction=Transaction.BATCHES, backfill=work, postconditions=(left,)
    )
    odd = ChangePlan("postgresql", "", "", (Source("x"),), (step,))
    async with Console(postgres18.url(database)) as console, console.runner(odd) as runner:
        run = await runner.run()
    assert run.of(1).state is State.DONE, run
    assert (
        postgres18.psql('select count(*), min(touched), max(touched) from "Odd Table"', database)
        == "2000|1|1"
    )


async def test_people_say_when_their_step_is_done(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(1), database)
    deploy = ChangeStep(1, Kind.APPLICATION, "deploy the code")
    both = plan(deploy, expand(2))
    async with Console(postgres18.url(database)) as console, console.runner(both) as runner:
        run = await runner.run()
    assert run.next is None
    assert "said to be done by" in run.of(1).detail


async def test_a_server_without_room_for_tables_has_its_journal_in_a_file(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(table(100), database)
    steps = plan(expand(), fill(batch=10))
    async with Console(postgres18.url(database)) as console:
        runners: list[Runner] = []

        def stop_early(run: Run) -> None:
            if run.fill is not None and run.fill.rows:
                runners[0].stop()

        first = Runner(
            console.engine, console.target, steps, approve=yes, on_change=stop_early, local_journal=True
        )
        runners.append(first)
        async with first:
            assert [one.step.number for one in first.state.steps] == [1, 2]  # there is nothing to create
            assert (await first.run()).of(2).state is State.STOPPED
        async with Runner(console.engine, console.target, steps, approve=yes, local_journal=True) as again:
            run = await again.run()
            attempts = await again.journal.attempts()
    assert run.next is None, run
    assert [(one.step, one.state) for one in attempts if one.step] == [
        (1, State.DONE), (2, State.STOPPED), (2, State.DONE),
    ]  # fmt: skip
    assert postgres18.psql("select min(touched), max(touched) from orders", database) == "1|1"
    assert postgres18.psql("select count(*) from pg_class where relname like 'dbtui%'", database) == "0"


async def test_a_file_of_all_sorts_runs_up_to_what_is_wrong_in_it(
    postgres18: PostgresServer, tmp_path: Path
) -> None:
    """A byte order mark, line ends of Windows, a command of psql, a DO block, odd names, MySQL's words, a half."""
    file = tmp_path / "001_all.sql"
    file.write_bytes(
        b"\xef\xbb\xbf\\set ON_ERROR_STOP on\r\n\\i other.sql\r\nDO $$ BEGIN PERFORM 1; END $$;\r\n"
        b'CREATE TABLE "Odd ""Table" (id bigint primary key, "sel;ect" text);\r\n'
        b'CREATE INDEX ON "Odd ""Table" ("sel;ect");\r\n'
        b"ALTER TABLE `customers` ADD x INT AUTO_INCREMENT;\r\nALTER TABLE customers ADD COLUMN"
    )
    database = postgres18.create_database()
    async with Console(postgres18.url(database)) as console:
        made = await surveyed(console.engine, read_files([str(file)]), interval=0.0)
        assert [source.understood for source in made.source] == [False, False, True, True, False, False]
        async with console.runner(made) as runner:
            run = await runner.run()
    assert [one.state for one in run.steps] == [*[State.DONE] * 5, State.FAILED, State.PENDING], run.lines
    assert "syntax error" in run.of(5).detail
    assert postgres18.psql("select count(*) from pg_indexes where tablename = 'Odd \"Table'", database) == "2"


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE orders ADD COLUMN a int; ALTER TABLE orders RENAME COLUMN a TO b; SELECT 1/0",
        "ALTER TABLE orders DROP COLUMN touched; ALTER TABLE orders ADD COLUMN touched bigint; SELECT 1/0",
        "ALTER TABLE orders DROP CONSTRAINT small, ADD CONSTRAINT small CHECK (amount < 900) NOT VALID; SELECT 1/0",
        "ALTER TABLE orders DROP CONSTRAINT orders_pkey; ALTER TABLE orders ADD PRIMARY KEY (id); SELECT 1/0",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 a; DROP MATERIALIZED VIEW m; CREATE MATERIALIZED VIEW m AS SELECT 2 b;"
        " SELECT 1/0",
    ],
)
async def test_what_a_later_step_changes_is_not_done_again(
    postgres: PostgresServer, database: str, sql: str
) -> None:
    postgres.psql("alter table orders add constraint small check (amount < 1000)", database)
    async with Console(postgres.url(database)) as console:
        made = await surveyed(console.engine, [migration_file("1.sql", sql)], database=database)
        async with console.runner(made) as runner:
            run = await runner.run()
        assert State.FAILED in [one.state for one in run.steps], run.lines
        before = [one.step.number for one in run.steps if one.state is State.DONE]
        async with console.runner(made) as runner:
            assert [one.step.number for one in runner.state.steps if one.state is State.DONE] == before
