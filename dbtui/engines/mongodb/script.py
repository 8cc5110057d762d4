"""The commands of a text: each begins a line with `db` or a brace, outside of all brackets and quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dbtui.sql.split import Statement

_PIECE = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"? | '(?:[^'\\]|\\.)*'? | `(?:[^`\\]|\\.)*`?)
      | (?P<comment>//[^\n]* | /\*.*?(?:\*/|\Z))
      | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<end>;) | (?P<line>\n\s*) | (?P<rest>[^"'`/()\[\]{};\n]+ | .)""",
    re.X | re.S,
)
_BEGINS = re.compile(r"db\b|\{")


def split(text: str) -> tuple[Statement, ...]:
    """The commands in order, without what ends them; comments before a command belong to none."""
    return tuple(
        Statement(text[start:end], start, end)
        for start, end in (_trimmed(text, *span) for span in _spans(text))
        if start < end
    )


def _spans(text: str) -> Iterator[tuple[int, int]]:
    depth = start = 0
    for match in _PIECE.finditer(text):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        elif depth == 0 and (kind == "end" or (kind == "line" and _BEGINS.match(text, match.end()))):
            yield start, match.start()
            start = match.end()
    yield start, len(text)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Without the white space and comments around; nothing is left of comments alone."""
    kept = [
        match
        for match in _PIECE.finditer(text, start, end)
        if match.lastgroup not in ("comment", "line") and not match[0].isspace()
    ]
    if not kept:
        return start, start
    first, last = kept[0], kept[-1]
    lead = len(first[0]) - len(first[0].lstrip())
    return first.start() + lead, last.start() + len(last[0].rstrip())
