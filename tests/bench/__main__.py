"""`python -m tests.bench [NAME [OPTIONS]]`: measure the console; without a name, a list."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    names = sorted(f.stem for f in Path(__file__).parent.glob("[a-z]*.py") if _is_bench(f))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        for name in names:
            print(f"  {name:9} {(import_module(f'tests.bench.{name}').__doc__ or '').splitlines()[0]}")
        sys.exit(0 if len(sys.argv) < 2 else 2)
    bench = import_module(f"tests.bench.{sys.argv[1]}")
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench {sys.argv[1]}", description=bench.__doc__)
    bench.add_arguments(parser)
    bench.run(parser.parse_args(sys.argv[2:]))


def _is_bench(file: Path) -> bool:
    return "\ndef add_arguments(" in file.read_text()


if __name__ == "__main__":
    main()
