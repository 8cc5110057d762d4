"""The server's figures, and what changed of them, as lines of a given width. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dbtui import text
from dbtui.model.shift import Shift
from dbtui.model.snapshot import Metric, Snapshot
from dbtui.output.shift_text import words
from dbtui.tui.widgets.cells import width_of
from dbtui.tui.widgets.roles import Role, glyphs


def metric_text(metric: Metric, snapshot: Snapshot) -> tuple[str, Role]:
    """A metric's value with its unit, and the role that its thresholds give it."""
    value = snapshot.metrics.get(metric.id)
    if value is None:
        return "·", Role.MUTED
    limit = (snapshot.counters.value or {}).get(metric.limit) if metric.limit else None
    shown = _formatted(metric, value)
    if limit:
        shown = f"{shown}/{_formatted(metric, limit)}"
    elif metric.limit:  # its thresholds are fractions of what the server does not tell
        return shown, Role.ACCENT
    against = value / limit if limit else value
    if metric.warn_above is not None and against > metric.warn_above:
        return f"{shown} ▲" if not glyphs().ascii else f"{shown} !", Role.WARN
    if metric.warn_below is not None and against < metric.warn_below:
        return f"{shown} ▼" if not glyphs().ascii else f"{shown} !", Role.WARN
    return shown, Role.ACCENT


def _formatted(metric: Metric, value: float) -> str:
    if metric.unit == "fraction":
        return text.percent(value)
    if metric.unit == "bytes":
        return text.size(value) + ("/s" if metric.kind == "rate" else "")
    if metric.unit == "seconds":
        return text.milliseconds(value * 1000)
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.1f}"


def figure_line(metrics: Sequence[Metric], snapshot: Snapshot, width: int) -> tuple[tuple[str, Role], ...]:
    """The figures that fit on one line: what crosses its threshold first, then what is not zero."""
    told = [(metric, *metric_text(metric, snapshot)) for metric in metrics if snapshot.metrics.get(metric.id)]
    told.sort(key=lambda item: item[2] is not Role.WARN)
    pieces: list[tuple[str, Role]] = []
    left = width - 2
    for metric, shown, role in told:
        label = f"{'   ' if pieces else '  '}{metric.label.lower()} "  # one piece: each carries its colours
        left -= len(label) + len(shown)
        if left < 0:
            break
        pieces += [(label, Role.MUTED), (shown, role if role is Role.WARN else Role.TEXT)]
    return tuple(pieces)


def shift_line(shifts: Sequence[Shift], width: int) -> tuple[tuple[str, Role], ...]:
    """The greatest changes that one line holds."""
    pieces: list[tuple[str, Role]] = [("  changed ", Role.MUTED)]
    left = width - 12
    for number, shift in enumerate(shifts):
        shown = words(shift, 40)
        left -= width_of(shown) + 3
        if left < 0:
            break
        more = shift.now > shift.before
        sign = glyphs().up if more else glyphs().down
        pieces += [("   " if number else "", Role.MUTED), (f"{sign} ", Role.WARN if more else Role.OK)]
        pieces.append((shown, Role.TEXT))
    return tuple(pieces)
