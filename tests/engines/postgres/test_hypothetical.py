"""HypoPG on a real server that has it: the PostgreSQL below FerretDB."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from dbtui.config import resolve
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.errors import QueryError, UsageError
from dbtui.model.advice import WhatIf
from tests.servers.ferretdb import STORE
from tests.servers.postgres import PostgresServer

INDEX = "CREATE INDEX CONCURRENTLY events_kind_idx ON events (kind, at)"
QUERY = "select * from events where kind = $1 order by at limit 3"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(18, folder=STORE) as server:
        yield server


@pytest.fixture
async def engine(server: PostgresServer) -> AsyncIterator[PostgresEngine]:
    name = server.create_database()
    server.psql(
        "create schema tools; create extension hypopg schema tools; create table events (id int, kind int, at int);"
        "insert into events select i, i % 500, i from generate_series(1, 50000) i; analyze events",
        name,
    )
    made = PostgresEngine(resolve(server.url(name)))
    await made.open()
    yield made
    await made.close()


def indexes(text: str) -> list[str]:
    found, waiting = [], [json.loads(text)[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        found += [node["Index Name"]] if "Index Name" in node else []
        waiting += node.get("Plans", ())
    return found


@pytest.mark.parametrize("query", [QUERY, QUERY.replace("$1", "7")])
async def test_the_server_plans_with_an_index_that_is_not_there(engine: PostgresEngine, query: str) -> None:
    planner = engine.hypothetical()
    assert indexes((await planner.plan(query)).text) == []
    raw = await planner.plan(query, WhatIf(indexes=(INDEX,)))
    assert indexes(raw.text) == ["events_kind_idx"] and planner.verified in raw.notes
    assert planner.size(INDEX) > 100_000
    assert indexes((await engine.explain.explain(query)).text) == []


async def test_what_it_does_not_know_is_said(engine: PostgresEngine) -> None:
    planner = engine.hypothetical()
    wrong = "CREATE INDEX ON nowhere (a)"
    assert list(await planner.prepare([INDEX, wrong])) == [wrong]
    with pytest.raises(QueryError):
        await planner.plan(QUERY, WhatIf(indexes=(wrong,)))
    with pytest.raises(UsageError, match="only further indexes"):
        await planner.plan(QUERY, WhatIf(settings={"work_mem": "1GB"}))
