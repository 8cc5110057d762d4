"""How long linting 1,000 statements takes, beside squawk in one run."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from dbtui.migrations.assess import assess
from dbtui.migrations.files import migration_file
from dbtui.model.migration import Engine
from tests.migrations.cases import cases, schema

STATEMENTS = 1_000
LIMIT = 1.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the measurement."""
    parser.add_argument("--runs", type=int, default=7)


def run(args: argparse.Namespace) -> None:
    """Print the median and the best of both, on the same file, started anew each time."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "thousand.sql"
        file.write_text(script())
        own = _times([sys.executable, "-m", "dbtui", "lint", "--format", "json", str(file)], args.runs)
        text = file.read_text()
        start = time.perf_counter()
        found = assess([migration_file("thousand.sql", text)], Engine.POSTGRESQL)
        inside = time.perf_counter() - start
        verdict = "under" if median(own) < LIMIT else "OVER"
        print(
            f"lint: {len(found)} statements, {len(text) / 1024:.0f} kB: dbtui {median(own):.2f} s with its start"
            f" (best {min(own):.2f}), {inside:.2f} s without; {verdict} {LIMIT:.0f} s"
        )
        squawk = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")
        if squawk is None:
            print("lint: squawk is not there to compare with: pip install squawk-cli")
            return
        other = _times([squawk, "--reporter", "Json", str(file)], args.runs)
        print(f"lint: the same file, squawk {median(other):.2f} s with its start (best {min(other):.2f})")


def _times(argv: Sequence[str], runs: int) -> list[float]:
    made = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run(argv, capture_output=True, check=False)
        made.append(time.perf_counter() - start)
    return made


def script() -> str:
    """The schema of the cases and then their statements, over and over."""
    own = schema("postgresql")
    statements = [case.sql for case in cases("postgresql") if case.until >= 18 and case.since <= 18]
    repeated = [statements[number % len(statements)] for number in range(STATEMENTS)]
    return own + "".join(f"{sql};\n" for sql in repeated)
