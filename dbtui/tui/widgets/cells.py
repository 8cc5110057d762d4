"""Text into terminal cells: made harmless, cut and padded to an exact width."""

from __future__ import annotations

import textwrap

from rich.cells import cell_len, set_cell_size

from dbtui.text import one_line
from dbtui.tui.widgets.roles import glyphs

_LONGEST = 4_000  # characters of a line that are wrapped
# Terminals disagree on the width of what carries a variation selector; without it they agree.
_SELECTORS = {0xFE0E: None, 0xFE0F: None}


def tidy(text: str, limit: int) -> str:
    """A text as one harmless line, cut at more characters than fill `limit` cells; indentation is kept."""
    room = limit * 4 + 64
    if len(text) > room:
        lead = text[: limit + 1]
        indent = lead[: len(lead) - len(lead.lstrip(" "))]
        text = indent + text.lstrip()[:room]
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_SELECTORS)
    if text.isprintable():
        return text
    return text[: len(text) - len(text.lstrip(" "))] + one_line(text)


def width_of(text: str) -> int:
    """Cells that a harmless text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """A text made harmless and exactly `width` cells wide: cut with an ellipsis, or padded."""
    if width <= 0:
        return ""
    text = tidy(text, width)
    taken = width_of(text)
    if taken > width:
        return set_cell_size(text, width - 1) + glyphs().ellipsis
    return " " * (width - taken) + text if right else text + " " * (width - taken)


def wrapped(text: str, width: int) -> list[str]:
    """A line as several of at most `width` characters, broken between words; each is indented as the first."""
    indent = text[: len(text) - len(text.lstrip(" "))]
    lines = textwrap.wrap(text[:_LONGEST], max(width, 20), subsequent_indent=indent, break_long_words=False)
    return lines or [""]
