"""Finding names by a few of their letters, in order."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from functools import lru_cache

_STARTS = "._-/ $"


@lru_cache(maxsize=16)
def _pattern(letters: str) -> re.Pattern[str]:
    """Matches a name that has all the letters in order, each part in one way only: it never backtracks."""
    return re.compile("".join(f"[^{re.escape(letter)}]*{re.escape(letter)}" for letter in letters))


def score(letters: str, name: str) -> int | None:
    """How well a name answers to some letters, higher is better; None when it lacks them.

    The whole name, then its last part (behind the last dot), then the start of either, then the letters in
    one piece at the start of a word, then in one piece, then scattered; within each, letters at the starts of
    words and shorter names come first. Case does not count, and spaces in `letters` only separate.
    """
    return _score("".join(letters.casefold().split()), name.casefold())


def _score(wanted: str, name: str) -> int | None:
    if not wanted:
        return -len(name)
    last = name.rpartition(".")[2]
    found = name.find(wanted)
    if found >= 0:
        if name == wanted:
            rank = 9
        elif last == wanted:
            rank = 8
        elif last.startswith(wanted):
            rank = 7
        elif found == 0:
            rank = 6
        else:
            rank = 5 if _starts_word(name, wanted, found) else 4
        return rank * 1000 - len(name)
    if _pattern(wanted).match(name) is None:
        return None
    in_last = _pattern(wanted).match(last) is not None
    return (2500 if in_last else 1500) + 100 * _word_starts(wanted, last if in_last else name) - len(name)


def _starts_word(name: str, wanted: str, found: int) -> bool:
    while found >= 0:
        if found == 0 or name[found - 1] in _STARTS:
            return True
        found = name.find(wanted, found + 1)
    return False


def _word_starts(wanted: str, name: str) -> int:
    """How many of the letters, taken in order, can stand at the starts of words; at most nine."""
    hits, at = 0, 0
    for word in re.split(r"[._\-/ $]+", name):
        if at < len(wanted) and word and word[0] == wanted[at]:
            hits += 1
            at += 1
            for letter in word[1:]:
                if at < len(wanted) and letter == wanted[at]:
                    at += 1
    return min(hits, 9) if at == len(wanted) else 0


def best(letters: str, names: Sequence[str], limit: int = 50) -> list[int]:
    """The positions of the best matches, best first; of equals the earlier. No letters: the first names."""
    wanted = "".join(letters.casefold().split())
    if not wanted:
        return list(range(min(limit, len(names))))
    search = _search_of(names)
    has = _pattern(wanted).match
    folded = search.folded
    kept = [position for position in search.candidates(wanted) if has(folded[position]) is not None]
    search.hits = (wanted, kept)
    hits = ((-(_score(wanted, folded[position]) or 0), position) for position in kept)
    return [position for _, position in heapq.nsmallest(limit, hits)]


class _Search:
    """What one keystroke leaves for the next on the same names."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.folded = [name.casefold() for name in names]
        self.hits: tuple[str, Sequence[int]] = ("", range(len(names)))

    def candidates(self, wanted: str) -> Sequence[int]:
        """Names that can have the letters: with a letter more, only those that had the others."""
        before, positions = self.hits
        return positions if wanted.startswith(before) else range(len(self.names))


_last: _Search | None = None


def _search_of(names: Sequence[str]) -> _Search:
    global _last
    if _last is None or _last.names is not names or len(_last.folded) != len(names):
        _last = _Search(names)
    return _last
