"""Advice as text for people: a summary line, then each index with what it does and what it costs."""

from __future__ import annotations

from collections.abc import Iterator

from dbtui.model.advice import Advice, IndexAdvice
from dbtui.text import one_line, printable, size

_MOST_QUERIES = 5


def plain(advice: Advice) -> str:
    """The advice as lines."""
    lines = [summary(advice), f"verified by: {advice.verified}"]
    for number, index in enumerate(advice.indexes, 1):
        lines += ["", f"{number}. {index.sql}"]
        lines += [f"   {line}" for line in facts(index, advice)]
    lines += ["", *rest] if (rest := list(_rest(advice))) else []
    return printable("\n".join(lines), keep_newlines=True) + "\n"


def markdown(advice: Advice) -> str:
    """The advice as Markdown."""
    lines = [f"**{summary(advice)}**", "", f"Verified by: {advice.verified}"]
    for index in advice.indexes:
        lines += ["", "```sql", f"{index.sql};", f"-- back: {index.undo};", "```", ""]
        lines += [f"- {line}" for line in facts(index, advice)]
    lines += ["", *(f"- {line}" for line in rest)] if (rest := list(_rest(advice))) else []
    return printable("\n".join(lines), keep_newlines=True) + "\n"


def summary(advice: Advice) -> str:
    """What all of it comes to, in a line."""
    count = len(advice.queries)
    of = f"{count} quer{'y' if count == 1 else 'ies'}"
    if not advice.indexes:
        return f"no index is advised for {of}"
    what = f"{len(advice.indexes)} index{'' if len(advice.indexes) == 1 else 'es'} for {of}"
    if advice.before and advice.after is not None:
        less = f"{1 - advice.after / advice.before:.0%} less"
        what += f": {advice.unit} {advice.before:,.0f} -> {advice.after:,.0f}, {less}"
    return what


def facts(index: IndexAdvice, advice: Advice) -> Iterator[str]:
    """What is to be said of one index, a line each."""
    for help_ in index.helps[:_MOST_QUERIES]:
        saved = ""
        if help_.before is not None and help_.after is not None:
            saved = f"cost {help_.before:,.0f} -> {help_.after:,.0f}: "
        yield f"query {help_.query + 1}: {saved}{one_line(advice.queries[help_.query].text, 90)}"
    if len(index.helps) > _MOST_QUERIES:
        yield f"and {len(index.helps) - _MOST_QUERIES} more"
    room = f"about {size(index.size)}, " if index.size else ""
    lost = f", {index.hot_lost:,} HOT updates so far would have been none" if index.hot_lost else ""
    yield f"costs {room}{index.write_overhead:.0%} more to write per row{lost}"
    if index.because:
        yield index.because
    if index.supersedes:
        yield f"makes superfluous: {', '.join(index.supersedes)}"
    for tie in index.ties:
        yield f"as good: {tie}"
    for statement in index.verify:
        yield f"to try it: {statement}"
    yield f"back: {index.undo}"


def _rest(advice: Advice) -> Iterator[str]:
    for found in advice.redundant:
        yield f"{found.object}: {found.message} ({found.rule}): {'; '.join(found.sql)}"
    for place, why in advice.not_understood:
        yield f"query {place + 1} left out: {why}"
    for note in advice.notes:
        yield f"note: {note}"
