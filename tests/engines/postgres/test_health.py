from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator

import asyncpg
import pytest

from dbtui.engines import create
from dbtui.engines.postgres.actions import PostgresActions
from dbtui.engines.postgres.activity import PostgresMonitor
from dbtui.engines.postgres.connection import Connector
from dbtui.engines.postgres.counters import METRICS
from dbtui.errors import QueryError
from dbtui.live.rates import advance, measure
from dbtui.model.activity import Health, Progress
from dbtui.safety import approve, scope_of
from tests.engines.postgres.monitoring import client, eventually, health, monitor_of, sample, target
from tests.servers.places import as_unprivileged, private_folder
from tests.servers.postgres import PostgresServer
from tests.servers.process import Process

Far = Callable[[Progress], bool]


async def test_transactions_are_counted_by_difference(postgres: PostgresServer) -> None:
    tps = next(metric for metric in METRICS if metric.id == "tps")
    async with monitor_of(postgres.url()) as monitor:
        _, first = await sample(monitor)
        async with client(postgres, "load") as session:
            for _ in range(40):
                await session.execute("SELECT 1")
            await session.close()  # its counters are sent at the latest when it ends
        _, second = await eventually(
            lambda: sample(monitor), lambda found: found[1]["commits"] >= first["commits"] + 40
        )
        rate = measure(tps, advance(advance({}, first, 10.0), second, 12.0))
        assert rate is not None and rate >= 20.0


async def test_every_metric_is_fed(postgres: PostgresServer) -> None:
    async with monitor_of(postgres.url()) as monitor:
        known = (await sample(monitor))[1] | (await health(monitor))[1]
        wanted = {
            name for metric in METRICS for name in (*metric.numerator, *metric.denominator, metric.limit)
        }
        assert wanted - known.keys() <= {"", "replication_lag"}  # there is no replica
        assert {"checkpoints_timed", "checkpoints_requested", "wal_records"} <= known.keys()
        assert len({metric.id for metric in METRICS}) == len(METRICS)


