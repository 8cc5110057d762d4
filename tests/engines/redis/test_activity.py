from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dbtui.engines.redis import activity, counters
from dbtui.engines.redis.activity import RedisMonitor
from dbtui.engines.redis.engine import RedisEngine
from dbtui.engines.redis.info import sections
from dbtui.errors import PermissionDenied, QueryError, SessionLost
from dbtui.live import rates
from dbtui.model.activity import Session
from dbtui.model.snapshot import Snapshot
from dbtui.safety import approve, scope_of
from tests.engines.redis.opened import Clock, engine, logs, monitor, reach, session_named, tick, user, value
from tests.servers.redis import RedisServer

LOOP = "while true do end"
SPINNING = "#!lua name=spinning\nredis.register_function('spin', function() while true do end end)"


@contextmanager
def raw(server: RedisServer, *commands: bytes) -> Iterator[socket.socket]:
    """A client that has sent these lines and reads nothing."""
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        for command in commands:
            client.sendall(command + b"\r\n")
        yield client


async def test_one_tick_tells_clients_counters_and_health(redis: RedisServer) -> None:
    with redis.client(1, client_name="shop") as shop:
        shop.set("a", 1)
        shop.get("a")
        shop.get("none")
        async with monitor(redis.url()) as of:
            found, values, health = await tick(of)
            shown = next(s for s in found.sessions if s.application == "shop")
            assert (shown.user, shown.database, shown.state, shown.query) == ("default", "1", "active", "GET")
            assert shown.client.startswith("127.0.0.1:")
            assert all(s.application != "dbtui" for s in found.sessions)
            assert found.connections > len(found.sessions)
            assert found.limit == 10000
            assert {
                "used_memory",
                "total_commands_processed",
                "keyspace_hits",
                "memory_limit",
            } <= values.keys()
            assert health.replicas == health.progress == ()
            asked = of.cost.statements
            await tick(of)
            assert of.cost.statements == asked + 2, "INFO and CLIENT LIST"


async def test_a_name_of_any_letters_in_the_list_of_clients(redis: RedisServer) -> None:
    name = "grüße😀"
    with redis.client() as admin:
        admin.execute_command("ACL", "SETUSER", name, "on", ">secret", "+@all", "~*")
        try:
            async with monitor(redis.url()) as of:
                admin.execute_command("AUTH", name, "secret")
                found, _, _ = await tick(of)
                assert name in {s.user for s in found.sessions}
        finally:
            with redis.client() as other:
                other.execute_command("ACL", "DELUSER", name)


async def test_every_metric_has_its_counters(redis: RedisServer) -> None:
    async with monitor(redis.url()) as of:
        _, values, _ = await tick(of)
        values |= (await of.sources[1].fetch(Snapshot(at=0.0)))["counters"]
    only_with_replication = {"replication_lag", "replication_lag_bytes", "primary_link_down"}
    only_when_large = {"fragmentation"}
    for metric in counters.METRICS:
        for name in (*metric.numerator, *metric.denominator, *filter(None, [metric.limit])):
            assert name in values or name in only_with_replication | only_when_large, name


async def test_the_hit_ratio_is_that_of_the_interval(redis: RedisServer) -> None:
    hits = next(m for m in counters.METRICS if m.id == "hits")
    with redis.client() as client:
        for _ in range(50):
            client.get("missing")
        client.set("there", 1)
        async with monitor(redis.url()) as of:
            readings = rates.advance({}, (await tick(of))[1], 1.0)
            assert rates.measure(hits, readings) is None
            for key in ("there", "there", "there", "missing"):
                client.get(key)
            readings = rates.advance(readings, (await tick(of))[1], 2.0)
            assert rates.measure(hits, readings) == 0.75


async def test_what_clients_wait_for(redis: RedisServer) -> None:
    with (
        raw(redis, b"CLIENT SETNAME waiter", b"BLPOP none 0"),
        raw(redis, b"CLIENT SETNAME inside", b"MULTI"),
        raw(redis, b"CLIENT SETNAME listener", b"SUBSCRIBE news"),
        raw(redis, b"CLIENT SETNAME watcher", b"MONITOR"),
    ):
        async with monitor(redis.url()) as of:
            waiter = await session_named(of, "waiter", "blocked")
            assert (waiter.wait_type, waiter.wait, waiter.query, waiter.kind) == (
                "Blocked",
                "key",
                "BLPOP",
                "",
            )
            inside = await session_named(of, "inside", "in transaction")
            assert inside.transaction_age is not None
            assert (await session_named(of, "listener", "subscribed")).kind == "subscriber"
            assert (await session_named(of, "watcher", "monitor")).active


