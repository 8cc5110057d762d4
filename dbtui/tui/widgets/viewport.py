"""Where a cursor and a window stand in a long list. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Viewport:
    """A window of `height` lines on `count` lines, from `top` on, and a cursor that may be outside it."""

    count: int = 0
    height: int = 0
    top: int = 0
    cursor: int = 0

    @property
    def limit(self) -> int:
        """The largest `top`."""
        return max(0, self.count - self.height)

    @property
    def lines(self) -> range:
        """Indices of the visible lines."""
        return range(self.top, min(self.count, self.top + self.height))

    @property
    def shows_cursor(self) -> bool:
        return self.top <= self.cursor < self.top + max(1, self.height)

    def resize(self, count: int, height: int) -> None:
        """Take a new size; a cursor that was in sight stays in sight."""
        seen = self.shows_cursor or not self.height
        self.count, self.height = count, height
        self.cursor = min(max(0, self.cursor), max(0, count - 1))
        self.top = min(self.top, self.limit)
        if seen:
            self.follow()

    def move_to(self, cursor: int) -> None:
        """Put the cursor on a line, and the window where the cursor is."""
        self.cursor = min(max(0, cursor), max(0, self.count - 1))
        self.follow()

    def follow(self) -> None:
        """Move the window as little as possible so that it holds the cursor."""
        height = max(1, self.height)
        self.top = min(max(self.top, self.cursor - height + 1), self.cursor, max(0, self.count - height))

    def scroll(self, lines: int) -> None:
        """Move the window only."""
        self.top = min(max(0, self.top + lines), self.limit)

    def thumb(self) -> range:
        """Window lines that a scroll bar's thumb covers; empty when everything is in sight."""
        if self.count <= self.height or self.height <= 0:
            return range(0)
        length = max(1, self.height * self.height // self.count)
        start = round((self.height - length) * self.top / self.limit)
        return range(start, start + length)

    def top_at(self, line: int) -> int:
        """The `top` that puts the middle of the thumb on a window line."""
        length = max(1, self.height * self.height // max(1, self.count))
        travel = max(1, self.height - length)
        return min(max(0, round((line - (length - 1) / 2) * self.limit / travel)), self.limit)
