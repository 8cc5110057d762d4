"""Which queries the load is made of: $queryStats, the profiler, or what was seen running; always with its source."""

from __future__ import annotations

from typing import Any

from dbtui.engines.mongodb.statements import Profiled, masked_text, query_stats_statement, shape_of_text
from dbtui.model.activity import Statements
from dbtui.model.snapshot import Snapshot
from tests.engines.mongodb.replay import Replay, cursor, refused
from tests.engines.mongodb.support import opened
from tests.recorded.mongodb import reply


async def statements_of(answers: dict[str, Any], times: int = 1) -> tuple[Statements, Replay]:
    async with Replay(answers) as server, opened(server.url) as engine:
        source = next(s for s in engine.monitor.sources if s.sections == ("statements",))
        for _ in range(times):
            found = (await source.fetch(Snapshot(at=0)))["statements"]
        return found, server


def test_shapes_keep_names_and_lose_data() -> None:
    one = '{"find": "orders", "filter": {"a": 5, "b": {"$in": [1, 2]}}, "sort": {"a": -1}, "comment": "x"}'
    two = '{"find": "orders", "filter": {"a": 7, "b": {"$in": [1, 2, 3]}}, "sort": {"a": -1}}'
    assert shape_of_text(one) == shape_of_text(two)
    assert shape_of_text(one) != shape_of_text(one.replace("orders", "others"))
    assert shape_of_text(one) != shape_of_text(one.replace('"a": 5', '"c": 5'))
    assert masked_text(
        '{"find": "o", "filter": {"at": {"$date": "2026-01-01"}, "n": "$x", "s": "geheim"}}'
    ) == ('{"find": "o", "filter": {"at": "?date", "n": "$x", "s": "?string"}}')
    assert shape_of_text('{"cut in the mid') == '{"cut in the mid'


def test_no_text_keeps_its_values() -> None:
    assert masked_text("db.o.find({s: 'geheim', n: 7}).sort({n: 1})") == (
        '{"find": "o", "filter": {"s": "?string", "n": "?int"}, "sort": {"n": 1}}'
    )
    assert masked_text('{"find": "o", …}') == '{"find": "o", …}'  # what FerretDB leaves out is no literal
    assert masked_text('{"find": "o", "filter": {"s": "gehe') == "{?: ?, ?: {?: ?"


async def test_query_stats_come_first_where_the_server_has_them() -> None:
    def aggregate(command: dict[str, Any]) -> dict[str, Any]:
        assert next(iter(command["pipeline"][0])) == "$queryStats"
        return cursor(reply("query_stats-8.0-mongod"))

    found, _ = await statements_of({"aggregate": aggregate})
    assert found.source == "$queryStats"
    by_id = {s.query_id: s for s in found.statements}
    assert set(by_id) == {"ABC123", "DEF456"}
    both = by_id["ABC123"]  # one shape of two applications
    assert (both.calls, both.total_ms, both.rows, both.database) == (200, 20.0, 190, "shop")
    assert both.rows_read == 900
    assert (
        both.query
        == '{"find": "orders", "filter": {"status": {"$eq": "?string"}, "total": {"$gt": "?number"}}}'
    )
    assert query_stats_statement({"key": {}}) is None


async def test_the_profiler_is_read_where_it_is_on_and_never_switched() -> None:
    entries = reply("profile-7.0-mongod")
    looks: list[dict[str, Any]] = []

    def find(command: dict[str, Any]) -> dict[str, Any]:
        looks.append(command)
        if command.get("limit") == 1:
            return cursor([{"ts": entries[0]["ts"]}])
        return cursor([entry for entry in entries if entry["ts"] > command["filter"]["ts"]["$gt"]])

    answers = {
        "aggregate": refused(40324, "Unrecognized pipeline stage name: '$queryStats'"),
        "profile": {"was": 1, "slowms": 100, "sampleRate": 1.0, "ok": 1.0},
        "find": find,
    }
    found, server = await statements_of(answers, times=2)
    assert [command["profile"] for command in server.named("profile")] == [-1, -1]
    assert found.source == "the profiler of shop (level 1, only what takes 100 ms or longer)"
    assert sorted((s.query or "", s.calls, s.total_ms) for s in found.statements) == [
        ('{"find": "orders", "filter": {"customer": "?int"}, "sort": {"total": -1}, "limit": "?int"}', 1, 15.0),
        ('{"update": "customers", "updates": [{"q": {"age": {"$gt": "?int"}}, '
         '"u": {"$set": {"subscribed": true}}, "multi": true, "upsert": false}]}',
         1, 200.0),
    ]  # fmt: skip
    assert looks[1]["filter"]["appName"] == {"$ne": "dbtui"}


def test_profiled_operations_are_added_up_by_shape() -> None:
    profiled = Profiled("shop")
    for entry in reply("profile-7.0-mongod"):
        profiled.take(entry)
    first, second = profiled.seen(2, 100).statements
    assert (first.calls, first.total_ms, first.rows, first.user) == (2, 100.0, 20, "shop")
    assert (first.rows_read, second.rows_read) == (30, 431)
    assert (second.calls, second.total_ms) == (1, 200.0)
    assert profiled.seen(2, 100).source == "the profiler of shop (level 2)"


async def test_else_what_was_seen_running_and_why() -> None:
    answers = {
        "aggregate": refused(40324, "Unrecognized pipeline stage name: '$queryStats'"),
        "profile": {"was": 0, "slowms": 100, "ok": 1.0},
    }
    found, server = await statements_of(answers, times=2)
    assert found.source == "sampled activity" and "This server has no $queryStats" in found.note
    assert len(server.named("aggregate")) == 1 and len(server.named("profile")) == 1  # asked once a minute
    refusal = {"aggregate": refused(13, "not authorized"), "profile": refused(13, "not authorized")}
    found, _ = await statements_of(refusal)
    assert 'grantRolesToUser("ops", [{"role": "clusterMonitor", "db": "admin"}])' in found.note
