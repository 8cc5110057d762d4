"""Text goldens: what a screen shows, cell for cell, compared with a file that people can read.

`DBTUI_UPDATE_GOLDENS=1 pytest …` writes the files anew; a review then sees the difference as text.
"""

from __future__ import annotations

import html
import os
import re
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from textual.app import App

GOLDENS = Path(__file__).parent / "goldens"
CELL = 12.2  # width of a cell in the exported picture
_TEXT = re.compile(r"<text([^>]*)>([^<]*)</text>")
_LINE = re.compile(r'clip-path="url\(#[^"]*-line-(\d+)\)"')
_X = re.compile(r'\sx="([\d.]+)"')


def screen_text(app: App[Any]) -> str:
    """What the terminal shows: as many lines as it has, trailing spaces cut."""
    return parse(app.export_screenshot(simplify=True), app.size.width, app.size.height)


def parse(svg: str, width: int, height: int) -> str:
    """The cells of an exported picture as text. A wide character takes two cells, the second stays empty."""
    cells = [[" "] * width for _ in range(height)]
    for attributes, escaped in _TEXT.findall(svg):
        line, x = _LINE.search(attributes), _X.search(attributes)
        if line is None or x is None:  # the title of the picture
            continue
        row, column = cells[int(line[1])], round(float(x[1]) / CELL)
        for character in html.unescape(escaped).replace("\xa0", " "):
            wide = cell_len(character)
            if wide == 0:  # a combining mark belongs to the cell before
                row[column - 1] += character
                continue
            row[column] = character
            if wide == 2 and column + 1 < width:
                row[column + 1] = ""
            column += wide
    return "\n".join("".join(row).rstrip() for row in cells) + "\n"


def assert_golden(app: App[Any], name: str) -> None:
    """Compare the screen with `goldens/NAME.txt`; a missing file fails unless goldens are being written."""
    shown = screen_text(app)
    path = GOLDENS / f"{name}.txt"
    if os.environ.get("DBTUI_UPDATE_GOLDENS"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
        return
    assert path.is_file(), (
        f"there is no golden {name}: run with DBTUI_UPDATE_GOLDENS=1 and look at what it writes"
    )
    assert shown == path.read_text(encoding="utf-8")
