"""Sweeps over the values of parameters, on real servers: which column, which values, and where the plan flips."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from dbtui.commands.server_plans import explain_on
from dbtui.commands.sweep import MOST_PLANS, sweep
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.base import Engine
from dbtui.errors import DbtuiError, QueryError, UsageError
from dbtui.output import sweep as output
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

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
    assert {one.parameter.place for one in found.tried} == {"public.visits.shop"}
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
        await sweep(engine, "select * from visits where shop = $1 and id % $2 = 0")
    found = await sweep(engine, "select * from visits where shop = $1 and id % $2 = 0", values={2: "5"})
    assert found.tried
    found = await sweep(engine, "select * from visits where shop = $1 limit $2")
    assert found.tried and "$2 says how many rows: 10 was taken" in found.notes
    listed = "select * from visits where shop in ($1, $2, 'x') and note like $3 or shop like $4"
    assert {one.parameter.number for one in (await sweep(engine, listed)).tried} == {1, 2, 3, 4}
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


MYSQL_SCHEMA = (
    "CREATE TABLE Visits (id INT PRIMARY KEY, shop VARCHAR(30), at DATE, amount DECIMAL(8, 2), note VARCHAR(60))",
    "INSERT INTO Visits WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 900)"
    " SELECT i, IF(i % 10 < 7, 'main', CONCAT('it''s ', i)), DATE_ADD('2024-01-01', INTERVAL i DAY), i, REPEAT('x', 50)"
    " FROM s",
    *(
        f"INSERT INTO Visits SELECT id + {n} * 900, shop, at, amount, note FROM Visits WHERE id <= 900"
        for n in range(1, 8)
    ),
    "CREATE INDEX visits_shop ON Visits (shop)",
    "CREATE INDEX visits_at ON Visits (at)",
    "ANALYZE TABLE Visits",
)


@pytest.fixture
async def shop(mysql: MysqlProtocolServer) -> AsyncIterator[tuple[Engine, MysqlProtocolServer, str]]:
    database = mysql.create_database()
    mysql.sql(*MYSQL_SCHEMA, database=database)
    engine = create(resolve(mysql.url(database)))
    await engine.open()
    yield engine, mysql, database
    await engine.close()
    mysql.sql(f"DROP DATABASE {database}")


async def test_a_range_flips_on_mysql_too(shop: tuple[Engine, MysqlProtocolServer, str]) -> None:
    """Without a histogram, so from a sample; the statement as its digest."""
    engine, _, _ = shop
    digest = (
        "SELECT * FROM `Visits` WHERE `at` >= ? AND `id` IN ( SELECT MAX ( `id` ) FROM `Visits` ) OR `at` > ?"
    )
    found = await sweep(engine, digest.partition(" AND")[0] + " ORDER BY `id` LIMIT ?")
    assert found.generic is None and found.sql.endswith("ORDER BY `id` LIMIT $2")
    assert {one.parameter.place for one in found.tried} == {"Visits.at"}
    dates = [one.value for one in found.tried]
    assert dates == sorted(dates) and dates[0] < "2024" and dates[-1] > "2027"
    assert found.flips and found.flips[0].after.plan.nodes[-1].index == "visits_at"
    assert "$2 says how many rows: 10 was taken" in found.notes
    text = output.text(found)
    assert "the plan flips between" in text and "generic" not in text
    assert json.loads(output.json(found))["generic"] is None
    assert (await sweep(engine, digest)).tried  # as the digest has it, with `MAX ( `


async def test_values_come_from_a_histogram_where_one_is_kept(
    shop: tuple[Engine, MysqlProtocolServer, str],
) -> None:
    engine, mysql, database = shop
    query = "select * from Visits where shop = 'main' and amount > 5 and note = 'x'"
    found = await sweep(engine, query)
    assert {one.parameter.column for one in found.tried} == {"shop", "amount", "note"}
    if mysql.engine == "mysql":
        mysql.sql("ANALYZE TABLE Visits UPDATE HISTOGRAM ON shop, amount WITH 20 BUCKETS", database=database)
    else:
        mysql.sql("ANALYZE TABLE Visits PERSISTENT FOR COLUMNS (shop, amount) INDEXES ()", database=database)
    found = await sweep(engine, query)
    common, *_, rare, beyond = (one for one in found.tried if one.parameter.column == "shop")
    assert (common.value, common.kind) == ("main", "common") and common.share == pytest.approx(0.7, abs=0.1)
    assert rare.kind == "rare" and rare.value.startswith("it's ") and rare.share < 0.05
    assert beyond.kind == "out of range"
    amounts = [float(one.value) for one in found.tried if one.parameter.column == "amount"]
    assert amounts == sorted(amounts) and amounts[0] < 1 and amounts[-1] > 900


async def test_each_row_of_a_sample_counts_once(shop: tuple[Engine, MysqlProtocolServer, str]) -> None:
    engine, mysql, database = shop
    mysql.sql(
        "CREATE TABLE few (id INT PRIMARY KEY, state VARCHAR(9))",
        "INSERT INTO few SELECT id, IF(id <= 300, 'old', 'new') FROM Visits WHERE id <= 400",
        database=database,
    )
    mysql.sql("ALTER TABLE few ADD mood ENUM ('a', 'b')", database=database)
    with pytest.raises(UsageError, match="mood: it has no values"):
        await sweep(engine, "select * from few where mood = ?")
    found = await sweep(engine, "select * from few where state = 'old'")
    assert [(one.value, one.share) for one in found.tried[:2]] == [("old", 0.75), ("new", 0.25)]


async def test_a_digest_is_explained_with_usual_values(shop: tuple[Engine, MysqlProtocolServer, str]) -> None:
    engine, _, _ = shop
    digest = "SELECT COUNT ( * ) FROM `Visits` WHERE `shop` = ? AND `note` = ? LIMIT ?"
    plan = await explain_on(engine, digest)
    assert plan.query == digest and plan.nodes[-1].relation.endswith("Visits")
    assert plan.notes[-1] == f"made with usual values: shop = 'main', note = '{'x' * 50}'"
    listed = await explain_on(engine, "SELECT * FROM `Visits` WHERE `shop` IN (...) AND `note` LIKE ?")
    assert listed.notes[-1].startswith("made with usual values: shop = 'main', note like 'xxx")
    with pytest.raises(QueryError, match="placeholders"):
        await explain_on(engine, "SELECT `id` + ? FROM `Visits`")


async def test_who_may_not_read_the_statistics_is_served_by_a_sample(
    shop: tuple[Engine, MysqlProtocolServer, str],
) -> None:
    _, mysql, database = shop
    user = mysql.create_user(f"SELECT ON {database}.*")
    engine = create(resolve(mysql.url(database, user=user, password=mysql.password)))
    await engine.open()
    try:
        found = await sweep(engine, "select * from Visits where shop = 'main'")
    finally:
        await engine.close()
    assert found.tried[0].value == "main" and found.tried[0].share == pytest.approx(0.7, abs=0.05)


async def test_what_is_not_understood_is_said(shop: tuple[Engine, MysqlProtocolServer, str]) -> None:
    engine, _, _ = shop
    with pytest.raises(UsageError, match="nothing to vary"):
        await sweep(engine, "select count(*) from Visits")
    with pytest.raises(DbtuiError):
        await sweep(engine, "selct * frm Visits where shop = 'a'")


async def test_sqlite_flips_at_a_partial_index(sqlite_file: SqliteFile) -> None:
    sqlite_file.sql(
        "create table jobs (id integer primary key, state text, at int)",
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000) insert into jobs"
        " select i, case when i % 100 = 0 then 'it''s open' else 'done' end, i from n",
        "create index open_jobs on jobs (at) where state = 'it''s open'",
    )
    engine = create(resolve(sqlite_file.url))
    await engine.open()
    try:
        found = await sweep(engine, "select * from jobs where state = ? and at > 5")
        assert [(one.value, one.share) for one in found.tried[:2]] == [("done", 0.99), ("it's open", 0.01)]
        assert found.flips[0].after.plan.nodes[-1].index == "open_jobs"
        found = await sweep(engine, "select * from jobs where at >= 7")
        assert [float(one.value) for one in found.tried] == sorted(float(one.value) for one in found.tried)
    finally:
        await engine.close()
