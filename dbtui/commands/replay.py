"""`dbtui replay FILE` or `--last`: the live panes on a recording, or on what the last console left behind."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from dbtui.errors import UsageError
from dbtui.live import histories
from dbtui.live.stand_in import StandIn, of_recording
from dbtui.live.tape import Tape


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dbtui replay`."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="what dbtui record wrote")
    parser.add_argument("--last", action="store_true", help="the last half hour of the last console")
    parser.add_argument(
        "--at",
        default="",
        metavar="HH:MM[:SS]",
        help="where to begin; the end with --last, else the beginning",
    )


def run(args: argparse.Namespace, open_console: Callable[[None, StandIn], int]) -> int:
    """Open the console on a recording. Raises InputError, UsageError."""
    if args.last == (args.file is not None):
        raise UsageError("name one recording", "dbtui replay FILE, or dbtui replay --last")
    tape = histories.opened(histories.newest() if args.last else args.file)
    start = len(tape) - 1 if args.last else 0
    return open_console(None, of_recording(tape, _index(tape, args.at) if args.at else start))


def _index(tape: Tape, wanted: str) -> int:
    """The line at a time of day, on the first of the recorded days that has it."""
    form = "%H:%M:%S" if wanted.count(":") == 2 else "%H:%M"
    try:
        parsed = time.strptime(wanted, form)
    except ValueError as error:
        raise UsageError(f"--at {wanted} is not a time of day", "write 14:32 or 14:32:10") from error
    first = time.localtime(tape.times[0])
    seconds = parsed.tm_hour * 3600 + parsed.tm_min * 60 + parsed.tm_sec
    since = seconds - (first.tm_hour * 3600 + first.tm_min * 60 + first.tm_sec)
    at = tape.times[0] + since
    if at < tape.times[0]:
        at += 86_400
    if at > tape.times[-1]:
        ends = time.strftime("%H:%M:%S", time.localtime(tape.times[-1]))
        begins = time.strftime("%H:%M:%S", first)
        raise UsageError(f"--at {wanted} is not in the recording", f"it lasts from {begins} to {ends}")
    return tape.index_at(at)
