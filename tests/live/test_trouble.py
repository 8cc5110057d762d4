"""What happens to a server and to the way there: packets that vanish, a far line, another host, reset statistics."""

from __future__ import annotations

import pytest

from dbtui.live import sampler as module
from dbtui.model.snapshot import Link
from tests.live.test_sampler import watching
from tests.servers.line import Line, line_to
from tests.servers.postgres import PostgresServer


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


@pytest.mark.parametrize("name", ["mysql9", "mariadb11", "redis8", "valkey9", "ferretdb", "opensearch2"])
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
