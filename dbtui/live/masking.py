"""Statements without their literals, for what leaves the console: recordings, histories and notes."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

Mask = Callable[[str], str]

LONGEST = 4_000  # characters of a statement that are kept
AT_ONCE = 100  # texts that are masked for one frame: each costs about a tenth of a millisecond
REMEMBERED = 20_000
_OWN = {  # what masks the texts of an engine, and what makes one key of those that differ in literals only
    "mysql": ("dbtui.engines.mysql.lex", "mask", "fingerprint"),
    "mongodb": ("dbtui.engines.mongodb.statements", "masked_text", "shape_of_text"),
    **dict.fromkeys(("postgres", "sqlite"), ("dbtui.sql.mask", "mask", "fingerprint")),
}
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"?|\'(?:[^\'\\]|\\.)*\'?|(?<![\w$])\d[\w.]*')
_OPTION = re.compile(r"([?&][\w.]+=)[^&\s]+")  # of an address
_COMMAND = re.compile(r"[A-Z][A-Z_-]*")


def masker(engine: str) -> Mask:
    """What takes the literals out of an engine's statements; an unknown engine loses every quoted text."""
    if engine in _OWN:
        module, mask, _ = _OWN[engine]
        own: Mask = getattr(import_module(module), mask)
        return own
    return {"redis": _words, "elasticsearch": _request}.get(engine, lambda text: _VALUE.sub("?", text))


def shaper(engine: str) -> Mask:
    """What makes one key of an engine's statements that differ in their literals only."""
    if engine not in _OWN:
        return masker(engine)
    module, _, shape = _OWN[engine]
    own: Mask = getattr(import_module(module), shape)
    return own


def _words(text: str) -> str:
    """A command by its verbs: every other word may be a value."""
    return " ".join(word if _COMMAND.fullmatch(word) or "?" in word else "?" for word in text.split())


def _request(text: str) -> str:
    """A request without quoted texts, numbers, and the values behind its address."""
    return _VALUE.sub("?", _OPTION.sub(r"\1?", text))


class Masked:
    """Texts by what is told of them. Each is masked once; a frame with very many new ones tells their verbs only."""

    def __init__(self, mask: Mask | None) -> None:
        self._mask = mask
        self._known: dict[str, str] = {}
        self._room = AT_ONCE

    def next_frame(self) -> None:
        """Texts of another frame follow."""
        self._room = AT_ONCE
        if len(self._known) > REMEMBERED:
            self._known.clear()

    def __call__(self, text: str) -> str:
        if self._mask is None:
            return text[:LONGEST]
        known = self._known.get(text)
        if known is not None:
            return known
        if not self._room:
            return f"{text.split(None, 1)[0]} …" if text and text[0].isalpha() else "…"
        self._room -= 1
        masked = self._known[text] = self._mask(text[:LONGEST])
        return masked
