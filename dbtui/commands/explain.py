"""`dbtui explain`: a plan from a server, a file or standard input, judged, compared, swept and diagnosed."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence

from dbtui.commands.server_plans import explain_on
from dbtui.commands.streams import check_fail_on, exit_code, put, read_text
from dbtui.errors import UsageError
from dbtui.model.finding import Finding
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.summary import beside_nodes, weights
from dbtui.rules.base import rule_ids
from dbtui.rules.plan import findings as plan_findings
from dbtui.text import printable

FORMATS = ("text", "json", "markdown")
_WIDTH = 120  # of text that goes to a file or a pipe
PLAN_RULES = "dbtui.rules.plan"

EXAMPLES = """\
examples:
  dbtui explain --plan plan.json                     a plan that somebody sent: text, JSON, YAML or XML
  psql -XAt -f explain.sql | dbtui explain --plan -  what EXPLAIN printed, with or without psql's frame
  grep -A40 'plan:' postgresql.log | dbtui explain --plan -
                                                     one plan that auto_explain has logged
  dbtui explain prod-orders -f query.sql             ask the server; nothing is run
  dbtui explain prod-orders -f query.sql --analyze   run a SELECT and measure it
  dbtui explain --plan plan.json --format json --fail-on warning
  dbtui explain --plan plan.json --why pg-sort-on-disk   why a rule says nothing
  dbtui explain --plan after.json --compare before.json  both side by side, and why they differ
  dbtui explain prod-orders -f query.sql --compare last  with the plan that was taken before
  dbtui explain prod-orders -f query.sql --sweep         common, rare and out-of-range values
  dbtui explain prod-orders -f query.sql --analyze --doctor   what would fix the estimates

Self times are wall time per process, and add up to the execution time: the last lines show the sum.
Exit codes: 0 done, 1 findings at or above --fail-on, 2 usage, connection, or input that is not a plan."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the verb."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "server", nargs="?", metavar="URL|NAME", help="a connection URL or a saved connection"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--plan", metavar="FILE|-", help="read a plan from a file, or standard input for -")
    source.add_argument(
        "-f", "--file", metavar="FILE|-", help="explain the statement in a file, or in standard input for -"
    )
    parser.add_argument(
        "--analyze", action="store_true", help="run the statement, a plain SELECT, and measure it"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--why", metavar="RULE", help="say why a rule flags the plan, or does not")
    what.add_argument(
        "--compare", metavar="FILE|last", help="compare with an older plan: a file's, or the one kept last"
    )
    what.add_argument(
        "--sweep", action="store_true", help="plans over common, rare and out-of-range values; runs nothing"
    )
    what.add_argument(
        "--doctor",
        action="store_true",
        help="test the statistics behind wrong row estimates; needs --analyze",
    )
    parser.add_argument(
        "--value", action="append", default=[], metavar="N=SQL", help="for --sweep: the usual value of $N"
    )
    parser.add_argument(
        "--yes", action="store_true", help="for --analyze: run it although it has effects beyond its result"
    )
    parser.add_argument("--database", default="", metavar="NAME", help="another database of the server")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="limit for the server (default 30)"
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default text")
    parser.add_argument(
        "--fail-on",
        default="error",
        metavar="SEVERITY|RULE",
        help="exit 1 on findings from this severity on, or of this rule (default error)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the plan; the exit code. Raises DbtuiError, which is one line and exit code 2."""
    _check(args)
    if args.plan is not None:
        printed, findings = _shown(args, parse(read_text(args.plan)))
    else:
        printed, findings = asyncio.run(_ask(args))
    put(printed)
    return exit_code(findings, args.fail_on)


def _check(args: argparse.Namespace) -> None:
    check_fail_on(args.fail_on, rule_ids(PLAN_RULES))
    if args.plan is not None and (args.server is not None or args.analyze or args.sweep or args.doctor):
        raise UsageError(
            "--plan reads a plan that was already taken",
            "leave the connection, --analyze, --sweep and --doctor out",
        )
    if args.plan is None and args.server is None:
        raise UsageError("nothing to explain", "give --plan FILE, or a connection and -f FILE")
    if args.doctor and not args.analyze:
        raise UsageError("--doctor wants measured rows", "give --analyze as well")
    if args.plan is not None and args.compare == "last":
        raise UsageError("a plan from a file has no earlier ones", "give --compare FILE")


def _shown(args: argparse.Namespace, plan: Plan) -> tuple[str, Sequence[Finding]]:
    """The plan, or what was asked about it, and the findings that decide the exit code."""
    from dbtui.commands import explain_more

    findings = plan_findings(plan)
    if args.why:
        return explain_more.why(plan, args.why, args.format), findings
    if args.compare:
        before = parse(read_text(args.compare))
        return explain_more.compared(before, plan, args.format, _width()), findings
    return render(plan, findings, args.format), findings


async def _ask(args: argparse.Namespace) -> tuple[str, Sequence[Finding]]:
    from dbtui.commands import explain_more
    from dbtui.config import resolve
    from dbtui.engines import create

    sql = read_text(args.file if args.file is not None else "-")
    if not sql.strip():
        raise UsageError("there is no statement to explain", "give one with -f FILE or on standard input")
    target = resolve(args.server)
    engine = create(target)
    await engine.open()
    try:
        if args.sweep:
            return await explain_more.swept(engine, sql, args.database, args.value, args.format), ()
        if args.analyze and not args.yes:
            await explain_more.forewarn(engine, sql, args.database)
        plan = await explain_on(
            engine, sql, database=args.database, analyze=args.analyze, timeout=args.timeout
        )
        if args.doctor:
            told = await explain_more.diagnosed(engine, plan, args.database, args.format)
            return told, plan_findings(plan)
    finally:
        await engine.close()
    earlier, news = explain_more.remembered(plan, target.name, args.database)
    if args.compare == "last":
        return explain_more.compared(earlier(), plan, args.format, _width()), plan_findings(plan)
    if news:
        print(f"dbtui: {printable(news)}", file=sys.stderr)
    return _shown(args, plan)


def render(plan: Plan, findings: Sequence[Finding], form: str) -> str:
    """The plan in one of `FORMATS`, ending with a newline."""
    shares = weights(plan)
    if form == "json":
        from dbtui.output import json

        return json.plan(plan, findings) + "\n"
    if form == "markdown":
        from dbtui.output import markdown

        return markdown.plan(plan, shares, beside_nodes(plan), findings)
    from dbtui.output import text

    return text.plan(plan, shares, beside_nodes(plan), findings, width=_width())


def _width() -> int:
    """Columns for a text: the terminal's, or as many as a file is read with."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
