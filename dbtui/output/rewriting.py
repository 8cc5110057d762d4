"""Rewrites as text, Markdown and JSON: the text offered, what it rests on, and both plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from dbtui.model.finding import Finding
from dbtui.model.plan import Plan
from dbtui.model.rewrite import Rewrite, Rewriting
from dbtui.output.json import dump, finding
from dbtui.output.markdown import escaped, fenced
from dbtui.text import one_line, printable

Draw = Callable[[Plan], str]


def plain(rewriting: Rewriting, titles: Mapping[str, str], draw: Draw) -> str:
    """The rewrites as lines, `titles` by rule."""
    lines = [summary(rewriting), f"planned by: {rewriting.verified}"]
    for number, one in enumerate(rewriting.rewrites, 1):
        lines += ["", f"{number}. {one.rule}: {titles[one.rule]}"]
        lines += [f"   query {one.query + 1}: {one_line(rewriting.queries[one.query].text, 90)}", ""]
        lines += [f"     {line}" for line in _statements(one).splitlines()]
        lines += ["", *(f"   {line}" for line in facts(one))]
        for name, plan in (("before", one.before), ("after", one.after)):
            if plan is not None:
                lines += ["", f"   {name}", *(f"   {line}" for line in draw(plan).splitlines())]
    lines += ["", *_rest(rewriting)]
    return printable("\n".join(lines).rstrip("\n"), keep_newlines=True) + "\n"


def markdown(rewriting: Rewriting, titles: Mapping[str, str], draw: Draw) -> str:
    """The rewrites as Markdown."""
    parts = [f"**{escaped(summary(rewriting))}**", f"Planned by: {escaped(rewriting.verified)}"]
    for one in rewriting.rewrites:
        parts.append(f"### `{one.rule}`, query {one.query + 1}: {escaped(titles[one.rule])}")
        parts.append(fenced(_statements(one)).replace("```", "```sql", 1))
        parts.append("\n".join(f"- {escaped(line)}" for line in facts(one)))
        for name, plan in (("Before", one.before), ("After", one.after)):
            if plan is not None:
                parts += [f"{name}:", fenced(draw(plan))]
    parts.append("\n".join(f"- {escaped(line)}" for line in _rest(rewriting)))
    return printable("\n\n".join(part.strip("\n") for part in parts if part), keep_newlines=True) + "\n"


def document(rewriting: Rewriting, findings: Sequence[Finding]) -> str:
    """The object of `dbtui advise rewrite --format json`; a query is named by its place, from 0."""
    return dump(
        {
            "version": 1,
            "verified": rewriting.verified,
            "queries": [{"sql": q.text, "calls": q.calls, "mean_ms": q.mean_ms} for q in rewriting.queries],
            "rewrites": [_rewrite(one) for one in rewriting.rewrites],
            "refused": [{"query": r.query, "rule": r.rule, "reason": r.reason} for r in rewriting.refusals],
            "not_understood": [{"query": at, "reason": why} for at, why in rewriting.not_understood],
            "notes": list(rewriting.notes),
            "findings": [finding(item) for item in findings],
        }
    )


def summary(rewriting: Rewriting) -> str:
    """How many, in a line."""
    count, of = len(rewriting.rewrites), len(rewriting.queries)
    what = f"{count or 'no'} rewrite{'' if count == 1 else 's'}"
    return f"{what} for {of} quer{'y' if of == 1 else 'ies'}; nothing was run"


def facts(one: Rewrite) -> Iterator[str]:
    """What is to be said of one rewrite, a line each."""
    if one.costs is not None:
        before, after = one.costs
        alike = " (planned alike: nothing is gained)" if before == after else ""
        yield f"cost {before:,.0f} -> {after:,.0f}{alike}"
    if one.unplanned:
        yield f"not planned: {one.unplanned}"
    for line in one.proven:
        yield f"holds: {line}"
    for line in one.conditions:
        yield f"only if: {line}"
    yield f"why, and what becomes of NULLs: dbtui rules {one.rule}"


def _statements(one: Rewrite) -> str:
    return "".join(f"{statement};\n" for statement in (*one.indexes, one.sql))


def _rest(rewriting: Rewriting) -> Iterator[str]:
    for refusal in rewriting.refusals:
        yield f"query {refusal.query + 1}: no {refusal.rule}: {refusal.reason}"
    for place, why in rewriting.not_understood:
        yield f"query {place + 1} left out: {why}"
    for note in rewriting.notes:
        yield f"note: {note}"


def _rewrite(one: Rewrite) -> dict[str, object]:
    cost = one.costs or (None, None)
    return {
        "rule": one.rule,
        "query": one.query,
        "sql": one.sql,
        "indexes": list(one.indexes),
        "proven": list(one.proven),
        "conditions": list(one.conditions),
        "cost_before": cost[0],
        "cost_after": cost[1],
        "before": _nodes(one.before),
        "after": _nodes(one.after),
        "unplanned": one.unplanned,
    }


def _nodes(plan: Plan | None) -> list[dict[str, object]] | None:
    """The tree of a plan that was not measured: labels, depths and estimates."""
    if plan is None:
        return None
    return [
        {"label": n.label, "depth": n.depth, "estimated_rows": n.estimated_rows, "cost": n.total_cost}
        for n in plan.nodes
    ]
