"""The command line in this process: arguments, exit codes, and what goes to which stream."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dbtui import __version__
from dbtui.cli import COMMANDS, main
from dbtui.config import connections_file

PLAN = '[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t", "Total Cost": 9.5, "Plan Rows": 3}}]'
Capture = pytest.CaptureFixture[str]


def left(*words: str) -> int:
    """The exit code, of argparse too."""
    try:
        return main(list(words))
    except SystemExit as leaving:
        assert isinstance(leaving.code, int)
        return leaving.code


def test_the_version(capsys: Capture) -> None:
    assert left("--version") == 0
    assert capsys.readouterr().out == f"dbtui {__version__}\n"


def test_the_help_shows_examples_and_every_command(capsys: Capture) -> None:
    assert left("--help") == 0
    shown = capsys.readouterr().out
    assert "examples:" in shown
    assert "dbtui postgresql://" in shown
    assert "Exit codes" in shown
    for name, what in COMMANDS.items():
        assert f"dbtui {name}" in shown
        assert what in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: Capture) -> None:
    assert left(command, "--help") == 0
    assert f"usage: dbtui {command}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--nonsense"], ["one", "two"], ["demo", "--nonsense"]])
def test_unknown_arguments_are_a_usage_error(words: list[str], capsys: Capture) -> None:
    assert left(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "usage: dbtui" in told.err


@pytest.mark.parametrize("seconds", ["0", "0.24", "-1", "3601", "nan", "inf", "fast", ""])
def test_an_interval_out_of_bounds_is_refused(seconds: str, capsys: Capture) -> None:
    assert left("--interval", seconds, "postgresql://x/y") == 2
    assert "--interval" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0.25", "1", "3600"])
def test_an_interval_within_its_bounds_goes_on_to_the_terminal(seconds: str, capsys: Capture) -> None:
    assert left("--interval", seconds, "postgresql://x/y") == 2
    assert "needs a terminal" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["demo"], ["postgresql://me:geheim@db/x"]])
def test_without_a_terminal_it_says_so_in_one_line(words: list[str], capsys: Capture) -> None:
    assert left(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("dbtui: the console needs a terminal")
    assert told.err.count("\n") == 1
    assert "geheim" not in told.err


def test_a_name_that_is_not_saved_is_told_with_those_that_are_near(capsys: Capture) -> None:
    connections_file().parent.mkdir(parents=True)
    connections_file().write_text('[orders]\nurl = "postgresql://me@db/orders"\n')
    assert left("order") == 2
    assert capsys.readouterr().err == "dbtui: there is no connection 'order': did you mean orders?\n"


def test_a_file_of_connections_that_cannot_be_used_is_told_in_one_line(capsys: Capture) -> None:
    connections_file().parent.mkdir(parents=True)
    connections_file().write_text("[orders\n")
    assert left("orders") == 2
    told = capsys.readouterr().err
    assert told.startswith("dbtui: ")
    assert "is not TOML" in told
    assert told.count("\n") == 1


def test_control_codes_in_an_argument_reach_no_terminal(capsys: Capture) -> None:
    assert left("no\x1b]0;such\x07name") == 2
    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\x07" not in told


def test_a_plan_is_read_from_a_file_and_from_standard_input(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plan.json"
    file.write_text(PLAN)
    assert left("explain", "--plan", str(file)) in (0, 1)
    from_file = capsys.readouterr().out
    assert "Seq Scan" in from_file
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PLAN.encode())))
    assert left("explain", "--plan", "-") in (0, 1)
    assert capsys.readouterr().out == from_file


def test_a_plan_that_is_none_is_an_input_error(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "plan.json"
    file.write_text("this is no plan")
    assert left("explain", "--plan", str(file)) == 2
    told = capsys.readouterr()
    assert told.err.startswith("dbtui: ")
    assert told.err.count("\n") == 1


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("dbtui.cli._command", interrupted)
    assert left("explain") == 130


def test_a_reader_that_went_is_no_failure(tmp_path: Path) -> None:
    """`dbtui explain … | head`: nobody reads on."""
    file = tmp_path / "plan.json"
    nodes = ",".join(
        f'{{"Node Type": "Seq Scan", "Relation Name": "t{n}", "Total Cost": 1}}' for n in range(3000)
    )
    file.write_text(f'[{{"Plan": {{"Node Type": "Append", "Total Cost": 9, "Plans": [{nodes}]}}}}]')
    reading, writing = os.pipe()
    program = subprocess.Popen(
        [sys.executable, "-m", "dbtui", "explain", "--plan", str(file)],
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    os.read(reading, 10)
    os.close(reading)
    _, told = program.communicate(timeout=30)
    assert program.returncode == 0
    assert told == b""
