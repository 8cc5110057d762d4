"""What the tests of this engine share: engines and monitors on a URL, and a search that takes its time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from dbtui.config import Target
from dbtui.engines.elasticsearch.engine import ElasticEngine
from dbtui.model.activity import Activity, Session
from dbtui.model.catalog import Node
from dbtui.model.result import Page
from dbtui.model.snapshot import Snapshot
from dbtui.secrets import known
from dbtui.urls import split_secret
from tests.servers.elastic import PASSWORD, ElasticServer


def target(url: str, name: str = "test") -> Target:
    clean, secret = split_secret(url)
    return Target(
        name, clean.partition(":")[0].partition("+")[0], clean, password=known(secret) if secret else None
    )


@contextlib.asynccontextmanager
async def engine(url: str) -> AsyncIterator[ElasticEngine]:
    made = ElasticEngine(target(url))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def fetch(of: ElasticEngine, section: str) -> Any:
    """What one source of the monitor answers for a section."""
    source = next(source for source in of.monitor.sources if source.sections[0] == section)
    return (await source.fetch(Snapshot(at=0.0)))[section]  # type: ignore[index]


async def rows(of: ElasticEngine, request: str) -> Page:
    assert of.query is not None
    cursor = await of.query.run(request)
    page = await cursor.fetch()
    await cursor.close()
    return page


async def node(of: ElasticEngine, *path: str) -> Node:
    """A node of the tree by the names that lead to it, below the cluster."""
    assert of.catalog is not None
    (found,) = await of.catalog.children(None)
    for name in path:
        children = await of.catalog.children(found)
        found = next((one for one in children if one.name == name), found)
        assert found.name == name, [one.name for one in children]
    return found


@contextlib.contextmanager
def slow_search(server: ElasticServer, name: str, index: str = "shop") -> Iterator[None]:
    """Searches that take seconds, one after the other, each under this opaque id, until the block ends."""
    functions = [{"random_score": {"seed": seed, "field": "price"}} for seed in range(600)]
    body = {
        "size": 3,
        "query": {"function_score": {"query": {"match": {"title": "tea 😀"}}, "functions": functions}},
    }
    ended = threading.Event()

    def run() -> None:
        login = ("admin", PASSWORD) if server.secured else None
        headers = {"X-Opaque-Id": name, "Accept-Encoding": "identity"}
        with httpx.Client(auth=login, trust_env=False, headers=headers, timeout=60) as client:
            while not ended.is_set():
                with contextlib.suppress(httpx.HTTPError):
                    client.post(
                        f"http://127.0.0.1:{server.port}/{index}/_search?request_cache=false", json=body
                    )

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        server.ask("POST", "/_tasks/_cancel?actions=indices:data/read/search")
        thread.join(30)


async def task_of(of: ElasticEngine, name: str) -> Session:
    """The request that runs under an opaque id."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        activity: Activity = await fetch(of, "activity")
        for session in activity.sessions:
            if session.application == name and not session.leader:
                return session
        await asyncio.sleep(0.02)
    raise AssertionError(f"no task of {name}: {activity.sessions}")
