"""`dbtui advise rewrite` on real servers: both plans, exit codes, the JSON contract, and that nothing is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dbtui.cli import main
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

ROWS = """
create table a (id int primary key, x int not null, n text);
create table b (id int primary key, r int not null, k int);
insert into a select i, i, 'N' || i from generate_series(1, 20000) i;
insert into b select i, i * 2, nullif(i, 7) from generate_series(1, 40000) i;
"""
QUERIES = """
select * from a where x not in (select r from b);
select * from a where x not in (select k from b);
select * from a where lower(n) = $1;
update a set n = 'x' where id = 1;
select from where;
"""


@pytest.fixture(scope="module")
def url(postgres18: PostgresServer) -> str:
    database = postgres18.create_database()
    postgres18.psql(f"{ROWS} vacuum analyze", database)
    postgres18.psql(f"alter database {database} set work_mem = '64kB'")  # too little to hash NOT IN
    return postgres18.url(database)


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "q.sql").write_text(QUERIES)
    return str(tmp_path / "q.sql")


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["advise", "rewrite", *words])
    return code, capsys.readouterr().out


def test_both_plans_come_from_the_shadow(url: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, url, "-f", file, "--format", "json", "--fail-on", "warning")
    said = json.loads(out)
    assert code == 1 and said["verified"].startswith("PostgreSQL 18 shadow")
    one, lower = said["rewrites"]
    assert (one["rule"], one["query"]) == ("any-not-in-to-not-exists", 0)
    assert any("Anti" in node["label"] for node in one["after"])
    assert not any("Anti" in node["label"] for node in one["before"])
    assert one["cost_after"] < one["cost_before"] and one["proven"] == ["r is NOT NULL"]
    assert (
        lower["sql"] == "select * from a where lower(n) = $1" and lower["cost_after"] < lower["cost_before"]
    )
    assert [(r["query"], r["rule"]) for r in said["refused"]] == [(1, "any-not-in-to-not-exists")]
    assert [q["query"] for q in said["not_understood"]] == [4]
    assert {f["rule"] for f in said["findings"]} == {r["rule"] for r in said["rewrites"]}


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_people_read_the_text_and_why_the_others_are_not_offered(
    url: str, file: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, url, "-f", file, "--format", form, "--fail-on", "any-or-to-union")
    assert code == 0
    for words in ("NOT EXISTS", "nothing was run", "may be NULL", "CREATE INDEX a"):
        assert words in out.replace("\\", "")


def test_sqlite_plans_on_its_copy(
    sqlite_file: SqliteFile, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sqlite_file.sql("create table t (id integer primary key, x int)", "create table u (y int not null)")
    (tmp_path / "q.sql").write_text(
        "select * from t where id not in (select y from u);select * from t order by x limit 2 offset 4"
    )
    code, out = run(capsys, sqlite_file.url, "-f", str(tmp_path / "q.sql"), "--format", "json")
    said = json.loads(out)
    assert code == 0 and [one["rule"] for one in said["rewrites"]] == ["any-not-in-to-not-exists"]
    assert said["verified"].startswith("SQLite's planner") and said["rewrites"][0]["after"]
    assert said["refused"][0]["rule"] == "any-offset-to-keyset"


def test_a_rule_that_is_none_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["advise", "rewrite", url, "--fail-on", "any-nonsense"]) == 2
    error = capsys.readouterr().err
    assert "--fail-on any-nonsense" in error and error.count("\n") == 1


def test_rules_prints_what_becomes_of_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "any-not-in-to-not-exists"]) == 0
    assert "NULLs: " in capsys.readouterr().out
