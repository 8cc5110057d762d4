"""What a user installs holds everything the program reads at run time."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import dbtui

SOURCES = Path(dbtui.__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    argv = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(SOURCES)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("dbtui-*.whl"))


def test_it_holds_every_file_of_the_package_and_the_themes(wheel: Path) -> None:
    package = SOURCES / "dbtui"
    wanted = {str(file.relative_to(SOURCES)) for file in package.rglob("*.*") if file.is_file()}
    wanted |= {f"dbtui/themes/{file.name}" for file in (SOURCES / "themes").glob("*.toml")}
    wanted = {name for name in wanted if "__pycache__" not in name}
    assert {Path(name).suffix for name in wanted} >= {".py", ".sql", ".tcss", ".toml"}
    with zipfile.ZipFile(wheel) as packed:
        assert not wanted - set(packed.namelist())


def test_the_installed_program_runs_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(site), str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    env = dict(os.environ, PYTHONPATH=str(site))
    said = subprocess.run(
        [site / "bin/dbtui", "--version"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert said.stdout.split() == ["dbtui", dbtui.__version__]
    where = subprocess.run(
        [sys.executable, "-c", "import dbtui.config; print(dbtui.config.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert where.stdout.startswith(str(site))
