"""What happens to a server and to the way there: packets that vanish, a far line, another host, reset statistics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dbtui.live import sampler as module
from dbtui.model.snapshot import Link, Snapshot
from tests.engines.mongodb.support import database
from tests.live.test_sampler import watching
from tests.servers.elastic import ElasticServer
from tests.servers.ferretdb import FerretServer
from tests.servers.line import Line, line_to
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

PATIENCE = 60.0  # seconds; what is restarted may take long
Restartable = MysqlProtocolServer | RedisServer | FerretServer | ElasticServer


def through(line: Line, server: PostgresServer) -> str:
    return server.url(tcp=True).replace(f":{server.port}/", f":{line.port}/")


async def test_packets_that_vanish_are_noticed_and_survived(
    postgres18: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    async with line_to(postgres18.port) as line, watching(through(line, postgres18)) as (session, watch):
        before = await watch.until(lambda s: s.health.value is not None, fresh=False)
        line.frozen = True
        silent = await watch.until(lambda s: "has not answered" in s.trouble)
        assert silent.activity.value is not None and silent.activity.taken_at is not None
        assert len(session.tape) > 0
        line.frozen = False
        line.cut()
        back = await watch.until(lambda s: s.link is Link.LIVE and not s.trouble and s.at > silent.at)
        assert before.server is not None and back.server is not None
        await watch.until(lambda s: (s.activity.taken_at or 0) > silent.at)


@pytest.mark.parametrize(
    "name",
    [
        *("mysql9", "mariadb11", "redis8", "valkey9", "ferretdb", "opensearch2"),
        pytest.param("elasticsearch7", marks=pytest.mark.slow),
    ],
)
async def test_every_engine_is_found_again(
    name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    server = request.getfixturevalue(name)
    url = server.url(tcp=True) if name in ("mysql9", "mariadb11") else server.url()
    async with (
        line_to(server.port) as line,
        watching(url.replace(f":{server.port}", f":{line.port}")) as (session, watch),
    ):
        await watch.until(lambda s: s.activity.value is not None, fresh=False)
        line.frozen = True
        silent = await watch.until(lambda s: "has not answered" in s.trouble)
        assert silent.activity.value is not None and silent.activity.taken_at is not None
        line.frozen = False
        line.cut()
        back = await watch.until(lambda s: s.link is Link.LIVE and not s.trouble and s.at > silent.at)
        assert back.server is not None
        sampled = await watch.until(lambda s: (s.activity.taken_at or 0) > silent.at)
        assert all(value is None or value >= 0 for value in sampled.metrics.values())
        assert len(session.tape) > 0


def unbroken(snapshot: Snapshot) -> bool:
    """Whether no figure is below zero, as a difference of counters that went backwards would be."""
    figures = [value for value in snapshot.metrics.values() if value is not None]
    figures += [figure for delta in snapshot.deltas for figure in (delta.calls, delta.total_ms)]
    return all(figure >= 0 for figure in figures)


@pytest.fixture(
    params=["mariadb11", "redis", "valkey", "ferretdb"]
    + [pytest.param(name, marks=pytest.mark.slow) for name in ("mysql9", "opensearch2")]
)
def restartable(request: pytest.FixtureRequest) -> Iterator[Restartable]:
    """A server that may be restarted: one of its own where a restart forgets what others have in it."""
    if request.param in ("redis", "valkey"):
        with RedisServer(request.param) as server:
            yield server
    else:
        yield request.getfixturevalue(request.param)


@contextmanager
def away(server: Restartable) -> Iterator[None]:
    """The server is ended while this is open. Not from a thread: it ends with the one that starts it."""
    if isinstance(server, FerretServer):
        with server.down():
            yield
        return
    server.end()
    yield
    if isinstance(server, RedisServer):
        server.start()
    else:
        server.restart()


async def test_a_restart_is_found_and_nothing_is_compared_across_it(restartable: Restartable) -> None:
    async with watching(restartable.url()) as (session, watch):
        rate = next(m.id for m in session.engine.monitor.metrics if m.kind == "rate")
        before = await watch.until(lambda s: s.metrics.get(rate) is not None, fresh=False)
        with away(restartable):
            lost = await watch.until(lambda s: s.link is not Link.LIVE, PATIENCE)
        back = await watch.until(lambda s: s.link is Link.LIVE and s.at > lost.at, PATIENCE)
        await watch.until(lambda s: s.at > back.at and s.metrics.get(rate) is not None, PATIENCE)
        assert all(map(unbroken, watch.all))
        assert None in session.history.series(rate)  # a gap, no line across it
        assert before.server is not None and session.snapshot.server is not None
        assert session.snapshot.server.version == before.server.version


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("mysql9", "mariadb11"),
        ("redis8", "valkey9"),
        pytest.param("opensearch2", "elasticsearch7", marks=pytest.mark.slow),
    ],
)
async def test_a_failover_to_another_product_is_seen_and_compares_nothing(
    name: str, other: str, request: pytest.FixtureRequest
) -> None:
    here, there = request.getfixturevalue(name), request.getfixturevalue(other)
    url = here.url(tcp=True) if name == "mysql9" else here.url()
    if isinstance(there, ElasticServer):  # its login is nothing to one that knows no users
        url = there.url().replace(f":{there.port}", f":{here.port}")
    async with (
        line_to(here.port) as line,
        watching(url.replace(f":{here.port}", f":{line.port}")) as (session, watch),
    ):
        rate = next(m.id for m in session.engine.monitor.metrics if m.kind == "rate")
        first = await watch.until(lambda s: s.metrics.get(rate) is not None, fresh=False)
        assert first.server is not None
        line.target = there.port
        line.cut()
        now = await watch.until(
            lambda s: s.link is Link.LIVE and s.server.product != first.server.product, PATIENCE
        )
        await watch.until(lambda s: s.at > now.at and s.metrics.get(rate) is not None, PATIENCE)
        assert all(map(unbroken, watch.all))
        assert None in session.history.series(rate)


async def test_a_failover_of_ferretdb_shows_what_the_other_host_has(
    ferretdb: FerretServer, ferretdb_tls: FerretServer
) -> None:
    with database(ferretdb_tls) as shop:
        shop.orders.insert_one({"_id": 1})
        url = ferretdb.url().replace(f":{ferretdb.port}", ":{}")
        async with line_to(ferretdb.port) as line, watching(url.format(line.port)) as (session, watch):
            rate = next(m.id for m in session.engine.monitor.metrics if m.kind == "rate")
            first = await watch.until(lambda s: s.metrics.get(rate) is not None, fresh=False)
            catalog = session.engine.catalog
            assert catalog is not None
            assert shop.name not in [node.name for node in await catalog.children(None)]
            line.target = ferretdb_tls.port
            line.cut()
            now = await watch.until(lambda s: s.server != first.server and s.link is Link.LIVE, PATIENCE)
            await watch.until(lambda s: s.at > now.at and s.metrics.get(rate) is not None, PATIENCE)
            assert shop.name in [node.name for node in await catalog.children(None)]
            assert all(map(unbroken, watch.all))
            assert None in session.history.series(rate)


@pytest.mark.parametrize("name", ["mysql9", "mariadb11", "redis8", "valkey9"])
async def test_counters_that_are_reset_make_no_negative_figure(
    name: str, request: pytest.FixtureRequest
) -> None:
    server = request.getfixturevalue(name)
    async with watching(server.url()) as (session, watch):
        await watch.until(lambda s: s.statements.value is not None, PATIENCE, fresh=False)
        session.refresh()
        await watch.until(lambda s: bool(s.deltas), PATIENCE)
        if isinstance(server, RedisServer):
            with server.client() as client:
                client.config_resetstat()
        else:
            flush = "flush status" if name == "mysql9" else "flush global status"
            server.sql(flush, "truncate performance_schema.events_statements_summary_by_digest")
        session.refresh()
        for _ in range(8):
            await watch.until(lambda _s: True)
        assert all(map(unbroken, watch.all))


async def test_a_far_line_is_sampled_as_fast_as_it_allows(postgres18: PostgresServer) -> None:
    async with line_to(postgres18.port) as line, watching(through(line, postgres18), 1.0) as (_, watch):
        await watch.until(lambda s: s.health.value is not None, fresh=False)
        line.delay = 0.15  # a round trip takes 300 ms
        far = await watch.until(lambda s: s.pace > s.interval)
        assert far.link is Link.LIVE and far.activity.error == ""
        assert far.activity.took >= 0.3


async def test_a_failover_compares_nothing_between_two_hosts(
    postgres18: PostgresServer, postgres15: PostgresServer
) -> None:
    for server in (postgres15, postgres18):
        server.psql("drop role if exists watcher; create role watcher superuser login password 'same'")
    async with line_to(postgres18.port) as line:
        url = f"postgresql://watcher:same@127.0.0.1:{line.port}/postgres"
        async with watching(url) as (session, watch):
            first = await watch.until(lambda s: s.metrics.get("tps") is not None, fresh=False)
            line.target = postgres15.port
            line.cut()
            other = await watch.until(
                lambda s: s.link is Link.LIVE and s.server is not None and s.server.version.startswith("15")
            )
            assert first.server is not None and first.server.version.startswith("18")
            sampled = await watch.until(lambda s: (s.activity.taken_at or 0) > other.at)
            tps = sampled.metrics.get("tps")
            assert tps is None or 0 <= tps < 1e6  # no difference of two servers' counters
            assert None in session.history.series("connections")
    for server in (postgres15, postgres18):
        server.psql("drop role watcher")


async def test_a_reset_of_statistics_makes_no_negative_figure(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql("create extension pg_stat_statements", database)
    async with watching(postgres18.url(database)) as (_, watch):
        await watch.until(
            lambda s: s.statements.value is not None and s.metrics.get("tps") is not None, fresh=False
        )
        postgres18.psql("select pg_stat_reset(), pg_stat_statements_reset()", database)
        for _ in range(8):
            seen = await watch.until(lambda _s: True)
            assert all(value is None or value >= 0 for value in seen.metrics.values())
            assert all(d.calls >= 0 and d.total_ms >= 0 for d in seen.deltas)
    postgres18.drop_database(database)


async def test_a_server_in_another_time_zone_has_the_same_ages(postgres18: PostgresServer) -> None:
    database = postgres18.create_database()
    postgres18.psql(f"alter database {database} set timezone = 'Pacific/Kiritimati'")
    async with watching(postgres18.url(database)) as (_, watch):
        seen = await watch.until(lambda s: s.health.value is not None, fresh=False)
        assert seen.server is not None and seen.server.started is not None
        assert 0 <= seen.at - seen.server.started < 86_400
        assert seen.activity.value is not None
        ages = [s.query_age for s in seen.activity.value.sessions if s.query_age is not None]
        assert all(-5 < age < 86_400 for age in ages)
    postgres18.drop_database(database)


async def test_a_mysql_in_another_time_zone_has_the_same_ages(mysql: MysqlProtocolServer) -> None:
    (zone,) = mysql.sql("select @@global.time_zone")[0]
    mysql.sql("create database if not exists zones", "create table if not exists zones.t (n int)")
    mysql.sql("set global time_zone = '+12:00'")
    client = mysql.connect("zones")
    try:
        client.cursor().execute("begin")
        client.cursor().execute("insert into t values (1)")
        async with watching(mysql.url()) as (_, watch):
            seen = await watch.until(lambda s: s.health.value is not None, PATIENCE, fresh=False)
            assert seen.server is not None and seen.server.started is not None
            assert 0 <= seen.at - seen.server.started < 86_400
            assert seen.activity.value is not None
            (own,) = [s for s in seen.activity.value.sessions if s.id == str(client.thread_id())]
            assert own.transaction_age is not None and -5 < own.transaction_age < 3600
    finally:
        client.close()
        mysql.sql(f"set global time_zone = '{zone}'", "drop database zones")
