"""When a server is quietest, by the hour of the day, as far as recordings of it tell."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dbtui.errors import InputError
from dbtui.live import histories
from dbtui.live.tape import Tape

LEAST_HOURS = 12  # of the day that must have been seen before one of them is called the quietest


@dataclass(frozen=True, slots=True)
class Window:
    """An hour of the day, local time, and the load in it beside the usual one, in the metric's own unit."""

    hour: int
    load: float
    usual: float
    metric: str

    def __str__(self) -> str:
        end = (self.hour + 1) % 24
        return f"quietest from {self.hour:02}:00 to {end:02}:00: {self.metric} {self.load:.0f} against {self.usual:.0f}"


def quietest(points: Iterable[tuple[float, float]], metric: str = "load") -> Window | None:
    """The hour with the smallest mean of (epoch seconds, load) points; None while too few hours were seen."""
    hours: dict[int, list[float]] = defaultdict(list)
    for at, load in points:
        hours[time.localtime(at).tm_hour].append(load)
    if len(hours) < LEAST_HOURS:
        return None
    means = {hour: sum(loads) / len(loads) for hour, loads in hours.items()}
    hour = min(means, key=lambda one: means[one])
    return Window(hour, means[hour], sum(means.values()) / len(means), metric)


def window_of(connection: str, recordings: Iterable[Path] = ()) -> Window | None:
    """The quietest hour of a connection, by recordings that are given and those that consoles have left behind."""
    points: list[tuple[float, float]] = []
    metric = ""
    for path in (*recordings, *sorted(histories.folder().glob("*"))):
        with suppress(InputError):  # of another connection, damaged, expired: it tells nothing
            tape = histories.opened(path)
            if tape.header.server == connection and tape.header.metrics:
                metric = tape.header.metrics[0].label
                points += _loads(tape)
    return quietest(points, metric)


def _loads(tape: Tape) -> Iterator[tuple[float, float]]:
    """The engine's most telling figure, line by line."""
    wanted = tape.header.metrics[0].id
    for at, figures in tape.metrics(0, len(tape) - 1):
        value = figures.get(wanted)
        if value is not None:
            yield at, value
