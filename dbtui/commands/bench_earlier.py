"""What an earlier `dbtui bench --format json` has measured, as the side before of a new one."""

from __future__ import annotations

import json
import math

from dbtui.errors import InputError
from dbtui.model.timing import Comparison, Timing


def earlier(text: str, name: str) -> Comparison:
    """The last side of a saved bench, with the server and the time of it. Raises InputError for what is none."""
    try:
        saved = json.loads(text)
        side = saved["sides"][-1]
        times = tuple(float(one) for one in side["runs_ms"])
        timing = Timing("before", str(side["sql"]), float(side["first_ms"]), times, int(side["rows"]))
        found = Comparison(str(saved["server"]), (timing,), at=str(saved["at"]))
    except (ValueError, TypeError, LookupError, RecursionError):
        raise InputError(f"{name} holds no bench", "save one with --format json") from None
    if not all(math.isfinite(one) and one >= 0 for one in (timing.first, *timing.runs)):
        raise InputError(f"{name} holds times that are none", "save another one with --format json")
    return found


def beside(before: Comparison, now: Comparison) -> Comparison:
    """Both as one comparison, with what has to be known of it."""
    first, second = before.sides[-1], now.sides[-1]
    notes = [f"before was run at {before.at}: what else the server did then is not known here"]
    if before.server != now.server:
        notes.append(f"before was run on {before.server}")
    if before.sides[-1].sql != second.sql:
        notes.append("before was of another text")
    return Comparison(now.server, (first, second), (*notes, *now.notes), at=now.at)
