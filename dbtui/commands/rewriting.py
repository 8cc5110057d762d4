"""`dbtui advise rewrite`: other texts for the statements of a workload, with both plans. None of them is run."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbtui.commands.streams import check_fail_on, exit_code, put, read_text
from dbtui.commands.workload import opened
from dbtui.errors import ConnectError, InputError, PermissionDenied, QueryError, UsageError
from dbtui.model.advice import Facts, Planner, Query, WhatIf
from dbtui.model.finding import Finding, Severity
from dbtui.model.plan import Plan
from dbtui.model.rewrite import Refusal, Rewrite, Rewriting
from dbtui.plans import parse
from dbtui.rules.base import load_rule, rule_ids

if TYPE_CHECKING:
    from dbtui.engines.base import Engine
    from dbtui.shadow import Shadow

PACKAGE = "dbtui.advice.rewrites"
_MUCH = 0.30  # of the query's cost
_SQL = ("postgres", "mysql", "sqlite")


def run(args: argparse.Namespace) -> int:
    """Print the rewrites; the exit code. Raises DbtuiError, which is one line and exit code 2."""
    check_fail_on(args.fail_on, rule_ids(PACKAGE))
    given = read_text(args.file) if args.file is not None else None
    rewriting = asyncio.run(_ask(args, given))
    found = findings(rewriting)
    put(render(rewriting, found, args.format))
    return exit_code(found, args.fail_on)


async def _ask(args: argparse.Namespace, given: str | None) -> Rewriting:
    from dbtui.shadow import Shadow

    async with opened(args.server, given, args.database) as (engine, queries, database), Shadow() as shadow:
        return await rewrite_on(engine, shadow, queries, database)


async def rewrite_on(
    engine: Engine, shadow: Shadow, queries: Sequence[Query], database: str = ""
) -> Rewriting:
    """What could be written otherwise, on an open engine; with both plans where it has a planner.

    Raises UsageError for an engine without SQL, QueryError and its kinds, ConnectError.
    """
    from dbtui.commands.planners import dialect_of, facts_for, planner_for

    if dialect_of(engine) not in _SQL:
        raise UsageError(f"there are no rewrites for {engine.name}", "see its plans: dbtui explain")
    facts = await facts_for(engine, queries, database)
    rewrites, refusals, not_understood = offered(queries, facts)
    verified, notes = "nobody: there are no plans", tuple[str, ...]()
    if rewrites:
        try:
            async with planner_for(engine, shadow, facts, database) as planner:
                if planner is not None:
                    rewrites = [await _planned(planner, queries, one) for one in rewrites]
                    verified, notes = planner.verified, tuple(map(str, planner.missing))
        except (UsageError, ConnectError, PermissionDenied) as error:  # no wheel here, a pooler in between, …
            notes = (f"not planned: {error}",)
    return Rewriting(tuple(queries), tuple(rewrites), tuple(refusals), verified, not_understood, notes)


def offered(
    queries: Sequence[Query], facts: Facts
) -> tuple[list[Rewrite], list[Refusal], tuple[tuple[int, str], ...]]:
    """The rewrites without plans, those whose condition fails, and the queries that were not understood."""
    from dbtui.advice.rewrites.subject import Offer, subject

    rules = [load_rule(PACKAGE, rule) for rule in rule_ids(PACKAGE)]
    rewrites, refusals, not_understood = [], [], []
    for place, query in enumerate(queries):
        try:
            read = subject(query.text, facts)
        except InputError as error:
            not_understood.append((place, str(error)))
            continue
        if read is None:
            continue
        for rule in rules:
            for one in rule.check(read):
                if isinstance(one, Offer):
                    text = read.text(one.tree) if one.tree is not read.select else query.text
                    rewrites.append(Rewrite(rule.id, place, text, one.proven, one.conditions, one.indexes))
                else:
                    refusals.append(Refusal(rule.id, place, one.reason))
    return rewrites, refusals, tuple(not_understood)


async def _planned(planner: Planner, queries: Sequence[Query], rewrite: Rewrite) -> Rewrite:
    """A rewrite with the plans of both texts."""
    try:
        before = await planner.plan(queries[rewrite.query].text)
        after = await planner.plan(rewrite.sql, WhatIf(indexes=rewrite.indexes))
        return replace(rewrite, before=parse(before.text), after=parse(after.text))
    except (QueryError, InputError) as error:
        return replace(rewrite, unplanned=str(error))


def findings(rewriting: Rewriting) -> list[Finding]:
    """The rewrites as findings: a warning where one saves much of its query's cost, else a piece of information."""
    return [_finding(one, rewriting) for one in rewriting.rewrites]


def _finding(one: Rewrite, rewriting: Rewriting) -> Finding:
    evidence: dict[str, float | str] = {"query": float(one.query), "verified": rewriting.verified}
    if one.costs is not None:
        evidence |= {"cost before": one.costs[0], "cost after": one.costs[1]}
    much = one.saved is not None and one.saved >= _MUCH
    return Finding(
        one.rule,
        Severity.WARNING if much else Severity.INFO,
        f"query {one.query + 1} could be written otherwise",
        None,
        evidence,
        "; ".join(one.conditions),
        (*one.indexes, one.sql),
        _docs(one.rule),
    )


def _docs(rule: str) -> tuple[str, ...]:
    lines = load_rule(PACKAGE, rule).docs.splitlines()
    return tuple(line.removeprefix("Source: ") for line in lines if line.startswith("Source: "))


def render(rewriting: Rewriting, found: Sequence[Finding], form: str) -> str:
    """The rewrites in one of "text", "json" and "markdown", ending with a newline."""
    from dbtui.output import rewriting as output

    titles = {rule: load_rule(PACKAGE, rule).title for rule in rule_ids(PACKAGE)}
    if form == "json":
        return output.document(rewriting, found) + "\n"
    write = output.markdown if form == "markdown" else output.plain
    return write(rewriting, titles, _drawn)


def _drawn(plan: Plan) -> str:
    from dbtui.commands.explain import render as drawn

    return drawn(plan, (), "text")
