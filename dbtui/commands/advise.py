"""`dbtui advise index|rewrite|partition`: which indexes would help a workload, tried on the shadow of its server.

Rewrites are in `rewriting`, partitions in `partitioning`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dbtui.commands.streams import check_fail_on, exit_code, put, read_text
from dbtui.commands.workload import opened
from dbtui.errors import ConnectError, PermissionDenied, UsageError
from dbtui.model.advice import Advice, IndexAdvice, Query
from dbtui.model.finding import Finding, Severity

if TYPE_CHECKING:
    from dbtui.advice.search import Policy
    from dbtui.engines.base import Engine
    from dbtui.shadow import Shadow

RULE = "any-missing-index"
REDUNDANT = "any-redundant-index"
FORMATS = ("text", "json", "markdown")
_MUCH = 0.30  # of a query's cost, or of the workload's
DOCS = {
    "postgres": ("https://www.postgresql.org/docs/current/indexes.html",),
    "mysql": ("https://dev.mysql.com/doc/refman/8.4/en/mysql-indexes.html",),
    "mariadb": ("https://mariadb.com/kb/en/optimization-and-indexes/",),
    "sqlite": ("https://www.sqlite.org/queryplanner.html",),
    "mongodb": ("https://www.mongodb.com/docs/manual/tutorial/equality-sort-range-guideline/",),
}

EXAMPLES = """\
examples:
  dbtui advise index prod-orders                      for the statements that the server has counted
  dbtui advise index prod-orders -f queries.sql       for those of a file, separated by ;
  dbtui advise index prod-orders -f - --format json --fail-on warning
  dbtui advise rewrite prod-orders -f queries.sql     other texts for them, with conditions and both plans
  dbtui advise partition prod-orders                  PostgreSQL: tables to be split by time, and the way there

PostgreSQL's candidates are planned on a shadow: an embedded server with the schema and statistics of yours, and
none of its rows. Nothing is written to your server.
Exit codes: 0 done, 1 an index is advised at or above --fail-on, 2 usage or connection."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("about", choices=("index", "rewrite", "partition"), help="what is advised on")
    parser.add_argument("server", metavar="URL|NAME", help="a connection URL or a saved connection")
    parser.add_argument(
        "-f", "--file", metavar="FILE|-", help="statements separated by ;, from a file or standard input"
    )
    parser.add_argument("--database", default="", metavar="NAME", help="another database of the server")
    parser.add_argument("--most", type=int, default=10, metavar="N", help="indexes at most (default 10)")
    parser.add_argument(
        "--least", type=float, metavar="GB", help="of a table worth splitting into partitions (default 10)"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default text")
    parser.add_argument(
        "--fail-on",
        default="error",
        metavar="SEVERITY|RULE",
        help=f"exit 1 on advice from this severity on, on {RULE}, {REDUNDANT}, pg-missing-partitions, or a rewrite's id"
        " (default error, which advice never is)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the advice; the exit code. Raises DbtuiError, which is one line and exit code 2."""
    if args.about == "rewrite":
        from dbtui.commands import rewriting

        return rewriting.run(args)
    if args.about == "partition":
        from dbtui.commands import partitioning

        return partitioning.run(args)
    check_fail_on(args.fail_on, (RULE, REDUNDANT))
    if args.most < 1:
        raise UsageError(f"--most {args.most}", "give a number of at least 1")
    given = read_text(args.file) if args.file is not None else None
    advice = asyncio.run(_ask(args, given))
    found = findings(advice)
    put(render(advice, found, args.format))
    return exit_code(found, args.fail_on)


async def _ask(args: argparse.Namespace, given: str | None) -> Advice:
    from dbtui.advice.search import Policy
    from dbtui.shadow import Shadow

    async with opened(args.server, given, args.database) as (engine, queries, database):
        policy = Policy(most=args.most, weigh_writes=given is None)
        async with Shadow() as shadow:
            return await advise_on(engine, shadow, queries, database, policy, _progress)


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{line}\r")
        sys.stderr.flush()


async def advise_on(
    engine: Engine,
    shadow: Shadow,
    queries: Sequence[Query],
    database: str = "",
    policy: Policy | None = None,
    progress: Callable[[str], None] = lambda _line: None,
) -> Advice:
    """The advice for a workload on an open engine: by the best planner that it has, else by rule alone.

    Raises UsageError for an engine without indexes to advise, QueryError and its kinds, ConnectError.
    """
    from dbtui.advice.rough import reasoned
    from dbtui.advice.search import Policy, advise
    from dbtui.commands.planners import dialect_of, facts_for, named, planner_for
    from dbtui.commands.trials import tried
    from dbtui.rules.schema import findings as findings_of

    if dialect_of(engine) == "":
        raise UsageError(f"there is no index advice for {engine.name}", "see its plans: dbtui explain")
    policy = policy or Policy()
    if dialect_of(engine) == "mongodb":
        from dbtui.commands.mongo_advice import advise_commands

        return await advise_commands(engine, queries, database, policy.most)
    facts = await facts_for(engine, queries, database)
    meant = {name for _, name in named(queries, facts.dialect)}
    redundant = findings_of(replace(facts, tables=tuple(one for one in facts.tables if one.name in meant)))
    progress("making the shadow")
    try:
        async with planner_for(engine, shadow, facts, database) as planner:
            if planner is None:
                rough = replace(reasoned(queries, facts, policy), redundant=redundant)
                return await tried(engine, rough, facts, database)
            advice = await advise(queries, facts, planner, policy, progress)
            notes = (*advice.notes, *map(str, planner.missing))
            return replace(advice, notes=notes, redundant=redundant)
    except (UsageError, ConnectError, PermissionDenied) as error:  # no wheel here, a pooler in between, …
        rough = reasoned(queries, facts, policy)
        return replace(rough, notes=(f"not tried: {error}",), redundant=redundant)


def findings(advice: Advice) -> list[Finding]:
    """The advice as findings: a warning where it saves much of a query or of all, else a piece of information."""
    return [*(_finding(index, advice) for index in advice.indexes), *advice.redundant]


def _finding(index: IndexAdvice, advice: Advice) -> Finding:
    saved = index.saved
    evidence: dict[str, float | str] = {"queries": float(len(index.helps)), "verified": index.verified}
    if saved is not None:
        evidence["saved"] = round(saved, 4)
    if index.size:
        evidence["bytes"] = float(index.size)
    evidence["write overhead"] = round(index.write_overhead, 4)
    if index.hot_lost:
        evidence["HOT updates lost"] = float(index.hot_lost)
    helped = f"{len(index.helps)} quer{'y' if len(index.helps) == 1 else 'ies'}"
    share = f", up to {saved:.0%} of the cost of one" if saved is not None else ""
    what = f"an index on ({', '.join(index.keys)}) would help {helped}{share}"
    more = [f"it makes {name} superfluous" for name in index.supersedes]
    return Finding(
        RULE,
        Severity.WARNING if saved is not None and saved >= _MUCH else Severity.INFO,
        what,
        index.table,
        evidence,
        "; ".join([index.because, *more]).strip("; "),
        (index.sql,),
        DOCS.get(advice.dialect, ()),
    )


def render(advice: Advice, found: Sequence[Finding], form: str) -> str:
    """The advice in one of `FORMATS`, ending with a newline."""
    if form == "json":
        from dbtui.output import advice_json

        return advice_json.document(advice, found) + "\n"
    from dbtui.output import advice_text

    return advice_text.markdown(advice) if form == "markdown" else advice_text.plain(advice)
