from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from dbtui.engines.elasticsearch import counters, health, sessions, statements
from dbtui.engines.elasticsearch.engine import ElasticEngine
from dbtui.errors import PermissionDenied
from dbtui.model.activity import Activity, Health, Progress, Statements
from tests.engines.elasticsearch.conftest import DOCUMENTS
from tests.engines.elasticsearch.opened import engine, fetch, rows, slow_search, task_of
from tests.servers.elastic import ElasticServer


async def test_figures_of_the_cluster_and_its_nodes(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        first = await fetch(made, "counters")
        status = shop.ask("GET", "/_cluster/health")["status"]
        assert first["nodes"] == 1 and first["red"] == (status == "red"), shop.ask("GET", "/_cat/shards")
        assert first["unassigned_shards"] >= 2  # one node has no place for replicas
        assert 0 < first["heap_used"] <= first["heap_max"]
        assert 0 < first["disk_used"] < first["disk_total"]
        assert first["files_open"] < first["files_max"]
        assert first["documents"] >= 2_000 and first["http_open"] >= 1
        for _ in range(5):
            await rows(made, "GET shop/_search?request_cache=false")
        second = await fetch(made, "counters")
        assert second["query_total"] - first["query_total"] >= 10  # two shards
        assert second["search_latency"] >= 0
        known = set(first) | set(second)
        for metric in made.monitor.metrics:
            optional = {"query_failed", "pressure_bytes"}  # of newer versions
            assert set(metric.numerator) <= known | optional, metric.id
            assert not metric.limit or metric.limit in known
        assert made.monitor.cost.statements >= 5 and made.monitor.cost.server_seconds > 0


def stats(**nodes: dict[str, float]) -> dict[str, Any]:
    return {
        "nodes": {
            name: {
                "indices": {"search": {"query_total": counts["ran"], "query_time_in_millis": counts["ms"]}}
            }
            for name, counts in nodes.items()
        }
    }


def test_nodes_that_come_and_go_bring_and_take_nothing() -> None:
    figures = counters.Figures()
    assert figures.of(stats(a={"ran": 100, "ms": 10}))["query_total"] == 100
    both = figures.of(stats(a={"ran": 110, "ms": 30}, b={"ran": 9_000_000, "ms": 1}))
    assert both["query_total"] == 110
    assert both["search_latency"] == pytest.approx(0.002)
    assert figures.of(stats(a={"ran": 115, "ms": 30}, b={"ran": 9_000_001, "ms": 2}))["query_total"] == 116
    assert figures.of(stats(a={"ran": 116, "ms": 30}))["query_total"] == 117
    assert figures.of(stats(a={"ran": 5, "ms": 30}))["query_total"] == 122  # a was started anew


def test_the_node_with_least_left_is_shown() -> None:
    def node(used: int, most: int) -> dict[str, Any]:
        return {"jvm": {"mem": {"heap_used_in_bytes": used, "heap_max_in_bytes": most}}}

    found = counters.Figures().of(
        {"nodes": {"a": node(900, 1000), "b": node(2000, 8000), "c": {"jvm": None}}}
    )
    assert (found["heap_used"], found["heap_max"]) == (900, 1000)


@pytest.mark.parametrize(
    "odd", [{}, {"nodes": None}, {"nodes": {"a": 3}}, {"nodes": {"a": {"thread_pool": [1]}}}]
)
def test_figures_of_an_unknown_version_are_left_out(odd: dict[str, Any]) -> None:
    counters.Figures().of(odd)
    assert counters.of_health({"status": "purple", "new": {}}) == {"red": 0.0}
    assert statements.of_stats({"indices": {"a": {"total": {"search": 7}}, "b": None}}).statements == ()
    assert health.recoveries([]) == ()
    assert sessions.tasks_of({"tasks": [1, {"node": "n", "id": 3}]}) == [{"node": "n", "id": 3}]
    assert sessions.sessions_of([{"node": "n", "id": 3}], {})[0].id == "3@n"


async def test_a_search_is_a_task_with_its_text(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        await fetch(made, "counters")
        with slow_search(shop, "report"):
            task = await task_of(made, "report")
            activity: Activity = await fetch(made, "activity")
        assert task.id.endswith("@node-0") and task.client == "node-0"
        assert (task.database, task.kind, task.state) == ("shop", "", "active")
        assert task.query.startswith('GET shop/_search\n{"size":3,')
        assert "tea 😀" in task.query
        assert task.query_age is not None and task.query_age > 0
        assert activity.connections >= 1
        for part in activity.sessions:
            if part.leader:
                assert part.kind == "part of a request"
        assert not any("tasks/lists" in session.query for session in activity.sessions)  # our own


def test_what_tasks_say_about_themselves() -> None:
    def query(action: str, said: str) -> str:
        task = {"node": "n", "id": 1, "action": action, "description": said, "start_time_in_millis": 5}
        return sessions.sessions_of([task], {"n": "node-0"})[0].query

    search = "indices:data/read/search"
    assert query(search, 'indices[a,b], search_type[X], source[{"a":"]x["}], preference[_local]') == (
        'GET a,b/_search\n{"a":"]x["}'
    )
    assert query(search, "indices[], search_type[X], source[]") == "GET _search"
    assert query(search, 'indices[a], source[{"cut": tr').startswith("GET a/_search\n")
    assert query("indices:data/read/esql", "FROM a") == 'POST _query\n{"query": "FROM a"}'
    assert query("indices:data/write/bulk", "requests[3], indices[a]") == (
        "indices:data/write/bulk requests[3], indices[a]"
    )
    background = {"node": "n", "id": 2, "type": "persistent", "action": "health-node[c]", "cancelled": True}
    (session,) = sessions.sessions_of([background], {})
    assert (session.kind, session.state) == ("background task", "cancelling")
    again = sessions.Incarnation.of(session.started)
    assert (again.id, again.start, again.action) == ("n:2", 0, "health-node[c]")


def test_long_work_says_how_far_it_is() -> None:
    task = {
        "node": "n", "id": 7, "action": "indices:data/write/reindex", "description": "reindex from [a] to [b]",
        "status": {"total": 100, "created": 40, "updated": 2, "batches": 3, "deleted": 0},
    }  # fmt: skip
    (progress,) = sessions.progress_of([task, {"node": "n", "id": 8}], {"n": "node-0"})
    assert (progress.session, progress.operation, progress.done, progress.total) == (
        "7@node-0",
        "REINDEX",
        42,
        100,
    )
    shard = {
        "id": 1, "type": "PEER", "stage": "INDEX", "target": {"name": "node-1"},
        "index": {"size": {"total_in_bytes": 1000, "recovered_in_bytes": 250}},
    }  # fmt: skip
    (copying,) = health.recoveries({"shop": {"shards": [shard, {"stage": "DONE"}]}})
    assert (copying.operation, copying.phase, copying.target) == (
        "RECOVERY peer",
        "index",
        "shop[1] → node-1",
    )
    assert (copying.done, copying.total) == (250, 1000)


async def running(of: ElasticEngine, operation: str) -> Progress:
    """What is told of an operation that runs."""
    async with asyncio.timeout(20):
        while True:
            await fetch(of, "activity")
            found: Health = await fetch(of, "health")
            for progress in found.progress:
                if progress.operation == operation and (progress.total or not progress.unit):
                    return progress


@pytest.mark.parametrize("elastic", ["opensearch2"], indirect=True)  # the other's packing has no reindex
async def test_a_copy_of_an_index_says_how_far_it_is(shop: ElasticServer) -> None:
    slowly = "/_reindex?wait_for_completion=false&requests_per_second=200"
    body = {"source": {"index": "shop", "size": 100}, "dest": {"index": "copied"}}
    try:
        async with engine(shop.url()) as made:
            assert "task" in (said := shop.ask("POST", slowly, body)), said
            found = await running(made, "REINDEX")
        assert (found.unit, found.total) == ("documents", DOCUMENTS) and found.phase.startswith("batch ")
        assert "[copied]" in found.target
    finally:
        shop.ask("POST", "/_tasks/_cancel?actions=*reindex&wait_for_completion=true")
        shop.drop("copied")


async def test_a_merge_that_was_asked_for_is_shown_though_nobody_tells_how_far_it_is(
    shop: ElasticServer,
) -> None:
    words = " ".join(f"w{n}" for n in range(300))
    shop.ask("PUT", "/heap", {"settings": {"number_of_replicas": 0, "number_of_shards": 4}})
    ended = threading.Event()

    def merge() -> None:
        lines = [f'{{"index": {{}}}}\n{{"t": "{words} {n}"}}\n' for n in range(500)]
        while not ended.is_set():
            for _ in range(3):
                shop.ask("POST", "/heap/_bulk?refresh=true", "".join(lines))
            shop.ask("POST", "/heap/_forcemerge?max_num_segments=1")

    thread = threading.Thread(target=merge)
    thread.start()
    try:
        async with engine(shop.url()) as made:
            found = await running(made, "FORCEMERGE")
        assert (found.unit, found.total) == ("", None) and "[heap]" in found.target
    finally:
        ended.set()
        thread.join()
        shop.drop("heap")


async def test_the_load_is_told_by_index_and_kind_of_work(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        await rows(made, "GET shop/_search?request_cache=false")
        found: Statements = await fetch(made, "statements")
        by_id = {statement.id: statement for statement in found.statements}
        assert by_id["shop/query"].calls >= 2 and by_id["shop/query"].database == "shop"
        assert by_id["shop/index"].calls >= 2_000
        assert by_id["shop/index"].total_ms > 0
        assert "no texts" in found.note
        assert (await fetch(made, "health")).progress == ()


async def test_what_a_user_without_privileges_is_told(elasticsearch7: ElasticServer) -> None:
    async with engine(elasticsearch7.url(user="blind")) as made:
        for section, privilege in (("counters", "monitor"), ("activity", "monitor")):
            with pytest.raises(
                PermissionDenied, match=f"user blind lacks the cluster privilege {privilege}"
            ) as caught:
                await fetch(made, section)
            assert caught.value.remedy == (
                f'POST _security/role/dbtui-{privilege} {{"cluster": ["{privilege}"]}}, and give user blind that role'
            )
        with pytest.raises(PermissionDenied, match="lacks the index privilege monitor"):
            await fetch(made, "statements")
