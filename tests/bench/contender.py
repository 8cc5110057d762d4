"""One program, started several times, watched for a while, and left."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.terminal import PtyProgram


def _painted(screen: str) -> bool:
    return bool(screen.strip())


@dataclass(frozen=True, slots=True)
class Contender:
    """A program to measure. `has_data` tells from the screen that the first data are there.

    `on_server` gives the calls and the server milliseconds so far of what the program has asked; where the server
    counts nobody's, `on_screen` finds both, of one second, in what the program shows of itself.
    """

    name: str
    argv: Sequence[str | Path]
    has_data: Callable[[str], bool] = _painted
    on_server: Callable[[], tuple[int, float]] | None = None
    on_screen: Callable[[str], tuple[float, float] | None] = lambda _screen: None
    quit_key: str = "q"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """CPU seconds and bytes a minute; resident bytes; medians of starts and the quit in seconds.

    Statements and server milliseconds are those of one second, which is one refresh.
    """

    name: str
    cpu: float
    sent: float
    resident: int
    first_byte: float
    painted: float
    first_data: float
    quit: float | None
    statements: float | None = None
    server_ms: float | None = None


def measure(contenders: Sequence[Contender], seconds: float, starts: int) -> list[Measured]:
    """Start each `starts` times, in turns so that a busy moment hits all alike; then watch each for `seconds`."""
    times: dict[str, list[tuple[float, float, float]]] = {c.name: [] for c in contenders}
    for number in range(starts):
        print(f"starts, round {number + 1} of {starts} ...", file=sys.stderr, flush=True)
        for contender in contenders:
            with PtyProgram(contender.argv, env=contender.env) as program:
                times[contender.name].append(start(program, contender))
    return [_watch(contender, seconds, times[contender.name]) for contender in contenders]


def _watch(
    contender: Contender, seconds: float, times: Sequence[tuple[float, float, float]], settle: float = 5.0
) -> Measured:
    print(f"{contender.name} for {seconds:g} s ...", file=sys.stderr, flush=True)
    with PtyProgram(contender.argv, env=contender.env) as program:
        start(program, contender)
        time.sleep(settle)
        asked, before = _asked(contender), program.cost()
        time.sleep(seconds)
        after, asked_after = program.cost(), _asked(contender)
        resident = program.resident()
        shown = contender.on_screen(program.show())
        program.press(contender.quit_key)
        quit_after = program.wait_for_exit(5)
    cpu, sent = before.per_minute(after)
    took = after.at - before.at
    medians = [statistics.median(kind) for kind in zip(*times, strict=True)]
    figures = (contender.name, cpu, sent, resident, *medians, quit_after)
    if asked is None or asked_after is None:
        return Measured(*figures, *(shown or ()))
    return Measured(*figures, (asked_after[0] - asked[0]) / took, (asked_after[1] - asked[1]) / took)


def _asked(contender: Contender) -> tuple[int, float] | None:
    return contender.on_server() if contender.on_server else None


def start(program: PtyProgram, contender: Contender) -> tuple[float, float, float]:
    """Seconds to the first byte, to something on the screen, and to the first data. Raises TimeoutError."""
    painted = program.wait_for(_painted)
    first_data = program.wait_for(contender.has_data)
    assert program.first_byte is not None
    return program.first_byte - program.started, painted, first_data
