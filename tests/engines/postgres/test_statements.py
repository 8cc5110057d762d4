from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dbtui.engines.postgres.statements import HIDDEN, SampledStatements
from dbtui.live.rates import deltas
from dbtui.model.activity import Session, Statement, Statements
from tests.engines.postgres.monitoring import (
    Clock,
    client,
    eventually,
    monitor_of,
    raw_statement,
    sample,
    statements,
)
from tests.servers.postgres import PostgresServer


@pytest.fixture
def counted(postgres: PostgresServer) -> Iterator[str]:
    """A database with the extension, in a schema of an awkward name."""
    database = postgres.create_database()
    postgres.psql('CREATE SCHEMA "My stats"; CREATE EXTENSION pg_stat_statements SCHEMA "My stats"', database)
    postgres.psql(
        'SELECT "My stats".pg_stat_statements_reset()', database
    )  # other tests fill the same counters
    yield database
    postgres.drop_database(database)


def of_text(found: Statements, text: str, database: str) -> Statement:
    matching = [s for s in found.statements if s.query and text in s.query and s.database == database]
    assert len(matching) == 1, f"{len(matching)} statements with {text!r}"
    return matching[0]


async def test_a_known_load_shows_as_its_difference(postgres: PostgresServer, counted: str) -> None:
    clock = Clock()
    async with (
        client(postgres, "load", counted) as session,
        monitor_of(postgres.url(counted), clock) as monitor,
    ):
        await session.execute("CREATE TABLE load (n int)")
        await session.execute("SELECT count(*) FROM load WHERE n > 1")
        before = await statements(monitor)
        for n in range(7):
            await session.execute(f"SELECT count(*) FROM load WHERE n > {n}")
        await session.execute("INSERT INTO load SELECT generate_series(1, 500)")
        clock.now += 61
        after = await statements(monitor)
        assert after.source.startswith("pg_stat_statements 1.") and after.note == ""
        assert after.evicted == 0 and after.reset
        found = {d.statement.query: d for d in deltas(before, after, 5.0) if d.statement.database == counted}
        read = found["SELECT count(*) FROM load WHERE n > $1"]
        assert (read.calls, read.rows, read.seconds) == (7, 7, 5.0)
        assert read.total_ms > 0 and read.statement.calls == 8 and read.statement.user == "postgres"
        written = found["INSERT INTO load SELECT generate_series($1, $2)"]
        assert written.calls == 1 and written.rows == 500
        assert written.wal_bytes is not None and written.wal_bytes > 10_000
        assert written.blocks_hit is not None and written.blocks_hit > 0


async def test_how_often_a_statement_was_planned(postgres: PostgresServer, counted: str) -> None:
    async with client(postgres, "planner", counted) as session, monitor_of(postgres.url(counted)) as monitor:
        await session.execute("SET pg_stat_statements.track_planning = on")
        for n in range(3):
            await session.execute(f"SELECT {n} AS planned")
        await session.execute("SET pg_stat_statements.track_planning = off")
        await session.execute("SELECT 1 + 2 AS unplanned")
        found = await statements(monitor)
        planned, unplanned = (of_text(found, text, counted) for text in (" planned", "unplanned"))
        assert (planned.plans, unplanned.plans) == (3, 0)
        assert planned.plan_ms is not None and planned.plan_ms > 0


