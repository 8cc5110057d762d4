"""`dbtui lint` and `dbtui rules` as a program: formats, exit codes, and what must not reach a terminal."""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dbtui.commands import lint, rules
from dbtui.errors import DbtuiError
from dbtui.rules.base import load_rule, rule_ids


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    parser = argparse.ArgumentParser()
    lint.add_arguments(parser)
    code = lint.run(parser.parse_args(list(argv)))
    return code, capsys.readouterr().out


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a.sql"
    path.write_text(
        "\n-- why\nALTER TABLE t ADD COLUMN n int;\nCREATE INDEX i ON t (n);\nDO $$ BEGIN END $$;\n"
    )
    return path


def test_the_object_is_the_contract(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, str(script), "--format", "json")
    told = json.loads(out)
    assert code == 1 and list(told) == ["version", "statements", "summary"] and told["version"] == 1
    assert told["summary"] == {
        "statements": 3,
        "unsafe": 1,
        "unknown": 1,
        "error": 1,
        "warning": 3,
        "info": 0,
    }
    first, second, third = told["statements"]
    assert list(first) == [
        "index", "file", "line", "sql", "kind", "safe", "locks", "rewrites", "scans", "algorithm", "error", "findings",
    ]  # fmt: skip
    assert (first["index"], first["file"], first["line"], first["kind"]) == (0, str(script), 3, "add column")
    assert first["locks"] == [{"relation": "t", "mode": "AccessExclusiveLock"}] and first["safe"] is True
    assert second["scans"] == ["t"] and second["safe"] is False
    assert third["safe"] is None and third["error"] and third["locks"] == []
    finding = next(f for f in second["findings"] if f["rule"] == "pg-create-index-blocking")
    assert set(finding) == {
        "rule", "severity", "object", "message", "evidence", "advice", "sql", "docs", "safe_sql",
    }  # fmt: skip
    assert finding["safe_sql"] == ["CREATE INDEX CONCURRENTLY i ON t (n);"]


def test_mysql_says_algorithm_and_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.sql"
    path.write_text("ALTER TABLE t ADD COLUMN n INT, ADD INDEX (n);")
    _, out = run(capsys, str(path), "--engine", "mysql", "--server-version", "8.0.29", "--format", "json")
    (one,) = json.loads(out)["statements"]
    assert (one["algorithm"], one["locks"], one["rewrites"]) == (
        "INPLACE",
        [{"relation": "t", "mode": "NONE"}],
        ["t"],
    )


def test_the_schema_makes_it_certain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schema, path = tmp_path / "schema.sql", tmp_path / "a.sql"
    schema.write_text("CREATE TABLE t (a varchar(10));")
    path.write_text("SET lock_timeout = '1s'; ALTER TABLE t ALTER a TYPE text;")
    assert run(capsys, str(path))[0] == 1
    assert run(capsys, str(path), "--schema", str(schema))[0] == 0


@pytest.mark.parametrize(
    ("sql", "fail_on", "code"),
    [
        ("DROP TABLE t;", "error", 1),
        ("DROP TABLE t;", "never", 0),
        ("DROP TABLE t;", "pg-lock-timeout-missing", 1),
        ("DROP TABLE t;", "pg-cic-corruption-14", 0),
        ("ALTER TABLE t ADD COLUMN n int;", "error", 0),
        ("ALTER TABLE t ADD COLUMN n int;", "warning", 1),
        ("SELECT 1;", "info", 0),
        ("", "info", 0),
    ],
)
def test_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sql: str, fail_on: str, code: int
) -> None:
    path = tmp_path / "a.sql"
    path.write_text(sql)
    assert run(capsys, str(path), "--fail-on", fail_on)[0] == code


@pytest.mark.parametrize(
    "argv", [["nobody.sql"], ["a.sql", "--server-version", "new"], ["a.sql", "--fail-on", "pain"]]
)
def test_input_that_is_not_what_it_should_be(
    tmp_path: Path, argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1;")
    with pytest.raises(DbtuiError):
        run(capsys, str(tmp_path / argv[0]), *argv[1:])


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"DROP TABLE t;")))
    code, out = run(capsys, "-")
    assert code == 1 and "-:1  UNSAFE" in out


def test_sarif(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out = run(capsys, str(script), "--format", "sarif")
    log: dict[str, Any] = json.loads(out)
    (one,) = log["runs"]
    ids = [rule["id"] for rule in one["tool"]["driver"]["rules"]]
    assert log["version"] == "2.1.0" and "pg-create-index-blocking" in ids
    for result in one["results"]:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 3


def test_github_annotations_cannot_be_forged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a,b.sql"
    path.write_text('DROP TABLE "x\n::error::gotcha %0A";')
    _, out = run(capsys, str(path), "--format", "github")
    lines = out.strip().splitlines()
    assert lines and all(
        line.startswith(("::error file=", "::warning file=", "::notice file=")) for line in lines
    )
    assert "a%2Cb.sql" in lines[0]


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_control_codes_of_a_script_reach_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    path = tmp_path / "a.sql"
    path.write_text('DROP TABLE "\x1b]52;c;eA==\x07\u202e\x9b31m";')
    _, out = run(capsys, str(path), "--format", form, "--engine", "postgresql")
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(out)


def test_rules_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    rules.add_arguments(parser)
    assert rules.run(parser.parse_args([])) == 0
    listed = capsys.readouterr().out
    assert all(rule in listed for rule in rule_ids("dbtui.rules.migration"))
    assert rules.run(parser.parse_args(["pg-set-not-null-scan"])) == 0
    docs = capsys.readouterr().out
    assert load_rule("dbtui.rules.migration", "pg-set-not-null-scan").docs in docs
    with pytest.raises(DbtuiError):
        rules.run(parser.parse_args(["no-such-rule"]))


def test_postgresql_is_linted_without_sqlglot(script: Path) -> None:
    """sqlglot costs a tenth of a second, and PostgreSQL has its own parser."""
    code = (
        "import argparse, sys; from dbtui.commands import lint; p = argparse.ArgumentParser(); lint.add_arguments(p);"
        f"lint.run(p.parse_args([{str(script)!r}])); sys.exit('sqlglot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
