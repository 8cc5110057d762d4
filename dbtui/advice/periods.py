"""Periods of time that partitions are made of: their length, where they begin, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Period:
    """A period that begins at midnight. `days` is its length on average."""

    name: str
    days: float

    def begin(self, moment: datetime) -> datetime:
        """The beginning of the period that holds a moment."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.name == "week":
            return day - timedelta(days=day.weekday())
        if self.name == "month":
            return day.replace(day=1)
        if self.name == "quarter":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        if self.name == "year":
            return day.replace(month=1, day=1)
        return day

    def after(self, beginning: datetime) -> datetime:
        """The beginning of the period after the one that begins then."""
        return self.begin(beginning + timedelta(days=round(self.days * 1.4)))

    def label(self, beginning: datetime) -> str:
        """What a partition's name ends in: 2026_11, 2026_q4, 2026_w48, 2026_11_30."""
        if self.name == "year":
            return f"{beginning:%Y}"
        if self.name == "quarter":
            return f"{beginning:%Y}_q{(beginning.month + 2) // 3}"
        if self.name == "month":
            return f"{beginning:%Y_%m}"
        if self.name == "week":
            return f"{beginning:%G_w%V}"
        return f"{beginning:%Y_%m_%d}"


PERIODS = (
    Period("year", 365.25),
    Period("quarter", 91.3),
    Period("month", 30.4),
    Period("week", 7.0),
    Period("day", 1.0),
)


def fitting(kept: float, per_day: float) -> Period:
    """The period for a table that keeps `kept` days and grows by `per_day` bytes.

    The longest of which ten are kept, so that dropping the oldest frees a tenth at most; shorter ones where a part
    would be beyond 32 GB, unless more than 500 would be kept: the planner looks at each
    (https://www.postgresql.org/docs/current/ddl-partitioning.html, Best Practices).
    """
    found = next((at for at, one in enumerate(PERIODS) if kept / one.days >= 10), len(PERIODS) - 1)
    for shorter in range(found + 1, len(PERIODS)):
        if PERIODS[found].days * per_day <= 32 << 30 or kept / PERIODS[shorter].days > 500:
            break
        found = shorter
    return PERIODS[found]