async def test_texts_are_read_as_seldom_as_they_are_costly(
    postgres: PostgresServer, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbtui.engines.postgres.statements.TEXTS_SHARE", 1e-9)
    clock = Clock()
    async with (
        client(postgres, "late", counted) as session,
        monitor_of(postgres.url(counted), clock) as monitor,
    ):
        await statements(monitor)
        asked = monitor.cost.statements
        await session.execute("SELECT 'text' AS late_comer")
        clock.now += 59
        assert not any(
            "late_comer" in (s.query or "") and s.database == counted
            for s in (await statements(monitor)).statements
        )
        assert monitor.cost.statements == asked + 1
        clock.now += 2
        assert of_text(await statements(monitor), "late_comer", counted).query == "SELECT $1 AS late_comer"
        assert monitor.cost.statements == asked + 3


async def test_texts_that_cost_little_come_with_the_next_sample(
    postgres: PostgresServer, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbtui.engines.postgres.statements.TEXTS_SHARE", 1.0)
    clock = Clock()
    async with (
        client(postgres, "late", counted) as session,
        monitor_of(postgres.url(counted), clock) as monitor,
    ):
        await statements(monitor)
        await session.execute("SELECT 'text' AS late_comer")
        clock.now += 5
        assert of_text(await statements(monitor), "late_comer", counted).query == "SELECT $1 AS late_comer"


async def test_a_running_statement_lends_its_text_meanwhile(postgres: PostgresServer, counted: str) -> None:
    async with (
        client(postgres, "meanwhile", counted) as session,
        monitor_of(postgres.url(counted)) as monitor,
    ):
        await statements(monitor)
        await session.execute("SELECT 'secret', 42 AS meanwhile")
        await sample(monitor)
        assert of_text(await statements(monitor), "meanwhile", counted).query == "SELECT $1, $2 AS meanwhile"


async def test_a_reset_counts_from_its_beginning(postgres: PostgresServer, counted: str) -> None:
    async with client(postgres, "reset", counted) as session, monitor_of(postgres.url(counted)) as monitor:
        for _ in range(20):
            await session.execute("SELECT 'before and after the reset'")
        await sample(monitor)
        before = await statements(monitor)
        postgres.psql('SELECT "My stats".pg_stat_statements_reset()', counted)
        for _ in range(3):
            await session.execute("SELECT 'before and after the reset'")
        after = await statements(monitor)
        assert before.reset != after.reset
        counts = [d.calls for d in deltas(before, after, 5.0) if d.statement.query == "SELECT $1"]
        assert 3 in counts and all(calls < 20 for calls in counts)


async def test_without_privileges_the_counters_stay_and_the_grant_is_named(
    postgres: PostgresServer, counted: str
) -> None:
    postgres.psql(
        'DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA "My stats" TO plain;'
        "GRANT pg_read_all_settings TO plain",
        counted,
    )
    async with monitor_of(postgres.url(counted, user="plain")) as monitor:
        found = await statements(monitor)
        hidden = [s for s in found.statements if s.query == HIDDEN]
        assert hidden and sum(s.calls for s in hidden) > 1
        assert len({s.id for s in found.statements}) == len(found.statements)
        assert found.note.endswith("GRANT pg_read_all_stats TO plain;")
    postgres.psql('REVOKE USAGE ON SCHEMA "My stats" FROM plain', counted)
    async with monitor_of(postgres.url(counted, user="plain")) as monitor:
        refused = await statements(monitor)
        assert refused.source == "sampled activity" and "permission denied" in refused.note


async def test_one_text_that_is_no_utf8_leaves_the_others_to_the_sessions(
    postgres: PostgresServer, counted: str
) -> None:
    ascii_ = postgres.create_database(encoding="SQL_ASCII")
    with raw_statement(postgres, ascii_, b"SELECT 1 AS \xe9; SELECT pg_sleep(60)", "bytes"):
        async with client(postgres, "good", counted) as session, monitor_of(postgres.url(counted)) as monitor:
            await session.execute("SELECT 'x' AS readable")
            await sample(monitor)
            found = await statements(monitor)
            assert of_text(found, "readable", counted).query == "SELECT $1 AS readable"
            assert found.source.startswith("pg_stat_statements")
    postgres.psql('SELECT "My stats".pg_stat_statements_reset()', counted)
    postgres.drop_database(ascii_)


async def test_without_the_extension_the_sessions_are_sampled(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    clock = Clock()
    async with (
        client(postgres, "only", database) as session,
        monitor_of(postgres.url(database), clock) as monitor,
    ):
        task = asyncio.ensure_future(session.execute("SELECT pg_sleep(60), 'slow report'"))
        await eventually(
            lambda: sample(monitor), lambda found: any("slow report" in s.query for s in found[0].sessions)
        )
        clock.now += 2
        await sample(monitor)
        found = await statements(monitor)
        (slow,) = (s for s in found.statements if s.database == database)
        assert slow.query == "SELECT pg_sleep($1), $2" and slow.calls >= 1 and slow.total_ms > 0
        assert found.source == "sampled activity"
        assert f"CREATE EXTENSION pg_stat_statements; in database {database}" in found.note
        assert "shared_preload_libraries" not in found.note  # it is loaded already
        session.terminate()
        await asyncio.gather(task, return_exceptions=True)
        postgres.psql("CREATE EXTENSION pg_stat_statements", database)
        clock.now += 61
        await statements(monitor)
        assert (await statements(monitor)).source.startswith("pg_stat_statements 1.")
    postgres.drop_database(database)


async def test_a_server_that_did_not_load_the_library_says_how() -> None:
    with PostgresServer(18, {"shared_preload_libraries": ""}) as server:
        async with monitor_of(server.url()) as monitor:
            found = await statements(monitor)
            assert "add pg_stat_statements to shared_preload_libraries, restart" in found.note
        server.psql("CREATE EXTENSION pg_stat_statements")
        async with monitor_of(server.url()) as monitor:
            found = await statements(monitor)
            assert found.source == "sampled activity" and "must be loaded" in found.note


def active(id_: str, query: str, age: float, state: str = "active") -> Session:
    return Session(
        id=id_, started="", user="u", database="d", application="", client="", kind="client backend",
        state=state, wait_type="", wait="", query=query, query_age=age,
    )  # fmt: skip


def test_sampled_time_is_the_time_between_samples() -> None:
    sampled = SampledStatements()
    sampled.observe([active("1", "SELECT 1 FROM a WHERE n = 5", 60.0)], now=100.0)
    sampled.observe(
        [active("1", "SELECT 1 FROM a WHERE n = 5", 62.0), active("2", "select 1 from a where n=6", 0.5)],
        now=102.0,
    )
    sampled.observe([active("1", "SELECT 1 FROM a WHERE n = 5", 70.0, "idle")], now=110.0)
    (only,) = sampled.sample(loaded=False, database="d").statements
    assert only.query == "SELECT $1 FROM a WHERE n = $2"
    assert (only.calls, only.total_ms) == (2, 2500.0)


def test_sampled_shapes_have_a_limit() -> None:
    sampled = SampledStatements()
    for batch in range(5):
        sampled.observe(
            [active(str(n), f"SELECT {'x, ' * (n % 40)} y FROM t{batch}_{n}", 9.0) for n in range(300)],
            now=batch * 2.0,
        )
    assert len(sampled.sample(loaded=False, database="d").statements) <= 1000
