"""What the planner knows, the truth over a sample, and what a statement does beside its result."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.commands.forewarn import side_effects
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.base import HasStatistics
from dbtui.engines.postgres.engine import PostgresEngine
from dbtui.errors import NotApproved, QueryError
from dbtui.sql.lex import Lexeme, meaningful
from tests.servers.postgres import PostgresServer

SCHEMA = """
create schema "Odd";
create table "Odd"."T 1" (id serial primary key, "a b" text, n int);
insert into "Odd"."T 1" ("a b", n) select case when i % 4 = 0 then 'it''s, {x}' else 'v' || i end, i % 10
  from generate_series(1, 8000) i;
create statistics "Odd".together on "a b", n from "Odd"."T 1";
create table child (id int primary key, parent int references "Odd"."T 1" on delete cascade, at date);
create function noisy(int) returns int language plpgsql volatile as 'begin return $1; end';
create function quiet(int) returns int language sql immutable as 'select $1';
create view looks as select noisy(id) from child;
create function audit() returns trigger language plpgsql as 'begin return new; end';
create trigger on_insert before insert on child for each row execute function audit();
create trigger on_delete after delete on child for each row execute function audit();
create sequence numbers;
create table ruled (id int); create rule other as on insert to ruled do also select 1;
analyze;
"""


@pytest.fixture(scope="module")
def known(postgres: PostgresServer) -> str:
    database = postgres.create_database()
    postgres.psql(SCHEMA, database=database)
    return database


@pytest.fixture
async def engine(postgres: PostgresServer, known: str) -> AsyncIterator[PostgresEngine]:
    engine = create(resolve(postgres.url(known)))
    assert isinstance(engine, PostgresEngine) and isinstance(engine, HasStatistics)
    await engine.open()
    yield engine
    await engine.close()


async def test_what_the_planner_knows(engine: PostgresEngine) -> None:
    table = await engine.statistics.table("Odd", "T 1")
    assert table is not None
    assert (table.rows, table.changed <= 8000, bool(table.analyzed)) == (8000, True, True)
    text, number = table.columns["a b"], table.columns["n"]
    assert text.common[0][0] == "it's, {x}" and text.common[0][1] == pytest.approx(0.25)
    assert text.distinct == pytest.approx(6001, rel=0.1) and len(text.bounds) > 50
    assert (number.distinct, number.type, number.target) == (10, "integer", 100)
    assert table.extended == (("together", frozenset({"a b", "n"})),)
    assert await engine.statistics.table("Odd", "nowhere") is None


async def test_counting_is_true_and_reads_only(engine: PostgresEngine) -> None:
    counted = await engine.statistics.count("Odd", "T 1", "x", ["x.n = 3", "x.\"a b\" = 'it''s, {x}'"])
    assert (counted.rows, counted.share, counted.each, counted.all) == (8000, 1.0, (800, 2000), 0)
    assert await engine.statistics.distinct("Odd", "T 1", ["n"]) == 10
    assert await engine.statistics.rank("Odd", "T 1", '"a b"', "'it''s, {x}'") == 1
    with pytest.raises((QueryError, NotApproved)):
        await engine.statistics.count("Odd", "T 1", "x", ["nextval('numbers') > 0"])
    with pytest.raises((QueryError, NotApproved)):
        await engine.statistics.count("Odd", "T 1", "x", ["true) FROM child; DROP TABLE child --"])


EFFECTS = [
    ("select * from child", set()),
    ("select quiet(id), count(*) from child group by 1", set()),
    ("select noisy(id) from child", {"noisy"}),
    ("select * from looks", {"noisy"}),
    ("select nextval('numbers')", {"nextval"}),
    ("insert into child values (1, 2)", {"on_insert"}),
    ("delete from child", {"on_delete"}),
    ("update child set at = null", set()),
    ('insert into "Odd"."T 1" (n) values (5)', {'"Odd"."T 1_id_seq"'}),
    ('delete from "Odd"."T 1" where n = 3', {"child_parent_fkey"}),
    ("insert into ruled values (1)", {"other"}),
]


@pytest.mark.parametrize(("sql", "named"), EFFECTS)
async def test_effects_are_named(engine: PostgresEngine, sql: str, named: set[str]) -> None:
    found = await side_effects(engine, sql)
    assert found is not None
    assert len(found) == len(named) or (named and len(found) > len(named)), found
    for name in named:
        assert any(name in one for one in found), found


@given(st.text(max_size=50).filter(lambda text: "\0" not in text))
def test_a_value_is_one_literal(value: str) -> None:
    engine = PostgresEngine(resolve("postgresql://nobody@/none"))
    kinds = [token.kind for token in meaningful(engine.values.literal(value, "text"))]
    assert kinds[0] is Lexeme.STRING and kinds[1:] == [Lexeme.SYMBOL, Lexeme.SYMBOL, Lexeme.WORD]
