"""Text for people: hostile text made harmless, and numbers with units of a fixed width."""

from __future__ import annotations

import unicodedata

_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20)}
_TABLE: dict[int, int] = {
    **_CONTROL_PICTURES,
    0x7F: 0x2421,
    **dict.fromkeys(range(0x80, 0xA0), 0xFFFD),  # C1, among them CSI and OSC in one byte
}
_REPLACED_CATEGORIES = frozenset({"Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Cc"})


def printable(text: str, *, keep_newlines: bool = False) -> str:
    """Server text with everything removed that a terminal would obey rather than show.

    C0 controls become their pictures (ESC is ␛), C1 controls, bidirectional overrides, zero-width
    characters, lone surrogates and unassigned code points become U+FFFD. A text without any of them
    is returned as it is. `keep_newlines` is for areas that show several lines; tabs become a space.
    """
    if text.isprintable():
        return text
    if keep_newlines:
        return "\n".join(printable(line) for line in text.expandtabs(4).replace("\r\n", "\n").split("\n"))
    text = text.translate(_TABLE)
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or unicodedata.category(c) not in _REPLACED_CATEGORIES else "\ufffd"
        for c in text
    )


def beginning(text: str, limit: int) -> str:
    """The first characters of a text, and an ellipsis where there are more."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int | None = None) -> str:
    """A statement on one line: runs of white space become one space, cut at `limit` characters with an ellipsis."""
    if limit is not None:
        text = text[: limit * 4 + 64]
    line = printable(" ".join(text.split()))
    return line if limit is None or len(line) <= limit else line[: limit - 1] + "…"


def count(value: float | None) -> str:
    """A number of things in at most 6 characters: 987, 12.3k, 1.5M. None is an empty text."""
    if value is None:
        return ""
    return _scaled(value, 1000.0, ("", "k", "M", "G", "T", "P"))


def size(value: float | None) -> str:
    """A number of bytes in at most 7 characters, in binary units: 812 B, 4.0 kB, 1.2 GB. None is an empty text."""
    if value is None:
        return ""
    return _scaled(value, 1024.0, (" B", " kB", " MB", " GB", " TB", " PB"))


def _scaled(value: float, step: float, units: tuple[str, ...]) -> str:
    sign, value = ("-", -value) if value < 0 else ("", value)
    for power, unit in enumerate(units):
        last = power == len(units) - 1
        if round(value, 0 if value >= 99.95 else 1) < step or last:
            whole = power == 0 and (value == int(value) or value >= 100)
            digits = 0 if whole or value >= 99.95 else 1
            return f"{sign}{value:.{digits}f}{unit}"
        value /= step
    raise AssertionError("unreachable")


def duration(seconds: float | None) -> str:
    """An age as hh:mm:ss, or `3d 04:05` from a day on. None is an empty text; a negative age is 00:00:00."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{days}d {hours:02}:{minutes:02}" if days else f"{hours:02}:{minutes:02}:{secs:02}"


def milliseconds(value: float | None) -> str:
    """A time given in milliseconds with a unit that fits: 0.12 ms, 34.5 ms, 1.20 s, 2m05s, 3h07m."""
    if value is None:
        return ""
    if value < 0:
        return "-" + milliseconds(-value)
    if value < 9.995:
        return f"{value:.2f} ms"
    if value < 999.5:
        return f"{value:.1f} ms" if value < 99.95 else f"{value:.0f} ms"
    seconds = value / 1000
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, secs = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{secs:02}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m"


def percent(fraction: float | None) -> str:
    """A fraction of 1 as a percentage with one digit: 99.2 %. None is an empty text."""
    return "" if fraction is None else f"{fraction * 100:.1f} %"


def last_line(text: str) -> str:
    """What a program said last, for one line about its failure."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
