from __future__ import annotations

from dbtui.engines.redis.statements import CommandStatements, Entry, entries, told_as_note
from dbtui.live import rates
from dbtui.model.activity import Statement, Statements
from tests.engines.redis.opened import logs, monitor
from tests.servers.redis import RedisServer


def by_text(found: Statements) -> dict[str | None, Statement]:
    return {each.query: each for each in found.statements}


async def test_commands_are_counted_between_two_samples(redis: RedisServer) -> None:
    with redis.client() as client:
        client.get("a")
        async with monitor(redis.url()) as of:
            before = await logs(of)
            for _ in range(7):
                client.get("a")
            client.config_get("maxmemory")
            after = await logs(of)
            deltas = {d.statement.query: d for d in rates.deltas(before, after, 1.0)}
            assert deltas["GET"].calls == 7
            assert deltas["CONFIG GET"].calls == 1
            assert after.source == "commandstats and slow log"
            client.config_resetstat()
            client.get("a")
            assert by_text(await logs(of))["GET"].calls == 1


async def test_slow_commands_stand_alone_and_the_times_still_add_up(redis: RedisServer) -> None:
    with redis.client() as client:
        client.get("a")
        limit = client.config_get("slowlog-log-slower-than")["slowlog-log-slower-than"]
        client.execute_command("DEBUG", "SLEEP", "0.02")  # before the first look
        async with monitor(redis.url()) as of:
            before = await logs(of)
            assert "slow log" not in {each.query_id for each in before.statements}
            client.config_set("slowlog-log-slower-than", 0)
            client.mget("user:1", "user:2")
            client.mget("user:8", "user:9")
            client.get(b"\xff")
            client.get("ключ😀")
            client.config_set("slowlog-log-slower-than", limit)
            client.mget("user:1", "user:2")
            found = by_text(await logs(of))
            again = by_text(await logs(of))
            told = client.info("commandstats")
        slow = found["MGET user:8 user:9"]
        assert (slow.calls, slow.query_id) == (2, "slow log")
        assert found["MGET"].calls == 1
        assert slow.calls + found["MGET"].calls == told["cmdstat_mget"]["calls"]
        assert abs(slow.total_ms + found["MGET"].total_ms - told["cmdstat_mget"]["usec"] / 1000) < 0.001
        assert r'GET "\xff"' in found
        assert "GET ключ😀" in found
        assert again["MGET user:8 user:9"] == slow, "an entry is counted once"
        client.config_resetstat()


async def test_large_requests_and_replies_are_noted(valkey9: RedisServer) -> None:
    with valkey9.client() as client:
        client.set("large", "x" * 2**20)
        client.config_set("commandlog-reply-larger-than", 1000)
        async with monitor(valkey9.url()) as of:
            await logs(of)
            client.get("large")
            assert "largest reply of late 1.0 MB: GET large" in (await logs(of)).note
        client.config_set("commandlog-reply-larger-than", 1048576)
        client.execute_command("COMMANDLOG", "RESET", "large-reply")


async def test_a_latency_spike_is_told_for_a_minute(redis: RedisServer) -> None:
    with redis.client() as client:
        client.config_set("latency-monitor-threshold", 10)
        async with monitor(redis.url()) as of:
            await of.sources[0].fetch(of_nothing())
            assert (await of.sources[1].fetch(of_nothing()))["counters"]["latency_spike"] == 0
            client.execute_command("DEBUG", "SLEEP", "0.05")
            spike = (await of.sources[1].fetch(of_nothing()))["counters"]["latency_spike"]
            assert 0.05 <= spike < 5
        client.config_set("latency-monitor-threshold", 0)
        client.execute_command("LATENCY", "RESET")


def of_nothing() -> object:
    from dbtui.model.snapshot import Snapshot

    return Snapshot(at=0.0)


def stats(**calls: tuple[int, int]) -> dict[str, str]:
    return {f"cmdstat_{name}": f"calls={n},usec={usec}" for name, (n, usec) in calls.items()}


def test_counters_never_run_backwards_through_the_slow_log() -> None:
    counted = CommandStatements()
    counted.sample(stats(get=(10, 100)), [], source="x")
    slow = [Entry(0, 0, 40, (b"get", b"a")), Entry(1, 0, 50, (b"GET", b"b1"))]
    found = by_text(counted.sample(stats(get=(12, 190)), slow, source="x"))
    assert (found["GET"].calls, found["GET"].total_ms) == (10, 0.1)
    found = by_text(counted.sample(stats(get=(13, 191)), slow, source="x"))
    assert (found["GET"].calls, found["GET"].total_ms) == (11, 0.101)
    found = by_text(counted.sample(stats(get=(1, 5)), [], source="x"))
    assert (found["GET"].calls, found["GET"].total_ms) == (1, 0.005), "after CONFIG RESETSTAT"


def test_what_rests_is_the_same_object_and_no_delta() -> None:
    counted = CommandStatements()
    first = counted.sample(stats(get=(10, 100), set=(1, 1)), [], source="x")
    second = counted.sample(stats(get=(10, 100), set=(2, 2)), [], source="x")
    assert by_text(first)["GET"] is by_text(second)["GET"]
    assert [d.statement.query for d in rates.deltas(first, second, 1.0)] == ["SET"]


def test_odd_entries_are_left_out() -> None:
    assert entries(None) == []
    assert entries([[1, 2, 3], "x", [1, 2, 3, None], [7, 2, 3, [b"get", 5]]]) == [Entry(7, 2, 3, (b"get",))]
    assert told_as_note({"reply": []}) == ""
    counted = CommandStatements()
    counted.sample(stats(get=(1, 1)), [], source="x")
    found = counted.sample(stats(get=(1, 1)), [Entry(3, 0, 5, ()), Entry(4, 0, 5, (b"renamed",))], source="x")
    assert [each.query for each in found.statements] == ["GET"]
