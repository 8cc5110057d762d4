"""Partition advice as text, Markdown and JSON: the key, why, the conversion, and why not for the other tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dbtui.model.finding import Finding
from dbtui.model.partitioning import PartitionAdvice, Partitioning
from dbtui.output.json import dump, finding
from dbtui.output.markdown import escaped, fenced
from dbtui.text import printable, size

HEURISTIC = "by rule, from sizes, statements and statistics; not planned by a server"


def plain(advice: PartitionAdvice) -> str:
    """The advice as lines."""
    lines = [summary(advice), f"verified: {HEURISTIC}"]
    for number, one in enumerate(advice.tables, 1):
        lines += ["", f"{number}. {headline(one)}", *(f"   {line}" for line in facts(one))]
        if one.sql:
            lines += ["", "   the way there, which `dbtui migrate plan` turns into steps:", ""]
            lines += [f"     {statement};" for statement in one.sql]
    lines += ["", *rest(advice)]
    return printable("\n".join(lines).rstrip("\n"), keep_newlines=True) + "\n"


def markdown(advice: PartitionAdvice) -> str:
    """The advice as Markdown."""
    parts = [f"**{escaped(summary(advice))}**", f"Verified: {HEURISTIC}"]
    for one in advice.tables:
        parts += [f"### {escaped(headline(one))}", "\n".join(f"- {escaped(line)}" for line in facts(one))]
        if one.sql:
            parts.append(fenced(";\n".join(one.sql) + ";\n").replace("```", "```sql", 1))
    parts.append("\n".join(f"- {escaped(line)}" for line in rest(advice)))
    return printable("\n\n".join(part.strip("\n") for part in parts if part), keep_newlines=True) + "\n"


def document(advice: PartitionAdvice, findings: Sequence[Finding]) -> str:
    """The object of `dbtui advise partition --format json`; sizes in bytes."""
    return dump(
        {
            "version": 1,
            "verified": "heuristic",
            "queries": [{"sql": q.text, "calls": q.calls, "mean_ms": q.mean_ms} for q in advice.queries],
            "tables": [_table(one) for one in advice.tables],
            "others": [{"table": table, "reason": why} for table, why in advice.others],
            "not_understood": [{"query": place, "reason": why} for place, why in advice.not_understood],
            "findings": [finding(item) for item in findings],
        }
    )


def summary(advice: PartitionAdvice) -> str:
    """How many, in a line."""
    count, of = len(advice.tables), len(advice.tables) + len(advice.others)
    return f"{count or 'none'} of {of} table{'' if of == 1 else 's'} should be split into partitions"


def headline(one: Partitioning) -> str:
    """What is advised for one table, in a line."""
    parts = f"{one.parts} partition{'' if one.parts == 1 else 's'} of about {size(one.part_size)}"
    return f"{one.table}: PARTITION BY RANGE ({one.key}), one a {one.every}: {parts}"


def facts(one: Partitioning) -> Iterator[str]:
    """What is to be said of one table, a line each."""
    yield from (f"because: {line}" for line in one.because)
    yield f"retention: {one.retention}"
    yield from (f"only if: {line}" for line in one.conditions)
    yield from (f"in the way: {line}" for line in one.obstacles)
    if not one.sql:
        yield "no conversion is written while something is in the way"


def rest(advice: PartitionAdvice) -> Iterator[str]:
    """The tables that stay whole, and why; the queries that were not understood."""
    yield from (f"{table} stays whole: {why}" for table, why in advice.others)
    yield from (f"query {place + 1} left out: {why}" for place, why in advice.not_understood)


def _table(one: Partitioning) -> dict[str, object]:
    return {
        "table": one.table,
        "key": one.key,
        "every": one.every,
        "partition_bytes": one.part_size,
        "partitions": one.parts,
        "retention": one.retention,
        "because": list(one.because),
        "conditions": list(one.conditions),
        "obstacles": list(one.obstacles),
        "sql": list(one.sql),
    }
