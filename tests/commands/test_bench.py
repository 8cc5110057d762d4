"""`dbtui bench` on real servers: what is measured, what is refused, and that nothing changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.cli import main
from dbtui.config import resolve
from dbtui.model.timing import PERCENTS, percentile, telling
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer
from tests.servers.sqlite import SqliteFile


def script(folder: Path, name: str, sql: str) -> str:
    (folder / name).write_text(sql)
    return str(folder / name)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    code = main(["bench", *words, "--format", "json"])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else None, said.err


def leave(url: str) -> tuple[str, str]:
    """The words that allow a run on what counts as production."""
    return "--yes-production", resolve(url).name


def test_two_texts_are_measured_in_turns(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = postgres18.url()
    q = script(tmp_path, "q.sql", "select i from generate_series(1, 7000) i;")
    after = script(tmp_path, "after.sql", "select i from generate_series(1, 6000) i")
    code, said, _ = run(capsys, url, "-f", q, "--against", after, "--runs", "4", *leave(url))
    assert code == 0 and [side["name"] for side in said["sides"]] == ["before", "after"]
    assert [(side["runs"], side["rows"]) for side in said["sides"]] == [(4, 7000), (4, 6000)]
    for side in said["sides"]:
        assert 0 < side["min_ms"] <= side["p50_ms"] <= side["p95_ms"] <= side["p99_ms"] <= side["max_ms"]
    before, later = said["sides"]
    assert said["ratio"]["p50"] == pytest.approx(later["p50_ms"] / before["p50_ms"])
    assert any("different numbers of rows: 7,000 and 6,000" in note for note in said["notes"])
    assert any("p95, p99 are no more than the slowest" in note for note in said["notes"])


def test_people_read_a_table(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, q = postgres18.url(), script(tmp_path, "q.sql", "select 1")
    assert main(["bench", url, "-f", q, "--against-server", url, "--runs", "2", *leave(url)]) == 0
    out = capsys.readouterr().out
    assert out.split()[:3] == ["p50", "p95", "p99"] and "after / before: p50" in out


def test_a_saved_bench_is_the_side_before(
    mysql: MysqlProtocolServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = mysql.create_database()
    mysql.sql("create table t (a int)", "insert into t values (1), (2)", database=database)
    url = mysql.url(database)
    q = script(tmp_path, "q.sql", "select * from t where a = 2")
    _, said, _ = run(capsys, url, "-f", q, "--runs", "3", *leave(url))
    before = script(tmp_path, "before.json", json.dumps(said))
    mysql.sql("create index a on t (a)", database=database)
    code, now, _ = run(capsys, url, "-f", q, "--runs", "4", "--before", before, *leave(url))
    assert code == 0 and [(side["name"], side["runs"]) for side in now["sides"]] == [
        ("before", 3),
        ("after", 4),
    ]
    assert now["sides"][0]["runs_ms"] == said["sides"][0]["runs_ms"] and now["ratio"]["p50"] > 0
    assert f"before was run at {said['at']}: what else the server did then is not known here" in now["notes"]
    other = script(tmp_path, "other.sql", "select * from t")
    _, now, _ = run(capsys, url, "-f", other, "--runs", "1", "--before", before, *leave(url))
    assert "before was of another text" in now["notes"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", '{"sides": []}', '{"server": "a", "at": "", "sides": [{"sql": "x", "first_ms": NaN,'
     ' "rows": 1, "runs_ms": [1]}]}', "[" * 9000],
)  # fmt: skip
def test_what_is_no_saved_bench_is_one_line(
    text: str, sqlite_file: SqliteFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    q, before = script(tmp_path, "q.sql", "select 1"), script(tmp_path, "before.json", text)
    code, said, error = run(capsys, sqlite_file.url, "-f", q, "--before", before)
    assert (code, said, error.count("\n")) == (2, None, 1) and "before.json" in error


def test_production_wants_its_name(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, q = postgres18.url(), script(tmp_path, "q.sql", "select 1")
    for words in ((), ("--yes-production", "another")):
        code, _, err = run(capsys, url, "-f", q, *words)
        assert code == 2 and "counts as production" in err and "--yes-production" in err


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("delete from pg_class", "does not surely only read"),
        ("select pg_terminate_backend(1)", "does not surely only read"),
        ("select 1; select 2", "holds 2 statements"),
        ("", "holds 0 statements"),
        ("select * from nowhere", "nowhere"),
        ("select pg_sleep(30)", "longer than"),
        ("select i from generate_series(1, 200000) i", "only the first 100000 rows"),
    ],
)
def test_what_cannot_be_timed_is_one_line(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str, why: str
) -> None:
    url = postgres18.url()
    words = ("--seconds", "0.5" if "sleep" in sql else "20")
    code, said, err = run(capsys, url, "-f", script(tmp_path, "q.sql", sql), *words, *leave(url))
    assert (code, said) == (2, None) and why in err and len(err.splitlines()) == 1
    assert (
        postgres18.psql("select count(*) from pg_stat_activity where query ~ '^select pg_slee[p]'").strip()
        == "0"
    )


def test_the_time_is_boxed(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, q = postgres18.url(), script(tmp_path, "q.sql", "select pg_sleep(0.05)")
    code, said, _ = run(capsys, url, "-f", q, "--seconds", "0.4", "--runs", "100000", *leave(url))
    assert code == 0 and 0 < said["sides"][0]["runs"] <= 8
    assert any("stopped after 0.4 s" in note for note in said["notes"])


def test_an_index_is_made_in_a_copy_alone(
    sqlite_file: SqliteFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sqlite_file.sql("create table t (a int, b int)", "insert into t values (1, 2), (2, 3), (2, 4)")
    q = script(tmp_path, "q.sql", "select * from t indexed by t_a where a = 2")
    plain = script(tmp_path, "plain.sql", "select * from t where a = 2")
    code, _, err = run(capsys, sqlite_file.url, "-f", q, "--index", "create index t_a on t (a)")
    assert code == 2 and "no such index" in err  # of the copy without it
    code, said, _ = run(
        capsys, sqlite_file.url, "-f", plain, "--index", "create index t_a on t (a)", "--runs", "3"
    )
    assert code == 0 and [side["rows"] for side in said["sides"]] == [2, 2]
    assert sqlite_file.sql("select name from sqlite_schema where type = 'index'") == []
    code, _, err = run(capsys, sqlite_file.url, "-f", plain, "--index", "drop table t")
    assert code == 2 and "no CREATE INDEX" in err


def test_an_index_is_never_made_on_a_server(
    postgres18: PostgresServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, q = postgres18.url(), script(tmp_path, "q.sql", "select 1")
    code, _, err = run(capsys, url, "-f", q, "--index", "create index on t (a)", *leave(url))
    assert code == 2 and "--against-server" in err


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=300), st.sampled_from(PERCENTS))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: int) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values)
    assert sum(value < found for value in values) < percent / 100 * len(values)
    if not telling(len(values), percent):
        assert found == max(values)
