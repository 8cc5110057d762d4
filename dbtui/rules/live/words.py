"""Words that several rules say."""

from __future__ import annotations


def hours(seconds: float) -> str:
    """A time that is left, in a unit that fits: `40 min`, `2.5 h`, `3 days`."""
    if seconds < 5400:
        return f"{max(1, round(seconds / 60))} min"
    if seconds < 172_800:
        return f"{seconds / 3600:.1f}".removesuffix(".0") + " h"
    return f"{seconds / 86_400:.0f} days"
