"""`dbtui migrate plan --wanted` and `--write`: from two schemas to numbered files."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.cli import main

WAS = "CREATE TABLE t (id int PRIMARY KEY, a int); CREATE VIEW v AS SELECT 1;"
WANTED = "CREATE TABLE t (id int PRIMARY KEY, a int, b text); CREATE INDEX t_b ON t (b); CREATE VIEW v AS SELECT 2;"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "was.sql").write_text(WAS)
    (tmp_path / "wanted.sql").write_text(WANTED)
    return tmp_path


def test_two_schemas_become_files(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = files / "migrations"
    code = main(
        ["migrate", "plan", str(files / "wanted.sql"), "--wanted", "--schema", str(files / "was.sql"),
         "--write", str(folder), "--style", "dbmate"]
    )  # fmt: skip
    told = capsys.readouterr()
    assert code == 0
    assert "CREATE INDEX CONCURRENTLY t_b ON t (b)" in told.out
    names = sorted(path.name.split("_", 1)[1] for path in folder.iterdir())
    assert names == [
        "add_column_b_of_t.sql",
        "build_the_index_t_b_beside_the_writers.sql",
        "create_view_v.sql",
    ]
    assert "-- migrate:up transaction:false" in next(folder.glob("*build*")).read_text()


def test_without_a_schema_there_is_nothing_to_compare(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "plan", str(files / "wanted.sql"), "--wanted"]) == 2
    assert "--wanted needs to know what is there now" in capsys.readouterr().err


def test_a_style_that_is_not_known(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["migrate", "plan", str(files / "was.sql"), "--write", str(files / "x"), "--style", "liquibase"]
    assert main(words) == 2
    assert "liquibase is no style" in capsys.readouterr().err
