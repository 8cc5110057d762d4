"""Moments as logs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d+)?)\s*(Z|[+-]\d\d(?::?\d\d)?|[A-Z]{2,5})?")
_UTC = frozenset({"Z", "UTC", "GMT"})


def moment(text: str) -> float | None:
    """Epoch seconds of an ISO-like moment; None for what is none.

    An abbreviated zone other than UTC does not say which one it is (CST is three of them), so such a moment, like
    one without a zone, is taken in the zone of this machine.
    """
    found = _FORM.match(text)
    if found is None:
        return None
    date, time, zone = found[1], found[2].replace(",", "."), found[3]
    try:
        if zone in _UTC:
            return datetime.fromisoformat(f"{date}T{time}").replace(tzinfo=UTC).timestamp()
        offset = zone if zone and zone[0] in "+-" else ""
        return datetime.fromisoformat(f"{date}T{time}{offset}").timestamp()
    except (ValueError, OverflowError, OSError):
        return None
