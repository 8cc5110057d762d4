r"""Keys, values and arguments as text: how bytes are shown, and how a typed command is split.

Bytes that are UTF-8 and can be printed are shown as they are. All others are shown between double quotes, with
\xHH for what cannot be printed, as redis-cli reads it. So every text stands for exactly one key, and what is
shown can be typed.
"""

from __future__ import annotations

import re

from dbtui.errors import QueryError

_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}
_NAMES = {code[0]: f"\\{letter}" for letter, code in _ESCAPES.items()} | {0x22: '\\"', 0x5C: "\\\\"}
_SPECIAL = re.compile(r"""[\s"']""")


def shown(raw: bytes) -> str:
    """A key as one text; `raw_of` is the way back."""
    text = _text(raw)
    return text if text and text.isprintable() and not text.startswith('"') else quoted(raw)


def raw_of(text: str) -> bytes:
    """The bytes that `shown` showed. Raises QueryError for a text that it never makes."""
    if not text.startswith('"'):
        return text.encode("utf-8", "surrogateescape")
    words = split(text)
    if len(words) != 1:
        raise QueryError("the quoted key cannot be read", r'write it as "…" with \" and \xHH inside')
    return words[0]


def value(raw: bytes) -> str:
    """A value as a cell: text as it is, line ends and all; other bytes quoted and escaped."""
    text = _text(raw)
    return quoted(raw) if text is None else text


def argument(raw: bytes) -> str:
    """An argument of a command as it would be typed."""
    text = _text(raw)
    if text is None or not text or not text.isprintable() or _SPECIAL.search(text):
        return quoted(raw)
    return text


def quoted(raw: bytes) -> str:
    """Bytes between double quotes; what is printable text in them stays, the rest is escaped."""
    text = raw.decode("utf-8", "surrogateescape")
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else _escaped(c) for c in text) + '"'


def _escaped(character: str) -> str:
    return "".join(_NAMES.get(b) or f"\\x{b:02x}" for b in character.encode("utf-8", "surrogateescape"))


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def command(text: str) -> list[bytes]:
    """The words of the one command in a text. Raises QueryError for none or several."""
    lines = [words for line in _lines(text) if (words := split(line))]
    if not lines:
        raise QueryError("there is no command to run", "type one")
    if len(lines) > 1:
        raise QueryError(f"these are {len(lines)} commands", "run them one at a time")
    return lines[0]


def command_at(text: str, offset: int) -> str:
    """The line around a position, unchanged; of an empty one that before it. "" where there is none."""
    before, start = "", 0
    for line in _lines(text):
        after = start + len(line) + 1
        if line.strip() and (before == "" or start <= offset):
            before = line
        if offset < after and before:
            return before
        start = after
    return before


def _lines(text: str) -> list[str]:
    """The lines of a text; a line end inside quotes belongs to its argument."""
    lines, start, at = [], 0, 0
    while at < len(text):
        if text[at] in "\"'":
            at = _end_of_quoted(text, at)
        elif text[at] in "\r\n":
            lines.append(text[start:at])
            at += 1
            start = at
        else:
            at += 1
    return [*lines, text[start:]]


def _end_of_quoted(text: str, at: int) -> int:
    mark, at = text[at], at + 1
    while at < len(text) and text[at] != mark:
        at += 2 if text[at] == "\\" else 1
    return min(at + 1, len(text))


def split(line: str) -> list[bytes]:
    r"""The words of a line as redis-cli splits it.

    Between double quotes \n \r \t \b \a and \xHH are bytes and a backslash takes the next character as it is;
    between single quotes only \' is special. A closing quote ends its word. Raises QueryError otherwise.
    """
    words: list[bytes] = []
    at = 0
    while True:
        while at < len(line) and line[at].isspace():
            at += 1
        if at >= len(line):
            return words
        word, at = _word(line, at)
        words.append(word)


def _word(line: str, at: int) -> tuple[bytes, int]:
    made = bytearray()
    while at < len(line) and not line[at].isspace():
        mark = line[at]
        if mark in "\"'":
            part, at = _double(line, at + 1) if mark == '"' else _single(line, at + 1)
            made += part
            if at < len(line) and not line[at].isspace():
                raise QueryError(
                    "a closing quote is followed by more", "put a blank after it", position=at + 1
                )
        else:
            made += _encoded(mark)
            at += 1
    return bytes(made), at


def _double(line: str, at: int) -> tuple[bytes, int]:
    made, start = bytearray(), at
    while at < len(line):
        mark = line[at]
        if mark == '"':
            return bytes(made), at + 1
        if mark == "\\" and (code := re.compile(r"\\x([0-9A-Fa-f]{2})").match(line, at)):
            made.append(int(code[1], 16))
            at += 4
        elif mark == "\\" and at + 1 < len(line):
            made += _ESCAPES.get(line[at + 1]) or _encoded(line[at + 1])
            at += 2
        else:
            made += _encoded(mark)
            at += 1
    raise QueryError("a quote is not closed", "close it", position=start)


def _single(line: str, at: int) -> tuple[bytes, int]:
    made, start = bytearray(), at
    while at < len(line):
        if line[at] == "'":
            return bytes(made), at + 1
        if line.startswith("\\'", at):
            at += 1
        made += _encoded(line[at])
        at += 1
    raise QueryError("a quote is not closed", "close it", position=start)


def _encoded(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")