async def test_a_client_that_reads_too_slowly(redis: RedisServer) -> None:
    with redis.client() as admin:
        admin.set("large", b"x" * 2**20)
        with raw(redis, b"CLIENT SETNAME lazy", *[b"GET large"] * 40):
            async with monitor(redis.url()) as of:
                await reach(lambda: any(int(c["omem"]) > 2**21 for c in admin.client_list()))
                lazy = await session_named(of, "lazy")
                assert lazy.wait_type == "Output"
                assert lazy.wait.endswith("MB")


async def test_of_many_clients_the_list_is_asked_less_often(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "MANY", 0)
    clock = Clock()
    async with monitor(redis.url(), clock) as of:
        await tick(of)
        with redis.client(client_name="late") as late:
            late.ping()
            clock.now += 2
            found, values, _ = await tick(of)
            assert all(s.application != "late" for s in found.sessions)
            assert values["client_list_age"] == 2
            clock.now += 8
            found, values, _ = await tick(of)
            assert any(s.application == "late" for s in found.sessions)
            assert values["client_list_age"] == 0


async def test_without_the_right_to_list_clients_all_else_goes_on(redis: RedisServer) -> None:
    with user(redis, "+info") as name:
        async with monitor(redis.url(user=name, password="secret")) as of:
            found, values, _ = await tick(of)
            assert found.sessions == ()
            assert found.hidden == found.connections > 0
            assert found.remedy == f"ACL SETUSER {name} +client|list"
            assert values["used_memory"] > 0
            assert f"ACL SETUSER {name} +slowlog|get" in (await logs(of)).note
            with redis.client() as admin:
                admin.execute_command(found.remedy)
            found, _, _ = await tick(of)
            assert found.hidden == 0
            assert found.sessions


async def test_without_info_the_grant_is_told(redis: RedisServer) -> None:
    with user(redis, "-@all") as name:
        async with monitor(redis.url(user=name, password="secret")) as of:
            with pytest.raises(PermissionDenied) as caught:
                await tick(of)
            assert caught.value.remedy == f"ACL SETUSER {name} +info"
            with redis.client() as admin:
                admin.execute_command(caught.value.remedy)
            assert (await tick(of))[1]["used_memory"] > 0


@pytest.mark.parametrize(
    ("lines", "running"),
    [
        ([b"EVAL '" + LOOP.encode() + b"' 0"], "a script, which blocks the server for everybody"),
        ([b"FCALL spin 0"], "FCALL spin 0"),
    ],
)
async def test_a_script_that_blocks_the_server_is_shown_and_can_be_killed(
    redis: RedisServer, lines: list[bytes], running: str
) -> None:
    with redis.client() as admin:
        admin.config_set("busy-reply-threshold", 50)
        admin.execute_command("FUNCTION", "LOAD", "REPLACE", SPINNING)
    async with engine(redis.url()) as made:
        await tick(made.monitor)
        with raw(redis, *lines):
            script = await session_named_script(made.monitor)
            assert script.query == running
            values = (await tick(made.monitor))[1]
            assert values["script_running"] > 0
            assert values["used_memory"] > 0, "the others stand still"
            with pytest.raises(QueryError, match="busy running a script") as caught:
                await made.catalog.children(None)
            assert "x on its row" in caught.value.hint
            async with engine(redis.url()) as late:
                assert any("script has blocked" in note for note in late._connector.server.notes)
            leave = approve("test", f"cancel:{script.id}:{script.started}", "it blocks all")
            assert await made.actions.cancel(script, leave)
            values = await script_ended(made.monitor)
            assert await value(made, "PING") == "PONG"
            assert not await made.actions.cancel(script, leave), "it has ended"
        assert values["script_running"] == 0
    with redis.client() as admin:
        admin.config_set("busy-reply-threshold", 5000)


async def session_named_script(of: RedisMonitor) -> Session:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found, _, _ = await tick(of)
        for session in found.sessions:
            if session.id == "script":
                return session
    raise AssertionError("no script was seen")


