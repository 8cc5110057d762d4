"""Plans run on real PostgreSQL: what is done, what the journal says, and that nobody waits for us."""

from __future__ import annotations

from dbtui.model.run import State
from tests.migrations.runs import Console, table, whole
from tests.servers.postgres import PostgresServer


async def test_a_whole_plan_runs_from_an_empty_journal_to_its_end(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(table(5_000), database)
    async with Console(postgres.url(database)) as console, console.runner(whole()) as runner:
        assert [one.state for one in runner.state.steps] == [State.PENDING] * 8
        run = await runner.run()
    assert [(one.step.number, one.state) for one in run.steps] == [(n, State.DONE) for n in range(8)], (
        run.lines
    )
    assert (
        postgres.psql("select count(*), sum(total), min(touched), max(touched) from orders", database)
        == "5000|25005000|1|1"
    )
    rows = postgres.psql(
        "select step, attempt, state, ended_at >= started_at from dbtui_journal order by 1", database
    )
    assert rows.splitlines() == [f"{n}|1|done|t" for n in range(8)]
    assert postgres.psql("select step, upper_bound, last_key, rows from dbtui_backfill", database) == (
        "2|[\"'15000'\"]|[\"'15000'\"]|5000"
    )
