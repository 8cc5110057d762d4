"""Rules about tables as they stand: what is redundant, and what only looks so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbtui.cli import main
from dbtui.model.advice import Facts, TableFacts
from dbtui.model.catalog import Index
from dbtui.rules.schema import findings
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

SHORT = Index("short", "CREATE INDEX short ON t USING btree (a)", ("a",))
LONG = Index("long", "CREATE INDEX long ON t USING btree (a, b)", ("a", "b"))


def found(*indexes: Index, dialect: str = "postgres", partitioned: bool = False) -> list[str]:
    table = TableFacts("s", "t", {}, indexes, partitioned=partitioned)
    return [one.message.partition(",")[0] for one in findings(Facts(dialect, (table,)))]


def test_an_index_whose_keys_another_one_begins_with() -> None:
    assert found(SHORT, LONG) == ["short is not needed beside long"]
    assert found(replace(SHORT, name="again"), SHORT) == ["again is not needed beside short"]


@pytest.mark.parametrize(
    "change",
    [
        {"unique": True},
        {"primary": True, "unique": True},
        {"valid": False},
        {"predicate": "a > 5"},
        {"method": "hash"},
        {"columns": ("b",)},
        {"columns": ("a DESC",)},
        {"definition": "CREATE INDEX short ON t USING btree (a) INCLUDE (c)"},
        {"definition": "CREATE INDEX short ON t USING btree (a text_pattern_ops)"},
    ],
)
def test_what_only_looks_redundant(change: dict[str, Any]) -> None:
    assert found(replace(SHORT, **change), LONG) == []
    assert found(SHORT, LONG, partitioned=True) == []


def test_an_index_that_was_never_scanned() -> None:
    assert found(replace(LONG, scans=0)) == ["long was never scanned since this server counts"]
    assert found(replace(LONG, scans=3)) == found(replace(LONG, scans=0, unique=True)) == []


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", ("DROP INDEX CONCURRENTLY s.short",)),
        ("mysql", ("ALTER TABLE t ALTER INDEX short INVISIBLE", "DROP INDEX short ON t")),
        ("mariadb", ("ALTER TABLE t ALTER INDEX short IGNORED", "DROP INDEX short ON t")),
        ("sqlite", ("DROP INDEX short",)),
    ],
)
def test_how_it_goes(dialect: str, sql: tuple[str, ...]) -> None:
    (one,) = findings(Facts(dialect, (TableFacts("s", "t", {}, (SHORT, LONG)),)))
    assert one.sql == sql and one.severity == "warning"
    assert found(SHORT, LONG, dialect="mongodb") == []


@pytest.mark.parametrize("rule", ["any-redundant-index", "any-missing-index", "pg-missing-partitions"])
def test_the_docs_have_every_heading(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", rule]) == 0
    lines = capsys.readouterr().out.splitlines()
    for heading in ("What it does", "Why it matters", "Instead", "When it is fine", "See"):
        assert heading in lines


def advised(capsys: pytest.CaptureFixture[str], url: str, folder: Path, *more: str) -> tuple[int, list[Any]]:
    (folder / "q.sql").write_text("select * from t where a = 1")
    code = main(["advise", "index", url, "-f", str(folder / "q.sql"), "--format", "json", *more])
    return code, [
        one for one in json.loads(capsys.readouterr().out)["findings"] if "redundant" in one["rule"]
    ]


def test_postgresql(postgres: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = postgres.create_database()
    postgres.psql(
        "create table t (a int, b int); create table u (a int);"
        "create index short on t (a); create index long on t (a, b); create index spare on t (b, a);"
        "create index other on u (a); create index other_2 on u (a);"
        "set enable_seqscan = off; select * from t where a = 1",
        name,
    )
    code, said = advised(capsys, postgres.url(name), tmp_path, "--fail-on", "any-redundant-index")
    assert code == 1 and said[0]["object"] == "public.t" and said[0]["message"].startswith("short ")
    assert {one["message"].split()[0] for one in said} >= {"short", "spare"}
    assert not any("other" in one["message"] for one in said)


def test_sqlite(sqlite_file: SqliteFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sqlite_file.sql(
        "create table t (a int, b int)", "create index short on t (a)", "create index long on t (a, b)"
    )
    code, said = advised(capsys, sqlite_file.url, tmp_path)
    assert code == 0 and [one["sql"] for one in said] == [["DROP INDEX short"]]
