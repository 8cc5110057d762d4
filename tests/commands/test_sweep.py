"""Sweeps over the values of parameters, on real servers: which column, which values, and where the plan flips."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.commands.sweep import MOST_PLANS, sweep
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.base import Engine
from dbtui.errors import UsageError
from dbtui.output import sweep as output
from dbtui.plans.parameters import beyond, literal, parametrised, with_values
from dbtui.sql.mask import placeholders
from tests.servers.postgres import PostgresServer

SCHEMA = """
create table visits (id int primary key, shop text, at date, note text);
insert into visits select i, case when i % 10 < 7 then 'main' else 'shop ' || i % 3000 end,
  date '2024-01-01' + i % 1000, repeat('x', 50) from generate_series(1, 60000) i;
create index visits_shop on visits (shop);
create index visits_at on visits (at);
vacuum analyze visits;
create table bare (id int, x text);
"""


@pytest.fixture
async def engine(postgres: PostgresServer) -> AsyncIterator[Engine]:
    database = postgres.create_database()
    postgres.psql(SCHEMA, database=database)
    engine = create(resolve(postgres.url(database)))
    await engine.open()
    yield engine
    await engine.close()
    postgres.drop_database(database)


async def test_a_frequent_value_has_another_plan_than_a_rare_one(engine: Engine) -> None:
    found = await sweep(engine, "select * from visits where shop = $1 order by id")
    assert {(one.parameter.table, one.parameter.column) for one in found.tried} == {("public.visits", "shop")}
    by_value = {one.value: one for one in found.tried}
    assert {one.kind for one in found.tried} == {"common", "rare", "out of range"}
    assert found.tried[0].value == "main" and found.tried[0].share == pytest.approx(0.7, abs=0.05)
    rare = next(one for one in found.tried if one.kind == "rare")
    assert any(node.index == "visits_shop" for node in rare.plan.nodes)
    assert not any(node.index == "visits_shop" for node in by_value["main"].plan.nodes)
    assert found.flips[0].before.value == "main"
    assert len(found.tried) <= MOST_PLANS


async def test_the_point_where_a_range_flips_is_narrowed_down(engine: Engine) -> None:
    found = await sweep(engine, "select * from visits where at >= '2024-06-01'")
    assert found.sql == "select * from visits where at >= $1"
    assert found.flips
    for flip in found.flips:
        assert flip.before.shape != flip.after.shape
    dates = [one.value for one in found.tried]
    assert dates == sorted(dates)
    inside = [flip for flip in found.flips if flip.after.kind.startswith("at ")]
    shares = [float(one.kind.split()[1]) for flip in inside for one in (flip.before, flip.after)]
    assert shares and shares[1] - shares[0] <= 2.0


async def test_other_literals_stay_and_what_cannot_be_known_is_asked_for(engine: Engine) -> None:
    query = "select shop, count(*) from visits where shop = 'main' group by 1 order by 2 limit 3"
    found = await sweep(engine, query)
    assert found.sql.endswith("group by 1 order by 2 limit 3")
    with pytest.raises(UsageError, match=r"\$2"):
        await sweep(engine, "select * from visits where shop = $1 limit $2")
    found = await sweep(engine, "select * from visits where shop = $1 limit $2", values={2: "5"})
    assert found.tried
    with pytest.raises(UsageError, match="nothing to vary"):
        await sweep(engine, "select 1")
    found = await sweep(engine, "select * from bare where x = 'a'")
    assert found.tried == () and "no statistics" in found.notes[0]


TYPES = (
    "smallint", "bigint", "numeric(10,2)", "double precision", "boolean", "uuid", "timestamptz", "date", "interval",
    "time", "inet", "varchar(20)", "char(3)", "text", "mood", "int[]", "jsonb",
)  # fmt: skip
VALUES = (
    "i % 300", "i", "i / 3.0", "i", "i % 2 = 0", "md5((i % 50)::text)::uuid", "now() - i * interval '1 min'",
    "current_date - i % 900", "i * interval '1 s'", "'10:00'::time + i % 500 * interval '1 s'",
    "('10.0.0.' || i % 250)::inet", "E'v\\\\' || i % 90", "'c' || i % 9", "'it''s ' || i % 5",
    "(array['a', 'b'])[1 + i % 2]::mood", "array[i % 7]", "jsonb_build_object('a', i % 3)",
)  # fmt: skip


@pytest.mark.parametrize("operator", ["=", ">="])
async def test_every_type_has_values(postgres18: PostgresServer, operator: str) -> None:
    database = postgres18.create_database()
    columns = ", ".join(f'"c {n}" {kind}' for n, kind in enumerate(TYPES))
    postgres18.psql(
        f"create type mood as enum ('a', 'b', 'c'); create table every ({columns});"
        f"insert into every select {', '.join(VALUES)} from generate_series(1, 3000) i; analyze every",
        database,
    )
    engine = create(resolve(postgres18.url(database)))
    await engine.open()
    try:
        for n, kind in enumerate(TYPES):
            found = await sweep(engine, f'select * from every where "c {n}" {operator} $1')
            assert len(found.tried) >= 2, (kind, found.notes)
            assert all(one.plan.nodes for one in found.tried)
    finally:
        await engine.close()


async def test_it_is_told_as_text_and_json(engine: Engine) -> None:
    found = await sweep(engine, "select * from visits where shop = $1")
    text = output.text(found)
    assert "the plan flips between main (common" in text and "generic plan" in text
    assert all(len(line) < 80 for line in text.split("\n") if "%" in line and "flips" not in line)
    value = json.loads(output.json(found))
    assert value["tried"][0]["value"] == "main" and value["flips"][0]["after"]["plan"]


def test_literals_become_placeholders_where_they_are_compared() -> None:
    sql = "select 1, 'x' from t where a = 5 and b between 'p' and 'q' and c in (1, 2) and d <> -3 limit 7"
    found = parametrised(sql)
    assert found.sql == (
        "select 1, 'x' from t where a = $1 and b between $2 and $3 and c in (1, 2) and d <> -3 limit 7"
    )
    assert with_values(found.sql, found.given) == sql
    assert (
        parametrised("select * from t where a = $1 and b = 5").sql == "select * from t where a = $1 and b = 5"
    )


@given(st.text(max_size=200))
def test_any_text_is_parametrised_and_put_together_again(sql: str) -> None:
    found = parametrised(sql)
    if not placeholders(sql):
        assert with_values(found.sql, found.given) == sql


@given(st.text(max_size=50).filter(lambda text: "\0" not in text))
def test_a_value_is_one_literal(value: str) -> None:
    from dbtui.sql.lex import Lexeme, meaningful

    kinds = [token.kind for token in meaningful(literal(value, "text"))]
    assert kinds[0] is Lexeme.STRING and kinds[1:] == [Lexeme.SYMBOL, Lexeme.SYMBOL, Lexeme.WORD]


@pytest.mark.parametrize(
    ("value", "type_name", "below", "above"),
    [
        ("5", "integer", "-999995", "1000005"),
        ("2147483647", "integer", "0", "2147483647"),
        ("7", "smallint", "-32767", "32767"),
        ("2024-01-01", "date", "0900-01-01", "9000-01-01"),
        ("abc", "text", "", "abc~~~"),
        ("abc", "character varying(20)", "", "abc~~~"),
        ("1.5", "numeric(10,2)", "-999998", "1000001"),
        ("10:00", "time without time zone", "00:00:00", "23:59:59.999999"),
        ("a", "mood", None, None),
        ("t", "boolean", None, None),
    ],
)
def test_values_out_of_range(value: str, type_name: str, below: str | None, above: str | None) -> None:
    assert (beyond(value, type_name, -1), beyond(value, type_name, 1)) == (below, above)
