"""`dbtui advise index` on real servers: exit codes, the JSON contract, and that the advice is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dbtui.cli import main
from dbtui.commands.workload import from_text
from dbtui.errors import InputError
from tests.servers.ferretdb import FerretServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

ROWS = """
create table users (id int primary key, email text, city text);
create table orders (id bigint primary key, user_id int, state text, at timestamptz, amount numeric);
insert into users select i, 'E' || i || '@x', 'c' || i % 100 from generate_series(1, 30000) i;
insert into orders select i, 1 + i % 20000, case when i % 100 = 0 then 'failed' else 'paid' end,
  '2025-01-01'::timestamptz + i * interval '1 min', i from generate_series(1, 100000) i;
create index orders_user on orders (user_id);
create index orders_twin on orders (user_id);
"""
QUERIES = """
select * from orders where user_id = 7 order by at desc limit 3;
select * from orders where user_id = 9 order by at desc limit 3;
select amount from orders where state = 'failed' and at > '2025-03-01';
select * from users where lower(email) = 'e5@x';
select $1 from nowhere where (;
"""


@pytest.fixture(scope="module")
def shop(postgres: PostgresServer) -> str:
    database = postgres.create_database()
    postgres.psql(f"{ROWS} vacuum analyze; create extension pg_stat_statements", database)
    return database


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["advise", "index", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_file_is_advised_on_and_the_advice_is_true(
    postgres: PostgresServer, shop: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "q.sql"
    file.write_text(QUERIES)
    code, out, _ = run(
        capsys, postgres.url(shop), "-f", str(file), "--format", "json", "--fail-on", "warning"
    )
    said: dict[str, Any] = json.loads(out)
    assert code == 1
    assert said["verified"].startswith("PostgreSQL 18 shadow of a server of version")
    assert [one["query"] for one in said["not_understood"]] == [4]
    by_keys = {tuple(one["keys"]): one for one in said["indexes"]}
    assert ("user_id", "at") in by_keys
    assert set(by_keys["user_id", "at"]["supersedes"]) == {"orders_user", "orders_twin"}
    assert said["after"] < said["before"] / 2
    assert {one["rule"] for one in said["findings"]} == {"any-missing-index", "any-redundant-index"}
    for index in said["indexes"]:
        postgres.psql(index["sql"], shop)
    try:
        postgres.psql("vacuum analyze", shop)
        plan = postgres.psql("explain select * from orders where user_id = 7 order by at desc limit 3", shop)
    finally:
        for index in said["indexes"]:
            postgres.psql(index["undo"], shop)
    assert "Index Scan using orders_user_id_at_idx" in plan


def test_what_is_as_good_is_another_index_and_what_brings_little_is_left_out(
    postgres: PostgresServer, shop: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "q.sql"
    file.write_text(
        "with failed as (select * from orders where state = 'failed') select user_id, count(*) from failed group by 1;"
        "select o.id, u.email from orders o join users u on u.id = o.user_id where o.amount = 4711"
    )
    _, out, _ = run(capsys, postgres.url(shop), "-f", str(file), "--format", "json")
    said = json.loads(out)
    assert said["indexes"] and all(one["sql"] not in one["ties"] for one in said["indexes"])
    assert {one["table"] for one in said["indexes"]} == {"public.orders"}


def test_counted_statements_are_advised_on(
    postgres: PostgresServer, shop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    postgres.psql("select pg_stat_statements_reset(); select pg_stat_reset()", shop)
    postgres.psql("select count(*) from users where city = 'c7';" * 30, shop)
    code, out, _ = run(capsys, postgres.url(shop))
    assert code == 0
    assert "users_city_idx ON public.users (city)" in out
    assert "ms " in out


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_nothing_to_advise_is_said(
    postgres: PostgresServer, shop: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    file = tmp_path / "q.sql"
    file.write_text("select * from users where id = 5")
    code, out, _ = run(capsys, postgres.url(shop), "-f", str(file), "--format", form)
    assert code == 0
    assert "no index is advised for 1 query" in out


def test_usage_is_one_line_and_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "q.sql"
    file.write_text("vacuum;")
    for words in (
        ("postgresql://x@127.0.0.1:1/x", "-f", str(file)),
        ("postgresql://x@127.0.0.1:1/x", "-f", str(tmp_path / "none.sql")),
        ("postgresql://x@127.0.0.1:1/x", "--fail-on", "pain"),
        ("postgresql://x@127.0.0.1:1/x", "--most", "0"),
        ("postgresql://x@127.0.0.1:1/x",),
    ):
        code, _, err = run(capsys, *words)
        assert (code, err.count("\n")) == (2, 1), err


def test_sqlite_is_asked_on_a_copy(
    sqlite_file: SqliteFile, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sqlite_file.sql(
        "create table orders (id integer primary key, user_id int, state text, at text)",
        "with recursive i(n) as (select 1 union all select n + 1 from i where n < 20000)"
        " insert into orders select n, n % 5000, 'x' || n % 3, n from i",
        "create index orders_state on orders (state)",
        "analyze",
    )
    file = tmp_path / "q.sql"
    file.write_text("select * from orders where user_id = 5 order by at desc limit 3")
    code, out, _ = run(capsys, sqlite_file.url, "-f", str(file), "--format", "json", "--fail-on", "warning")
    said = json.loads(out)
    assert code == 1
    assert [one["keys"] for one in said["indexes"]] == [["user_id", "at"]]
    assert said["verified"].startswith("SQLite's planner on a copy")
    sqlite_file.sql(said["indexes"][0]["sql"], "analyze")
    plan = sqlite_file.sql(
        "explain query plan select * from orders where user_id = 5 order by at desc limit 3"
    )
    assert [row[3] for row in plan] == ["SEARCH orders USING INDEX orders_user_id_at_idx (user_id=?)"]


def test_mysql_is_advised_by_rule_and_says_so(
    mysql: MysqlProtocolServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    database = mysql.create_database()
    mysql.sql(
        "create table orders (id int primary key, user_id int, state varchar(10), placed int)",
        database=database,
    )
    numbers = " union all ".join(f"select {n} n" for n in range(10))
    mysql.sql(
        f"insert into orders select a.n + 10*b.n + 100*c.n + 1000*d.n + 10000*e.n, a.n + 10*b.n, 'x', c.n"
        f" from ({numbers}) a, ({numbers}) b, ({numbers}) c, ({numbers}) d, ({numbers}) e where e.n < 5",
        database=database,
    )
    mysql.sql("analyze table orders", database=database)
    file = tmp_path / "q.sql"
    file.write_text("select * from orders where user_id = 5 order by placed desc limit 3")
    code, out, _ = run(capsys, mysql.url(database), "-f", str(file), "--format", "json")
    said = json.loads(out)
    assert code == 0
    assert said["verified"].startswith("heuristic")
    (index,) = said["indexes"]
    assert index["keys"] == ["user_id", "placed"]
    for statement in index["try"]:
        mysql.sql(statement, database=database)
    mysql.sql(index["undo"], database=database)


def test_an_invisible_index_of_mysql_is_tried_by_the_servers_own_planner(
    mysql9: MysqlServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    database = mysql9.create_database()
    mysql9.sql("create table orders (id int primary key, user_id int, name varchar(40))", database=database)
    numbers = " union all ".join(f"select {n} n" for n in range(10))
    mysql9.sql(
        f"insert into orders select a.n + 10*b.n + 100*c.n + 1000*d.n, a.n + 10*b.n + 100*c.n, 'x'"
        f" from ({numbers}) a, ({numbers}) b, ({numbers}) c, ({numbers}) d",
        database=database,
    )
    file = tmp_path / "q.sql"
    file.write_text(
        "select * from orders where user_id = 5; select * from orders ignore index (orders_name_idx) where name = 'x'"
    )
    mysql9.sql("analyze table orders", database=database)
    code, out, _ = run(capsys, mysql9.url(database), "-f", str(file), "--format", "json")
    (first, second) = json.loads(out)["indexes"]
    assert {first["verified"], second["verified"]} == {"heuristic: by rule alone, not tried"}
    for index in (first, second):
        mysql9.sql(index["try"][0], database=database)  # CREATE INDEX … INVISIBLE
    code, out, _ = run(capsys, mysql9.url(database), "-f", str(file), "--format", "json")
    said = json.loads(out)
    assert code == 0
    (useful,) = said["indexes"]
    assert useful["keys"] == ["user_id"] and useful["supersedes"] == []
    assert any(
        "orders_name_idx is there, invisible, and the server would not use it" in one for one in said["notes"]
    )
    assert useful["verified"] == said["verified"] == "an invisible index: the server's own plan"
    assert useful["sql"] == "ALTER TABLE orders ALTER INDEX orders_user_id_idx VISIBLE"
    (helped,) = useful["helps"]
    assert helped["after"] < helped["before"] / 10
    plan = mysql9.sql("explain select * from orders where user_id = 5", database=database)
    assert "orders_user_id_idx" not in str(plan), "whoever does not ask for it goes on without"
    mysql9.sql(useful["sql"], database=database)
    assert "orders_user_id_idx" in str(
        mysql9.sql("explain select * from orders where user_id = 5", database=database)
    )


def test_a_text_is_counted_by_statement() -> None:
    found = from_text("select 1; select 2; select 1; vacuum; \\d x\n")
    assert [(one.text, one.calls) for one in found] == [("select 1", 2), ("select 2", 1)]
    with pytest.raises(InputError):
        from_text("-- nothing")


def test_mongodb_is_advised_by_rule_and_says_so(
    ferretdb: FerretServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import pymongo

    with pymongo.MongoClient(ferretdb.url()) as client:
        client["shop"]["orders"].insert_many([{"user": n % 10, "at": n} for n in range(50)])
    file = tmp_path / "q.js"
    file.write_text(
        'db.orders.find({user: 5}).sort({at: -1}); {"count": "orders", "query": {"_id": 3}}; vacuum'
    )
    code, out, _ = run(capsys, ferretdb.url("shop"), "-f", str(file), "--format", "json", "--fail-on", "info")
    said = json.loads(out)
    assert code == 1
    assert [one["keys"] for one in said["indexes"]] == [["user", "at"]]
    assert said["verified"].startswith("heuristic")
    assert [one["query"] for one in said["not_understood"]] == [2]
