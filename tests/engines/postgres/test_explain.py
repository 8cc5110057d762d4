from __future__ import annotations

import json
from typing import Any

import pytest

from dbtui.engines.postgres.explain import PostgresExplainer
from dbtui.errors import NotApproved, QueryError, QueryTimeout
from dbtui.model.plan import RawPlan
from dbtui.safety import approve, scope_of
from tests.engines.postgres.sessions import count, working
from tests.servers.postgres import PostgresServer


def top(plan: RawPlan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(plan.text)[0]
    return found


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> str:
    name = "shop [b]"  # with what looks like markup
    postgres.drop_database(name)  # the server outlives this fixture
    database = postgres.create_database(name)
    postgres.psql(
        "create table item (id int primary key, name text, price numeric);"
        "insert into item select i, 'n' || i, i from generate_series(1, 1000) i; analyze item;"
        "create table event (at date, body text) partition by range (at);"
        "create table event_1 partition of event for values from ('2024-01-01') to ('2025-01-01');"
        "create table event_2 partition of event for values from ('2025-01-01') to ('2026-01-01');"
        "create sequence counter",
        database,
    )
    return database


async def test_a_plan_of_what_is_typed(postgres: PostgresServer, shop: str) -> None:
    async with working(postgres) as (connector, work):
        plan = await PostgresExplainer(connector, work).explain(
            "select * from item where id = 5;", database=shop
        )
    assert plan.format == "postgres-json"
    assert plan.query == "select * from item where id = 5"
    assert plan.server_version.startswith(str(postgres.version))
    assert plan.notes == ("estimates only",)
    found = top(plan)
    assert found["Plan"]["Index Name"] == "item_pkey"
    assert found["Plan"]["Output"] == ["id", "name", "price"]
    assert "Execution Time" not in found


@pytest.mark.parametrize(
    ("sql", "node"),
    [
        ("select * from item where id = $1", "Index Scan"),
        ("select * from item where name in ($1, $2, $3 /*, ... */)", "Seq Scan"),
        ("update item set name = $2 where id = $1", "ModifyTable"),
        ("insert into item (id) values ($1)", "ModifyTable"),
        ("select now() - interval $1", "Result"),
        ("select now() - $1", "Result"),
    ],
)
async def test_placeholders_have_a_generic_plan(
    postgres: PostgresServer, shop: str, sql: str, node: str
) -> None:
    async with working(postgres, shop) as (connector, work):
        plan = await PostgresExplainer(connector, work).explain(sql)
        async with work.use(shop) as connection:
            left = await connection.fetch(
                "select count(*) from pg_prepared_statements where name like 'dbtui%'"
            )
    assert left[0][0] == 0
    assert top(plan)["Plan"]["Node Type"] == node
    assert "One-Time Filter" not in plan.text, "the values were folded into the plan"
    assert any("generic plan" in note for note in plan.notes)


async def test_a_generic_plan_of_a_partitioned_table(postgres: PostgresServer, shop: str) -> None:
    async with working(postgres, shop) as (connector, work):
        plan = await PostgresExplainer(connector, work).explain("select * from event where at = $1")
    if postgres.version >= 16:
        assert len(top(plan)["Plan"]["Plans"]) == 2
    else:
        assert any("partitions" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("sql", "message", "hint", "position"),
    [
        ("select nope from item", 'column "nope"', "", 8),
        ("  explain (analyze, verbose) select nope", 'column "nope"', "", 37),
        ("select $2::int", "data type of parameter", "give the placeholder a type", None),
        ("select extract($1 from now())", "syntax error", "give the placeholder a type", 16),
        ("select * from item where id = $1 and nope", 'column "nope"', "", 38),
        ("select 1; select 2", "2 statements", "one at a time", None),
        ("vacuum item", "VACUUM has no plan", "", None),
        ("select * from item where name = 'cut off", "unterminated", "track_activity_query_size", 33),
        ("select * from item where", "syntax error", "track_activity_query_size", 25),
        ("select * from other_item", "does not exist", "search_path", 15),
        ("", "no statement", "", None),
    ],
)
async def test_what_cannot_be_explained_says_why(
    postgres: PostgresServer, shop: str, sql: str, message: str, hint: str, position: int | None
) -> None:
    async with working(postgres, shop) as (connector, work):
        explainer = PostgresExplainer(connector, work)
        with pytest.raises(QueryError, match=message) as refused:
            await explainer.explain(sql)
        assert hint in refused.value.hint
        assert refused.value.position == position
        assert top(await explainer.explain("select 1"))["Plan"]["Node Type"] == "Result", (
            "the session goes on"
        )


async def test_analyze_of_a_query_runs_it_read_only(postgres: PostgresServer, shop: str) -> None:
    async with working(postgres, shop) as (connector, work):
        explainer = PostgresExplainer(connector, work)
        plan = await explainer.explain("select * from item order by price", analyze=True)
        found = top(plan)
        assert found["Plan"]["Actual Rows"] == 1000
        assert "Shared Hit Blocks" in found["Plan"]
        assert ("Serialization" in found) == (postgres.version >= 17)
        with pytest.raises(QueryTimeout):
            await explainer.explain("select pg_sleep(60)", analyze=True, timeout=0.3)
        with pytest.raises(QueryError, match="placeholders"):
            await explainer.explain("select * from item where id = $1", analyze=True)


async def test_explain_analyze_in_the_text_runs_nothing(postgres: PostgresServer, shop: str) -> None:
    async with working(postgres, shop) as (connector, work):
        plan = await PostgresExplainer(connector, work).explain("explain analyze delete from item")
    assert "Actual Rows" not in plan.text
    assert "options of the EXPLAIN" in plan.notes[0]
    assert postgres.psql("select count(*) from item", shop) == "1000"


@pytest.mark.parametrize(
    "sql",
    [
        "delete from item",
        "select nextval('counter')",
        "select * from item for update",
        "create table x as select 1",
    ],
)
async def test_analyze_of_anything_else_needs_an_approval_and_leaves_nothing(
    postgres: PostgresServer, shop: str, sql: str
) -> None:
    async with working(postgres, shop) as (connector, work):
        explainer = PostgresExplainer(connector, work)
        with pytest.raises(NotApproved):
            await explainer.explain(sql, analyze=True)
        with pytest.raises(NotApproved):
            await explainer.explain(
                sql, analyze=True, approval=approve("test", scope_of(sql + " "), "other text")
            )
        with pytest.raises(NotApproved):
            await explainer.explain(
                sql, analyze=True, approval=approve("elsewhere", scope_of(sql), "other server")
            )
        plan = await explainer.explain(
            sql, analyze=True, approval=approve("test", scope_of(sql), "to see its plan")
        )
    assert "Actual Rows" in plan.text
    assert plan.notes == ("run and rolled back",)
    assert postgres.psql("select count(*) from item", shop) == "1000"
    assert postgres.psql("select to_regclass('x') is null", shop) == "t"


async def test_the_act_session_is_closed_after_a_failure(postgres: PostgresServer, shop: str) -> None:
    sql = "insert into item (id) values (1)"
    async with working(postgres, shop) as (connector, work):
        before = count(postgres)
        with pytest.raises(QueryError, match="duplicate key"):
            await PostgresExplainer(connector, work).explain(
                sql, analyze=True, approval=approve("test", scope_of(sql), "x")
            )
        assert count(postgres) <= before, "the monitor's alone"
