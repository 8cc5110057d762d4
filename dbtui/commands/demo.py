"""`dbtui demo`: a made-up shop under load, to look around in without a server of one's own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from dbtui.config import Target, announce
from dbtui.demo import Demo
from dbtui.text import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dbtui demo`."""
    parser.add_argument(
        "--keep", action="store_true", help="leave the folder with its data behind, to come back to"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="come back to a demo kept in FOLDER, or make one there and keep it",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="make the rows again rather than copy them from the cache"
    )
    parser.add_argument(
        "--no-workload", action="store_true", help="only the server and its rows: nothing runs on it"
    )
    parser.add_argument(
        "--alone", action="store_true", help="only the shop's PostgreSQL, no servers of other products"
    )
    parser.add_argument(
        "--scale",
        type=_scale,
        default=1.0,
        metavar="N",
        help="how much data; 1 is about 665,000 rows (default: 1)",
    )


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 20:
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 and 20")
    return value


def run(args: argparse.Namespace, open_console: Callable[[Target], int]) -> int:
    """Start a demo, open the console on it, and end it again; what the console returned.

    Raises UsageError without the wheel, ConnectError or QueryError where it does not start.
    """
    demo = Demo(
        workload=not args.no_workload,
        seed_scale=args.scale,
        keep=args.keep,
        folder=args.folder,
        fresh=args.fresh,
        neighbours=not args.alone,
        progress=_tell,
    )
    try:
        target = demo.start()
        announce(demo.neighbours)
        if demo.keep:
            _tell(f"this demo is kept in {demo.folder}")
        return open_console(target)
    finally:
        started = demo.version
        demo.stop()
        if demo.keep and started:
            _tell(f"kept in {demo.folder}; come back with: dbtui demo --folder {demo.folder}")


def _tell(line: str) -> None:
    print(f"demo: {printable(line)}", file=sys.stderr, flush=True)
