"""`dbtui advise partition` on real servers: what is advised, why not, and that the conversion loses nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dbtui.cli import main
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile

EVENTS = """
create table kinds (name text primary key);
insert into kinds values ('a'), ('b');
create table events (id bigint generated always as identity primary key, serial bigserial,
  at timestamptz not null, kind text references kinds, note text default 'none', check (length(note) < 9));
create index events_at on events (kind, at desc) where kind is not null;
grant select on events to pg_monitor;
insert into events (at, kind) select timestamptz '2026-01-01' + i * interval '10 minutes', 'a'
  from generate_series(1, 40000) i;
analyze events;
"""
QUERIES = """
select kind, count(*) from events where at >= '2026-05-01' and at < '2026-05-08' group by kind;
delete from events where at < now() - interval '90 days';
"""


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    name = postgres.create_database()
    postgres.psql(EVENTS, name)
    return name


def advised(
    capsys: pytest.CaptureFixture[str], folder: Path, url: str, sql: str, *more: str
) -> tuple[int, Any]:
    (folder / "q.sql").write_text(sql)
    words = ["advise", "partition", url, "-f", str(folder / "q.sql"), "--format", "json", *more]
    code = main(words)
    return code, json.loads(capsys.readouterr().out)


def test_the_way_there_loses_nothing(
    postgres: PostgresServer, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = advised(
        capsys, tmp_path, postgres.url(database), QUERIES, "--least", "0.001", "--fail-on", "warning"
    )
    assert code == 1
    (made,) = said["tables"]
    assert (made["table"], made["key"], made["every"]) == ("public.events", "at", "week")
    assert made["retention"].startswith("90 days, as its DELETE says")
    assert any("need be unique only together with at" in line for line in made["conditions"])
    said_of_it = postgres.psql(
        ";\n".join(made["sql"]) + ";\n"
        "insert into events (at, kind) values (now(), 'b');\n"
        "select count(*), max(id), max(serial) from events;\n"
        "select count(*) from pg_constraint where conrelid = 'events'::regclass and contype in ('p', 'f', 'c');\n"
        "select has_table_privilege('pg_monitor', 'events', 'select');\n"
        "select count(*) from pg_inherits where inhparent = 'events'::regclass;\n"
        "select count(*) from pg_index where indrelid = 'events_before'::regclass;",
        database,
    ).split()
    assert said_of_it[-5:] == ["40001|40001|40001", "3", "t", "4", "2"]
    plan = postgres.psql("explain select * from events where at > '2090-01-01'", database)
    assert "events_before" not in plan


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("create table x (e bigint references events)", "foreign keys point at it (x)"),
        ("create view v as select * from events", "its views would go on reading the old part alone: v"),
        (
            "create unique index u on events (serial)",
            "unique or exclusion constraints besides the primary key: u",
        ),
        (
            "create function f() returns trigger language plpgsql as $$begin return new; end$$;"
            " create trigger t before insert on events for each row execute function f()",
            "its triggers have to be made again on the new table: t",
        ),
        ("create publication p for table events", "its publications have to name the new table: p"),
        ("alter table events enable row level security", "its row security policies"),
    ],
)
def test_what_a_conversion_would_leave_behind_is_in_its_way(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str, why: str
) -> None:
    name = postgres18.create_database()
    postgres18.psql(EVENTS, name)
    postgres18.psql(sql, name)
    _, said = advised(capsys, tmp_path, postgres18.url(name), QUERIES, "--least", "0.001")
    (made,) = said["tables"]
    assert made["sql"] == [] and any(why in line for line in made["obstacles"])


@pytest.mark.parametrize(
    ("sql", "least", "why"),
    [
        (QUERIES, "10", "is less than 10 GB"),
        (
            "select * from events where kind = 'a'",
            "0.001",
            "0% of the statements' time has a condition on at",
        ),
        ("select * from kinds where name = 'a'", "0", "no column of time"),
        ("select * from nowhere", "0", "not known here"),
    ],
)
def test_why_a_table_stays_whole(
    postgres18: PostgresServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    sql: str,
    least: str,
    why: str,
) -> None:
    name = postgres18.create_database()
    postgres18.psql(EVENTS, name)
    code, said = advised(capsys, tmp_path, postgres18.url(name), sql, "--least", least)
    assert code == 0 and said["tables"] == []
    assert any(why in other["reason"] for other in said["others"])


def test_people_read_it(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = postgres18.create_database()
    postgres18.psql(EVENTS, name)
    (tmp_path / "q.sql").write_text(QUERIES)
    words = ["advise", "partition", postgres18.url(name), "-f", str(tmp_path / "q.sql"), "--least", "0.001"]
    for form in ("text", "markdown"):
        assert main([*words, "--format", form]) == 0
        out = capsys.readouterr().out
        assert "1 of 2 tables should be split" in out or "1 of 1 table should" in out
        assert "PARTITION BY RANGE" in out


def test_only_postgresql(sqlite_file: SqliteFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sqlite_file.sql("create table t (a int)")
    (tmp_path / "q.sql").write_text("select * from t")
    assert main(["advise", "partition", sqlite_file.url, "-f", str(tmp_path / "q.sql")]) == 2
    assert "it is for PostgreSQL" in capsys.readouterr().err
