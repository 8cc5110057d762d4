"""A rehearsal as text: what each step really did beside what was expected."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.run import Observed, Rehearsal, Rehearsed
from dbtui.text import milliseconds, printable


def rehearsal_text(done: Rehearsal) -> str:
    """All steps, then their ways back."""
    lines = [f"plan {done.plan.id} rehearsed on {done.where}"]
    lines += [f"  not there: {one}" for one in done.missing]
    for one in done.steps:
        lines += _lines(one)
    if done.back:
        lines.append("the way back")
        for one in done.back:
            lines += _lines(one)
    lines.append(verdict(done))
    return "\n".join(printable(line) for line in lines)


def verdict(done: Rehearsal) -> str:
    """What came of it, in one line."""
    if not done.wrong:
        return "every step did what was expected of it"
    return f"not safe: step{'s' * (len(done.wrong) > 1)} {', '.join(map(str, done.wrong))}"


def _lines(one: Rehearsed) -> Iterator[str]:
    glyph = "✗" if one.error else "!" if one.doubts else "·" if one.skipped else "✓"
    told = one.error or one.skipped or (observed_text(one.observed) if one.observed is not None else "")
    yield f" {glyph} {one.step.number:2} {one.step.title}: {told}"
    for doubt in one.doubts:
        yield f"      they disagree: {doubt}"


def observed_text(seen: Observed) -> str:
    """What was seen of a step, in one line."""
    parts = [f"{lock.mode} on {lock.relation}" for lock in seen.locks]
    if not seen.seen:
        parts.append("accepted (its locks are not to be seen)")
    parts += [f"rewrote {name}" for name in seen.rewrites]
    parts += [f"read all of {name}" for name in seen.scans]
    return " · ".join([*(parts or ["no lock that was there before"]), milliseconds(seen.seconds * 1000)])
