"""`dbtui explain`: a plan from a server, a file or standard input, as a tree, JSON or Markdown."""

from __future__ import annotations

import argparse
import asyncio
import io
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dbtui.engines.base import Engine
from dbtui.errors import InputError, UsageError
from dbtui.model.finding import Finding, Severity
from dbtui.model.plan import Plan
from dbtui.plans import MAX_CHARACTERS, parse
from dbtui.plans.summary import beside_nodes, weight
from dbtui.rules.base import rule_ids
from dbtui.rules.plan import findings as plan_findings
from dbtui.safety import Approval

FORMATS = ("text", "json", "markdown")
_WIDTH = 120  # of text that goes to a file or a pipe
PLAN_RULES = "dbtui.rules.plan"
_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}

EXAMPLES = """\
examples:
  dbtui explain --plan plan.json                     a plan that somebody sent: text, JSON, YAML or XML
  psql -XAt -f slow.sql | dbtui explain --plan -     what EXPLAIN printed, with or without psql's frame
  grep -A40 'plan:' postgresql.log | dbtui explain --plan -
                                                     one plan that auto_explain has logged
  dbtui explain prod-orders -f query.sql             ask the server; nothing is run
  dbtui explain prod-orders -f query.sql --analyze   run a SELECT and measure it
  dbtui explain --plan plan.json --format json --fail-on warning

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
    if args.fail_on not in (*Severity, *rule_ids(PLAN_RULES)):
        raise UsageError(
            f"--fail-on {args.fail_on}", "give info, warning, error or the id of a rule about plans"
        )
    if args.plan is not None:
        if args.server is not None or args.analyze:
            raise UsageError(
                "--plan reads a plan that was already taken", "leave the connection and --analyze out"
            )
        plan = explain_text(read_text(args.plan))
    elif args.server is not None:
        plan = asyncio.run(_ask(args))
    else:
        raise UsageError("nothing to explain", "give --plan FILE, or a connection and -f FILE")
    findings = plan_findings(plan)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(render(plan, findings, args.format))
    return exit_code(findings, args.fail_on)


def explain_text(text: str) -> Plan:
    """The measured plan in a text of any known format. Raises InputError."""
    return parse(text)


async def explain_on(
    engine: Engine,
    sql: str,
    *,
    database: str = "",
    analyze: bool = False,
    timeout: float = 30.0,
    approval: Approval | None = None,
) -> Plan:
    """The measured plan of a statement, from an open engine.

    Raises UsageError where the engine has no plans, what its explainer raises, and InputError on a plan that
    cannot be read.
    """
    if engine.explain is None:
        raise UsageError("this server has no plans", engine.lacks.get("explain", ""))
    raw = await engine.explain.explain(
        sql, database=database, analyze=analyze, timeout=timeout, approval=approval
    )
    plan = parse(raw.text)
    return replace(plan, query=raw.query, server_version=raw.server_version, notes=(*raw.notes, *plan.notes))


async def _ask(args: argparse.Namespace) -> Plan:
    from dbtui.config import resolve
    from dbtui.engines import create

    sql = read_text(args.file if args.file is not None else "-")
    if not sql.strip():
        raise UsageError("there is no statement to explain", "give one with -f FILE or on standard input")
    engine = create(resolve(args.server))
    await engine.open()
    try:
        return await explain_on(
            engine, sql, database=args.database, analyze=args.analyze, timeout=args.timeout
        )
    finally:
        await engine.close()


def read_text(name: str) -> str:
    """A file, or standard input for `-`, as text: UTF-8, or UTF-16 where it says so. Raises InputError."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_CHARACTERS + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_CHARACTERS + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read", error.strerror or "") from None
    if len(data) > MAX_CHARACTERS:
        raise InputError(f"{name} is larger than {MAX_CHARACTERS >> 20} MB", "nothing of it was read")
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace")


def render(plan: Plan, findings: Sequence[Finding], form: str) -> str:
    """The plan in one of `FORMATS`, ending with a newline."""
    weights = [weight(plan, node) for node in plan.nodes]
    if form == "json":
        from dbtui.output import json

        return json.plan(plan, findings) + "\n"
    if form == "markdown":
        from dbtui.output import markdown

        return markdown.plan(plan, weights, beside_nodes(plan), findings)
    from dbtui.output import text

    width = shutil.get_terminal_size((_WIDTH, 24)).columns if sys.stdout.isatty() else _WIDTH
    return text.plan(plan, weights, beside_nodes(plan), findings, width=width)


def exit_code(findings: Sequence[Finding], fail_on: str) -> int:
    """1 where a finding reaches `fail_on`, a severity or a rule's id; else 0."""
    if fail_on in tuple(Severity):
        return int(any(_RANK[finding.severity] >= _RANK[Severity(fail_on)] for finding in findings))
    return int(any(finding.rule == fail_on for finding in findings))