async def test_an_index_build_that_waits_says_so(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("CREATE TABLE big AS SELECT generate_series(1, 100) n", database)
    async with (
        client(postgres, "holder", database) as holder,
        client(postgres, "builder", database) as builder,
        monitor_of(postgres.url(database)) as monitor,
    ):
        await holder.execute("BEGIN; INSERT INTO big VALUES (0)")
        task = asyncio.ensure_future(builder.execute("CREATE INDEX CONCURRENTLY slow ON big (n)"))
        found, _ = await eventually(lambda: health(monitor), lambda found: bool(found[0].progress))
        (progress,) = found.progress
        assert progress.session == str(builder.get_server_pid())
        assert (progress.operation, progress.target) == ("CREATE INDEX CONCURRENTLY", "public.big")
        assert progress.phase.startswith("waiting for writers")
        await holder.execute("ROLLBACK")
        await task
    postgres.drop_database(database)


async def told(monitor: PostgresMonitor, operation: str, far: Far = lambda _: True) -> Progress:
    """The progress of an operation, once it is told and has come so far."""

    def those(found: tuple[Health, dict[str, float]]) -> list[Progress]:
        return [one for one in found[0].progress if one.operation == operation and far(one)]

    return those(await eventually(lambda: health(monitor), those))[0]


async def test_a_copy_and_a_vacuum_say_how_far_they_are(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(
        "CREATE TABLE big WITH (autovacuum_enabled = off)"  # it would come in the way of ours
        " AS SELECT n, repeat('x', 500) t FROM generate_series(1, 20000) n",
        database,
    )
    go_on = asyncio.Event()

    async def lines() -> AsyncIterator[bytes]:
        yield b"1\tx\n" * 100_000
        await go_on.wait()

    async with (
        client(postgres, "loader", database) as loader,
        client(postgres, "sweeper", database) as sweeper,
        monitor_of(postgres.url(database)) as monitor,
    ):
        copying = asyncio.ensure_future(loader.copy_to_table("big", source=lines()))
        copy = await told(monitor, "COPY FROM", lambda one: one.done > 0)
        assert (copy.target, copy.unit, copy.total) == ("public.big", "bytes", None)
        go_on.set()
        await copying
        await sweeper.execute("SET vacuum_cost_delay = '100ms'; SET vacuum_cost_limit = 1")
        vacuuming = asyncio.ensure_future(sweeper.execute("VACUUM big"))
        try:
            vacuum = await told(monitor, "VACUUM", lambda one: one.target == "public.big" and bool(one.total))
            assert vacuum.total is not None and vacuum.total >= vacuum.done
        finally:  # no other test is to find it
            postgres.psql(f"SELECT pg_cancel_backend({sweeper.get_server_pid()})")
        with pytest.raises(asyncpg.QueryCanceledError):
            await vacuuming
    postgres.drop_database(database)


async def test_a_table_in_new_order_says_how_far_it_is(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(
        "CREATE TABLE old AS SELECT n FROM generate_series(1, 5000) n; CREATE INDEX by_n ON old (n);"
        " CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN"
        " IF current_setting(''shop.slow'', true) = ''on'' THEN PERFORM pg_sleep(0.002); END IF; RETURN $1; END';"
        " CREATE INDEX slowly ON old (slow(n))",
        database,
    )
    async with client(postgres, "keeper", database) as keeper, monitor_of(postgres.url(database)) as monitor:
        await keeper.execute("SET shop.slow = 'on'")
        ordering = asyncio.ensure_future(keeper.execute("CLUSTER old USING by_n"))
        found = await told(monitor, "CLUSTER")
        assert found.target == "public.old" and found.unit == "blocks" and found.phase
        postgres.psql(f"SELECT pg_cancel_backend({keeper.get_server_pid()})")
        with pytest.raises(asyncpg.QueryCanceledError):
            await ordering
    postgres.drop_database(database)


async def test_a_base_backup_says_how_far_it_is(postgres: PostgresServer) -> None:
    way = f"host={postgres.socket} port={postgres.port} user=postgres replication=true"
    backup = subprocess.Popen(
        [postgres.client("psql"), way, "-c", "BASE_BACKUP (MAX_RATE 32, CHECKPOINT 'fast', PROGRESS)"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with monitor_of(postgres.url()) as monitor:
            while not (found := await told(monitor, "BASE BACKUP")).total:  # it is estimated first
                assert found.unit == "bytes"
            assert found.total >= found.done
    finally:
        backup.kill()
        backup.wait()


async def test_how_full_the_disk_is_is_known_of_a_server_on_this_machine(postgres: PostgresServer) -> None:
    for tcp in (False, True):
        async with monitor_of(postgres.url(tcp=tcp)) as monitor:
            _, counters = await health(monitor)
        assert ("disk_free" in counters) is not tcp
        assert tcp or counters["disk_free"] > 1e6


async def test_a_slot_shows_what_it_keeps(postgres: PostgresServer) -> None:
    postgres.psql("SELECT pg_create_physical_replication_slot('kept', true)")
    async with monitor_of(postgres.url()) as monitor:
        found, counters = await health(monitor)
        assert (counters["slots"], counters["slots_inactive"]) == (1, 1)
        assert counters["slots_retained_bytes"] > 0
        (slot,) = found.slots
        assert (slot.name, slot.kind, slot.active, slot.state) == ("kept", "physical", False, "reserved")
        assert slot.retained_bytes is not None and slot.room_bytes is None
    postgres.psql("SELECT pg_drop_replication_slot('kept')")


async def test_tables_that_vacuum_is_behind_with_are_named(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(
        """CREATE TABLE "Worn out" (n int) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = 7,
                                                 autovacuum_vacuum_scale_factor = 0);
           INSERT INTO "Worn out" SELECT generate_series(1, 3000); DELETE FROM "Worn out" WHERE n > 500""",
        database,
    )

    async def look() -> Health:
        async with monitor_of(postgres.url(database)) as monitor:  # a look holds for a minute
            return (await health(monitor))[0]

    found = await eventually(look, lambda found: bool(found.worn))
    (worn,) = found.worn
    assert (worn.name, worn.database, worn.dead, worn.due) == ('public."Worn out"', database, 2500, 7)
    assert worn.off and worn.vacuumed is None
    postgres.drop_database(database)


@pytest.fixture(params=[15, 18], ids=["pg15", "pg18"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[PostgresServer, str]]:
    """A primary of its own and the URL of its standby."""
    with PostgresServer(request.param) as primary:
        if not (primary.bin / "pg_basebackup").exists():
            pytest.skip("no pg_basebackup beside this server")
        folder = private_folder("standby")
        backup = [
            primary.bin / "pg_basebackup",
            "-h",
            primary.socket,
            "-p",
            str(primary.port),
            "-U",
            "postgres",
        ]
        backup += ["-D", folder / "data", "-R", "-c", "fast", "-d", "application_name=standby"]
        subprocess.run(backup, check=True, capture_output=True, cwd=folder, **as_unprivileged())
        standby = Process(
            [
                primary.bin / "postgres",
                "-D",
                folder / "data",
                "-k",
                folder,
                "-p",
                str(primary.port),
                "-h",
                "",
            ],
            log=folder / "log",
            cwd=folder,
            quit_signal=signal.SIGQUIT,
        )
        try:
            pid_file = folder / "data" / "postmaster.pid"
            standby.wait_until(lambda: pid_file.exists() and "ready" in pid_file.read_text())
            yield primary, f"postgresql://postgres@/postgres?host={folder}&port={primary.port}"
        finally:
            standby.stop()
            shutil.rmtree(folder, ignore_errors=True)


async def test_a_primary_and_its_standby(pair: tuple[PostgresServer, str]) -> None:
    primary, standby_url = pair
    async with monitor_of(primary.url()) as upper, monitor_of(standby_url) as lower:
        found, _ = await eventually(
            lambda: health(upper), lambda found: any(r.lag_bytes is not None for r in found[0].replicas)
        )
        (replica,) = found.replicas
        assert (replica.client, replica.state) == ("", "streaming")
        assert replica.lag_bytes is not None and replica.lag_bytes >= 0
        _, counters = await eventually(lambda: sample(upper), lambda found: "replication_lag" in found[1])
        assert counters["replication_lag"] >= 0
        primary.psql("CREATE TABLE moved AS SELECT generate_series(1, 1000) n")
        _, before = await sample(upper)
        activity, below = await eventually(
            lambda: sample(lower),
            lambda found: found[1]["wal_bytes"] >= before["wal_bytes"] and "replication_lag" in found[1],
        )
        assert below["wal_bytes"] >= before["wal_bytes"] and below["replication_lag"] >= 0
        assert {"startup", "walreceiver"} <= {s.kind for s in activity.sessions}
        assert (await health(lower))[1]["slots"] == 0
    connector = Connector(target(standby_url))
    assert (await connector.connect()).role == "replica"
    sql = "CREATE TABLE t (a int)"
    with pytest.raises(QueryError, match="recovery") as refused:
        await PostgresActions(connector).write(sql, approve("test", scope_of(sql), "wanted"))
    assert "write to its primary" in refused.value.hint
    await connector.close()


async def test_settings_that_are_not_the_default(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    for what in ("work_mem = '8321kB'", "\"my.password\" = 'geheim'"):
        postgres.psql(f"alter database {database} set {what}")
    engine = create(target(postgres.url(database)))
    try:
        said = (await engine.open()).settings
    finally:
        await engine.close()
    assert "work_mem = 8321kB" in said
    assert not any("geheim" in one or "_command" in one or "default_transaction" in one for one in said)
