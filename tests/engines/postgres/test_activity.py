from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dbtui.engines.postgres import queries
from dbtui.engines.postgres.statements import HIDDEN
from dbtui.model.snapshot import Section, Snapshot
from tests.engines.postgres.monitoring import (
    by_application,
    client,
    eventually,
    health,
    locks,
    monitor_of,
    raw_statement,
    sample,
    statements,
)
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module", params=[15, 18], ids=["pg15", "pg18"])
def roomy(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A server that keeps long statements and prepared transactions."""
    settings = {"track_activity_query_size": "1MB", "max_prepared_transactions": "5", "max_connections": "30"}
    with PostgresServer(request.param, settings) as server:
        yield server


async def test_states_ages_and_waits_of_sessions(postgres: PostgresServer) -> None:
    async with (
        client(postgres, "busy") as busy,
        client(postgres, "open") as open_,
        client(postgres, "quiet") as quiet,
        monitor_of(postgres.url()) as monitor,
    ):
        running = asyncio.ensure_future(busy.execute("SELECT pg_sleep(30)"))
        await open_.execute("BEGIN")
        await open_.execute("SELECT pg_current_xact_id()")
        await quiet.execute("SELECT 1")
        activity, counters = await eventually(
            lambda: sample(monitor), lambda found: by_application(found[0], "busy").wait == "PgSleep"
        )
        one = by_application(activity, "busy")
        assert (one.state, one.wait_type, one.user, one.database) == (
            "active",
            "Timeout",
            "postgres",
            "postgres",
        )
        assert one.query == "SELECT pg_sleep(30)"
        assert one.query_age is not None and 0 <= one.query_age < 30
        assert one.id == str(busy.get_server_pid()) and one.started and one.kind == "client backend"
        assert bool(one.query_id)  # pg_stat_statements makes them, so compute_query_id=auto does
        other = by_application(activity, "open")
        assert other.state == "idle in transaction" and other.active
        assert other.transaction_age is not None and other.holds_back is not None
        assert by_application(activity, "quiet").state == "idle"
        assert not by_application(activity, "quiet").active
        kinds = {s.kind for s in activity.sessions}
        assert {"checkpointer", "walwriter", "autovacuum launcher"} <= kinds
        assert counters["active"] >= 1 and counters["idle_in_transaction"] >= 1
        assert counters["oldest_transaction"] >= other.transaction_age
        running.cancel()
        busy.terminate()
        await asyncio.gather(running, return_exceptions=True)


async def test_our_own_sessions_are_counted_and_not_shown(postgres: PostgresServer) -> None:
    async with client(postgres, "dbtui"), monitor_of(postgres.url()) as monitor:
        activity, counters = await sample(monitor)
        assert not [s for s in activity.sessions if s.application == "dbtui"]
        clients = [s for s in activity.sessions if s.kind == "client backend"]
        assert activity.connections == len(clients) + 2 == counters["connections"]
        assert activity.limit == 97 and counters["max_connections"] == 100
        assert activity.remedy == "" and activity.hidden == 0


async def test_a_chain_of_three_waits(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("CREATE TABLE t AS SELECT n FROM generate_series(1, 3) n", database)
    async with (
        client(postgres, "first", database) as first,
        client(postgres, "second", database) as second,
        client(postgres, "third", database) as third,
        monitor_of(postgres.url()) as monitor,
    ):
        for session, row in ((first, 1), (second, 2), (third, 3)):
            await session.execute("BEGIN")
            await session.execute(f"DELETE FROM t WHERE n = {row}")
        tasks = [
            asyncio.ensure_future(second.execute("DELETE FROM t WHERE n = 1")),
            asyncio.ensure_future(third.execute("DELETE FROM t WHERE n = 2")),
        ]
        activity, _ = await eventually(lambda: sample(monitor), lambda found: found[1]["waiting"] == 2)
        found = await locks(monitor, activity)
        ids = {name: by_application(activity, name).id for name in ("first", "second", "third")}
        assert found == {ids["second"]: (ids["first"],), ids["third"]: (ids["second"],)}
        for session in (first, second, third):
            session.terminate()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_waits_so_nobody_is_asked(postgres: PostgresServer) -> None:
    async with monitor_of(postgres.url()) as monitor:
        activity, _ = await sample(monitor)
        with pytest.raises(AssertionError):
            await locks(monitor, activity)


async def test_a_prepared_transaction_that_blocks_is_named(roomy: PostgresServer) -> None:
    roomy.psql("CREATE TABLE p (n int); BEGIN; LOCK p; PREPARE TRANSACTION 'left ''behind'")
    async with client(roomy, "waits") as waits, monitor_of(roomy.url()) as monitor:
        task = asyncio.ensure_future(waits.execute("SELECT * FROM p"))
        activity, _ = await eventually(lambda: sample(monitor), lambda found: found[1]["waiting"] == 1)
        snapshot = Snapshot(at=0.0, activity=Section(activity, 0.0))
        answer = await monitor.sources[1].fetch(snapshot)
        assert answer["locks"] == {by_application(activity, "waits").id: ("gid left 'behind",)}
        (holder,) = [s for s in answer["activity"].sessions if s.kind == "prepared transaction"]
        assert (holder.user, holder.database) == (
            "postgres",
            "postgres",
        ) and holder.transaction_age is not None
        assert (await health(monitor))[0].prepared[0].name == "left 'behind"
        roomy.psql(holder.query)
        await task
    roomy.psql("DROP TABLE p")


async def test_hostile_names_and_texts_come_unchanged(postgres: PostgresServer) -> None:
    database = postgres.create_database('"weird name" \\ [b]\x1b]0;x\x07')
    text = "SELECT 'it''s \x1b[31m [red]markup[/] \\ \\\\ \"q\" \u202e žluť 😀 \x07'"
    async with (
        client(postgres, "'; DROP --\\", database) as session,
        monitor_of(postgres.url(database)) as monitor,
    ):
        await session.execute(text)
        activity, _ = await sample(monitor)
        found = by_application(activity, "'; DROP --\\")
        assert (found.query, found.database) == (text, database)
    postgres.drop_database(database)


async def test_without_pg_monitor_the_rest_goes_on_and_the_grant_is_named(postgres: PostgresServer) -> None:
    postgres.psql('DROP ROLE IF EXISTS "Watch er"; CREATE ROLE "Watch er" LOGIN')
    async with (
        client(postgres, "secret") as secret,
        client(postgres, "own", user="Watch er") as own,
        monitor_of(postgres.url(user="Watch er")) as monitor,
    ):
        await secret.execute("SELECT 'hidden'")
        await own.execute("SELECT 'seen'")
        activity, counters = await sample(monitor)
        hidden = by_application(activity, "secret")
        assert hidden.hidden and hidden.state == "" and hidden.query == HIDDEN and hidden.user == "postgres"
        assert not by_application(activity, "own").hidden
        assert activity.hidden >= 1
        assert activity.remedy == 'GRANT pg_monitor TO "Watch er";'
        assert activity.connections >= 3 and counters["commits"] > 0
        postgres.psql(activity.remedy)
        activity, _ = await sample(monitor)
        assert activity.hidden == 0 and activity.remedy == ""
        assert by_application(activity, "secret").query == "SELECT 'hidden'"


async def test_bytes_of_any_encoding_are_read_from_any_database(postgres: PostgresServer) -> None:
    databases = {e: postgres.create_database(encoding=e) for e in ("SQL_ASCII", "LATIN1", "EUC_JP")}
    lone = b"SELECT pg_sleep(60), '\xff\xfe it''s \\ \xe9'"
    cafe = b"SET client_encoding = LATIN1; SELECT pg_sleep(60) AS caf\xe9"
    with (
        raw_statement(postgres, databases["SQL_ASCII"], lone, "lone"),
        raw_statement(postgres, databases["LATIN1"], cafe, "cafe"),
    ):
        for database in ("postgres", *databases.values()):
            async with monitor_of(postgres.url(database)) as monitor:
                activity, _ = await eventually(
                    lambda monitor=monitor: sample(monitor),  # type: ignore[misc]
                    lambda found: (
                        {"lone", "cafe"} <= {s.application for s in found[0].sessions if "sleep" in s.query}
                    ),
                )
                assert (
                    by_application(activity, "lone").query
                    == "SELECT pg_sleep(60), '\ufffd\ufffd it''s \\ \ufffd';"
                )
                assert by_application(activity, "cafe").query == "SELECT pg_sleep(60) AS caf\ufffd;"
    for database in databases.values():
        postgres.drop_database(database)


async def test_a_statement_of_a_megabyte_is_cut_to_its_beginning(roomy: PostgresServer) -> None:
    database = roomy.create_database(encoding="SQL_ASCII")
    async with monitor_of(roomy.url()) as monitor:
        for filler in (b"x", "ž".encode(), b"\xe9", b"\\", b"''"):
            sql = b"SELECT pg_sleep(60), 'a" + filler * (1_000_000 // len(filler)) + b"'"
            with raw_statement(roomy, database, sql, "huge"):
                activity, _ = await eventually(
                    lambda: sample(monitor),
                    lambda found: any(s.application == "huge" and s.query for s in found[0].sessions),
                )
                text = by_application(activity, "huge").query
                assert sql.decode("utf-8", "replace").startswith(text.rstrip("'"))
                assert 2000 <= len(text) <= 4096
    roomy.drop_database(database)


async def test_a_refused_function_costs_only_its_own_figure(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_current_wal_lsn() FROM PUBLIC", database)
    postgres.psql("DROP ROLE IF EXISTS tenant; CREATE ROLE tenant LOGIN; GRANT pg_monitor TO tenant")
    async with monitor_of(postgres.url(database, user="tenant")) as monitor:
        activity, counters = await sample(monitor)
        assert activity.sessions and "wal_bytes" not in counters and counters["commits"] > 0
        asked = monitor.cost.statements
        await sample(monitor)
        assert monitor.cost.statements == asked + 1  # it is not tried again at each tick
    async with monitor_of(postgres.url()) as monitor:
        assert (await sample(monitor))[1]["wal_bytes"] > 0
    postgres.drop_database(database)


async def test_a_sample_is_one_statement(postgres: PostgresServer) -> None:
    async with monitor_of(postgres.url()) as monitor:
        await sample(monitor)
        before = monitor.cost
        await sample(monitor)
        assert monitor.cost.statements == before.statements + 1
        assert monitor.cost.server_seconds > before.server_seconds


def test_marked_parts_of_a_query_follow_what_the_server_has() -> None:
    sql = "SELECT\n-- why\n a,  --? v.a\n b,  --? !v.a\n--? v.x\n x,\n y,  --? v.y\n--?\n c"
    assert queries.fitted(sql, set()) == "SELECT\n b,\n c"
    assert queries.fitted(sql, {"v.a"}) == "SELECT\n a,\n c"
    assert queries.fitted(sql, {"v.a", "v.x"}) == "SELECT\n a,\n x,\n c"
    assert queries.fitted(sql, {"v.x", "v.y"}) == "SELECT\n b,\n x,\n y,\n c"


def test_an_answer_that_is_no_json_is_an_error_of_the_query() -> None:
    with pytest.raises(queries.QueryError):
        queries.read(b"'[1, '")


async def test_behind_a_pooler(pgbouncer: PgBouncer) -> None:
    async with monitor_of(pgbouncer.url()) as monitor:
        for _ in range(3):
            activity, counters = await sample(monitor)
            assert activity.sessions and counters["wal_bytes"] > 0
            assert (await health(monitor))[1]["oldest_transaction_id_age"] > 0
            assert (await statements(monitor)).source
