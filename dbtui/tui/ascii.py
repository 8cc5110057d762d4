"""With `--ascii` no other character reaches the terminal, whichever widget or server it comes from."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_LIKE = {
    "·": "|", "•": "*", "●": "*", "○": "o", "…": "~", "×": "x", "✓": "x", "±": "~", "–": "-", "—": "-",
    "→": ">", "←": "<", "↑": "^", "↓": "v", "▲": "!", "▼": "v", "▶": ">", "◀": "<", "“": '"', "”": '"', "’": "'",
    **dict.fromkeys("─━═╌╍╸╺", "-"), **dict.fromkeys("│┃║╎", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝", "+"),
    **dict.fromkeys("█▉▊▋▌▍▎▏▐", "#"), **dict.fromkeys("▁▂▃▄▅▆▇▔", "_"),
}  # fmt: skip


def to_ascii(text: str) -> str:
    """The text with other characters replaced by what looks like them, or by ?; as many cells as before."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _LIKE.get(c) or "?" * cell_len(c) for c in text)


class AsciiOnly(LineFilter):
    """Draws lines with ASCII characters only."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments, each as wide as before."""
        return [
            segment
            if segment.text.isascii()
            else Segment(to_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]