async def script_ended(of: RedisMonitor) -> dict[str, float]:
    """The counters once no script runs any more: it is killed at its next step."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        found, values, _ = await tick(of)
        if all(session.id != "script" for session in found.sessions):
            return values
    raise AssertionError("the script runs on")


async def test_a_replica_and_its_primary(redis: RedisServer) -> None:
    with RedisServer(
        redis.product, {"replicaof": f"127.0.0.1 {redis.port}", "repl-diskless-sync-delay": "0"}
    ) as copy:
        with copy.client() as there, redis.client() as admin:
            admin.config_set("repl-diskless-sync-delay", 0)
            await reach(lambda: there.info("replication")["master_link_status"] == "up")
            await reach(lambda: admin.info("replication")["slave0"]["state"] == "online")
        async with monitor(redis.url()) as of, engine(copy.url()) as replica:
            found, values, health = await tick(of)
            (known,) = health.replicas
            assert known.state == "online"
            assert known.client == f"127.0.0.1:{copy.port}"
            assert known.lag_bytes is not None
            assert values["replication_lag"] <= 5
            assert [s.kind for s in found.sessions if s.state == "replica"] == ["replica"]
            assert replica._connector.server.role == "replica"
            found, values, _ = await tick(replica.monitor)
            assert values["primary_link_down"] == 0
            assert [s.kind for s in found.sessions if s.state == "primary"] == ["primary"]
            await writing_is_refused(replica)
            with copy.client() as there:
                there.config_set("replica-serve-stale-data", "no")
                there.execute_command("REPLICAOF", "127.0.0.1", 1)
            _, values, _ = await tick(replica.monitor)
            assert values["primary_link_down"] > 0
            with pytest.raises(QueryError, match=r"MASTER is down|primary") as caught:
                await value(replica, "GET a")
            assert "serves no stale data" in caught.value.hint


async def writing_is_refused(replica: RedisEngine) -> None:
    with pytest.raises(QueryError, match="read only replica") as caught:
        await replica.actions.write("SET a 1", approve("test", scope_of("SET a 1"), "try"))
    assert "write to its primary" in caught.value.hint


async def test_a_server_that_loads_its_data(redis: RedisServer) -> None:
    slow = {"key-load-delay": "2000", "loading-process-events-interval-bytes": "1024"}
    with RedisServer(redis.product) as server:
        with server.client() as admin:
            with admin.pipeline() as many:
                for number in range(3000):
                    many.set(f"key:{number}", "x" * 100)
                many.execute()
            admin.save()
        server.end()
        server._settings |= slow
        server.start()
        async with engine(server.url()) as made:
            assert any("loading its data set" in note for note in made._connector.server.notes)
            _, values, health = await tick(made.monitor)
            assert values["loading"] == 1
            (loading,) = health.progress
            assert (loading.operation, loading.unit) == ("LOADING", "bytes")
            assert loading.total
            with pytest.raises(QueryError, match="loading the dataset") as caught:
                await value(made, "GET a")
            assert "wait until it is done" in caught.value.hint
            assert not (await tick(made.monitor))[0].hidden


async def test_a_save_that_runs(redis: RedisServer) -> None:
    with RedisServer(redis.product, {"rdb-key-save-delay": "10000"}) as server, server.client() as admin:
        for number in range(200):
            admin.set(f"k{number}", 1)
        admin.bgsave()
        async with monitor(server.url()) as of:
            _, values, health = await tick(of)
            assert [each.operation for each in health.progress] == ["BGSAVE"]
            assert values["save_failed"] == 0


async def test_a_restart_is_a_lost_session_then_a_new_run(redis: RedisServer) -> None:
    with RedisServer(redis.product) as server:
        async with monitor(server.url()) as of:
            await tick(of)
            server.end()
            with pytest.raises(SessionLost):
                await tick(of)
            server.start()
            await of.reconnect()
            assert (await tick(of))[1]["used_memory"] > 0


def test_unknown_sections_and_odd_values_do_no_harm() -> None:
    text = (
        b"# Future\r\nquantum:on\r\nused_memory:12\r\nratio:nan\r\nhuge:1e999\r\nempty:\r\nno colon\r\n"
        b"slave0:what=ever\r\nslave_expires_tracked_keys:0\r\ndb0:keys=x,expires=1\r\ndb1:keys=3\r\n"
        b"role:slave\r\nmaster_link_status:up\r\ncmdstat_x:calls=\r\n\xff\xfe:1\r\n"
    )
    values = counters.of_info(sections(text))
    assert values["used_memory"] == 12
    assert values["keys"] == 3
    assert values["replication_lag"] == 0
    assert "ratio" not in values
    assert "huge" not in values
