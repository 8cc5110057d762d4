"""What a bench has measured, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.timing import PERCENTS, Comparison, Timing, telling
from dbtui.output.json import dump
from dbtui.text import milliseconds, one_line, printable


def text(value: Comparison) -> str:
    """A line for each side with its percentiles, how they compare, and what is to be known of the figures."""
    head = ["", *(f"p{percent}" for percent in PERCENTS), "min", "max", "first", "runs", "rows"]
    table = [head, *(_cells(side) for side in value.sides)]
    sizes = [max(len(row[at]) for row in table) for at in range(len(head))]
    lines = ["  ".join(cell.rjust(size) for cell, size in zip(row, sizes, strict=True)) for row in table]
    lines += ["", *(f"{side.name}: {one_line(side.sql, 100)}" for side in value.sides)]
    ratios = [(percent, value.ratio(percent)) for percent in PERCENTS]
    told = ", ".join(f"p{percent} {ratio:.2f}x" for percent, ratio in ratios if ratio is not None)
    lines += [f"after / before: {told}"] if told else []
    lines += [f"note: {note}" for note in notes(value)]
    return printable("\n".join(lines), keep_newlines=True) + "\n"


def _cells(side: Timing) -> list[str]:
    shown = [side.percentile(percent) for percent in PERCENTS]
    shown += [min(side.runs, default=None), max(side.runs, default=None), side.first]
    times = ["-" if one is None else milliseconds(one) for one in shown]
    return [side.name, *times, str(len(side.runs)), f"{side.rows:,}"]


def notes(value: Comparison) -> Iterator[str]:
    """What is to be known of the figures."""
    yield from value.notes
    few = min(len(side.runs) for side in value.sides)
    vague = [f"p{percent}" for percent in PERCENTS if not telling(few, percent)]
    if vague:
        yield f"{few} runs: {', '.join(vague)} are no more than the slowest one"
    if len({side.rows for side in value.sides}) > 1:
        yield f"the sides return different numbers of rows: {' and '.join(f'{s.rows:,}' for s in value.sides)}"


def json(value: Comparison) -> str:
    """`{"version", "server", "at", "sides": [{"name", "sql", "runs", "rows", "p50_ms", …}], "ratio", …}`."""
    return dump(
        {
            "version": 1,
            "server": value.server,
            "at": value.at,
            "sides": [_side(side) for side in value.sides],
            "ratio": {f"p{percent}": value.ratio(percent) for percent in PERCENTS},
            "notes": list(notes(value)),
        }
    )


def _side(side: Timing) -> dict[str, object]:
    return {
        "name": side.name,
        "sql": side.sql,
        "runs": len(side.runs),
        "rows": side.rows,
        "first_ms": side.first,
        **{f"p{percent}_ms": side.percentile(percent) for percent in PERCENTS},
        "min_ms": min(side.runs, default=None),
        "max_ms": max(side.runs, default=None),
        "runs_ms": side.runs,
    }
