from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dbtui.errors import NotApproved, PermissionDenied, QueryError
from dbtui.model.activity import Session
from dbtui.safety import approve, scope_of, signal_scope
from tests.engines.elasticsearch.opened import engine, fetch, rows, slow_search, task_of
from tests.servers.elastic import ElasticServer

PUT = 'PUT written/_doc/1?refresh=true\n{"a": 1}'


async def test_a_task_is_cancelled_and_only_the_one_that_was_approved(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.actions is not None
        await fetch(made, "counters")
        with slow_search(shop, "victim"):
            task = await task_of(made, "victim")
            approval = approve("test", signal_scope("cancel", task), "")
            for other in (
                replace(task, started=task.started.replace(":", ":9", 1)),
                replace(task, started=f"{task.started.split(' ')[0]} 5 indices:data/read/search"),
            ):
                assert not await made.actions.cancel(
                    other, approve("test", signal_scope("cancel", other), "")
                )
            with pytest.raises(NotApproved):
                await made.actions.cancel(replace(task, id="1@node-0"), approval)
            for _ in range(20):
                if await made.actions.cancel(task, approval):
                    break
                task = await task_of(made, "victim")  # it had ended by itself
                approval = approve("test", signal_scope("cancel", task), "")
            else:
                pytest.fail("no task was cancelled")
            with pytest.raises(QueryError, match="x cancels it"):
                await made.actions.terminate(task, approve("test", signal_scope("terminate", task), ""))


async def test_a_task_that_is_gone_is_not_cancelled(opensearch2: ElasticServer) -> None:
    async with engine(opensearch2.url()) as made:
        assert made.actions is not None
        gone = Session("1@n", "none:1 5 a", "", "", "", "", "", "active", "", "", "")
        assert not await made.actions.cancel(gone, approve("test", signal_scope("cancel", gone), ""))


@pytest.mark.parametrize("elastic", ["elasticsearch7"], indirect=True)
async def test_cancelling_takes_a_privilege(shop: ElasticServer) -> None:
    async with engine(shop.url(user="looker")) as made:
        assert made.actions is not None
        await fetch(made, "counters")
        lacking = pytest.raises(PermissionDenied, match=r"lacks the cluster privilege (cancel_task|manage)")
        with slow_search(shop, "protected"), lacking:
            for _ in range(20):  # a task that has ended meanwhile is gone, whoever asks
                task = await task_of(made, "protected")
                await made.actions.cancel(task, approve("test", signal_scope("cancel", task), ""))


async def test_a_write_needs_an_approval_of_exactly_it(shop: ElasticServer) -> None:
    async with engine(shop.url()) as made:
        assert made.actions is not None
        with pytest.raises(NotApproved):
            await made.actions.write(PUT, approve("test", scope_of("GET /"), ""))
        page = await made.actions.write(PUT, approve("test", scope_of(PUT), ""))
        assert page.status == "HTTP 201" and ("result", "created") in page.rows
        assert (await rows(made, "GET written/_doc/1")).rows[0][-1] == "1"
        bulk = 'POST written/_bulk?refresh=true\n{"create": {"_id": 1}}\n{"a": 2}\n{"index": {"_id": 2}}\n{"a": 3}'
        with pytest.raises(QueryError, match="1 of 2 documents were refused"):
            await made.actions.write(bulk, approve("test", scope_of(bulk), ""))
        shop.drop("written")


async def test_an_index_that_is_blocked_for_writes(shop: ElasticServer) -> None:
    shop.ask("PUT", "/written", {"settings": {"number_of_replicas": 0, "index.blocks.write": True}})
    try:
        async with engine(shop.url()) as made:
            assert made.actions is not None and made.catalog is not None
            with pytest.raises(QueryError, match="blocked by") as caught:
                await made.actions.write(PUT, approve("test", scope_of(PUT), ""))
            assert not isinstance(caught.value, PermissionDenied) and "null lifts it" in caught.value.hint
            assert len((await rows(made, "GET written/_search")).rows) == 0
            (cluster,) = await made.catalog.children(None)
            index = next(one for one in await made.catalog.children(cluster) if one.name == "written")
            assert "write" in dict((await made.catalog.detail(index)).facts)["Block"]
    finally:
        shop.drop("written")


async def test_a_write_without_the_privilege(elasticsearch7: ElasticServer) -> None:
    elasticsearch7.ask("PUT", "/shop-2", {"settings": {"number_of_replicas": 0}})
    text = 'POST shop-2/_doc\n{"a": 1}'
    async with engine(elasticsearch7.url(user="reader")) as made:
        assert made.actions is not None
        with pytest.raises(PermissionDenied) as caught:
            await made.actions.write(text, approve("test", scope_of(text), ""))
        role = json.loads("{" + caught.value.remedy.partition(" {")[2].partition(", and give")[0])
        assert role["indices"][0]["names"] == ["shop-2"]
        assert role["indices"][0]["privileges"] in (["create"], ["create_doc"], ["index"])
        assert (await rows(made, "GET shop-2/_count")).rows[0] == ("count", "0")
    elasticsearch7.drop("shop-2")
