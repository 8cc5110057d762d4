"""`dbtui migrate`: plan a change of schema, rehearse it, run it step by step, see how it stands, take it back."""

from __future__ import annotations

import argparse
import asyncio
import textwrap
from collections.abc import Callable, Coroutine

from dbtui.commands import migrate_plan, migrate_write
from dbtui.errors import UsageError
from dbtui.migrations.limits import Limits, limits_help
from dbtui.model.migration import Engine as Dialect

EXAMPLES = """\
examples:
  dbtui migrate plan 012_totals.sql --on staging --output totals.json
  dbtui migrate plan schema.sql --wanted --on staging   what makes that schema out of the one that is there
  dbtui migrate plan 012_totals.sql --write migrations/ numbered files, or those of the tool that the folder has
  dbtui migrate rehearse totals.json --on staging       on a shadow, which takes the locks and does the rewrites
  dbtui migrate run totals.json --on staging            asks before each step
  dbtui migrate run totals.json --on prod --approve 0-6 --approvals totals.approved.json
  dbtui migrate status totals.json --on prod
  dbtui migrate rollback totals.json --on prod --to 3

A plan is run under its checksum: an edited plan, an edited file, another server or an expired approval is refused.
Without a terminal `run` needs --approve or --approvals, and on production both. Ctrl-C, SIGTERM and SIGHUP stop it:
what waits is withdrawn, a batch is finished, the journal says so; `run` again goes on.
Exit codes: 0 done, 1 not all steps are done, 2 usage, connection or input."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The verbs and their options."""
    parser.epilog = EXAMPLES
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    plan = _verb(
        verbs,
        "plan",
        "turn SQL into steps that block nobody for long",
        server="look at a live server for figures",
    )
    plan.add_argument("--output", metavar="FILE", help="write the plan as JSON, for run and for review")
    plan.add_argument("--format", choices=["text", "json"], default="text")
    migrate_write.add_arguments(plan)
    rehearse = _verb(
        verbs, "rehearse", "try the steps where they can do no harm", server="whose schema to rehearse on"
    )
    rehearse.add_argument("--format", choices=["text", "json"], default="text")
    rehearse.add_argument(
        "--approve",
        action="append",
        default=[],
        metavar="rehearsal",
        help="MySQL and MariaDB: make a database of empty twins on the server, and drop it",
    )
    run = _verb(verbs, "run", "run the steps that are not done, each approved", server="where to run")
    _run_options(run)
    run.add_argument("--until", type=int, metavar="STEP", help="stop after this step")
    run.add_argument(
        "--journal", choices=["server", "file"], default="server", help="where the attempts are kept"
    )
    run.add_argument(
        "--waive-staging", metavar="REASON", default="", help="run on production what was never run elsewhere"
    )
    run.add_argument(
        "--receipts",
        metavar="FILE",
        help="runs.jsonl of another machine's state folder: what was run from there",
    )
    run.add_argument(
        "--history",
        action="append",
        default=[],
        metavar="FILE",
        help="a recording of the server: when is it quietest?",
    )
    status = _verb(verbs, "status", "show how far a plan has come on a server", server="which server")
    status.add_argument("--format", choices=["text", "json"], default="text")
    rollback = _verb(verbs, "rollback", "undo steps, the newest first", server="where to roll back")
    _run_options(rollback)
    rollback.add_argument(
        "--to", type=int, default=0, metavar="STEP", help="keep this step and those before it"
    )
    rollback.add_argument(
        "--journal", choices=["server", "file"], default="server", help="where the attempts are kept"
    )


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str, *, server: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    parser.add_argument(
        "files", nargs="+", metavar="PLAN|FILE", help="a plan, its short name, or SQL files and folders"
    )
    parser.add_argument("--on", metavar="URL|NAME", help=server)
    parser.add_argument(
        "--engine", choices=[one.value for one in Dialect], help="default: detected from server or files"
    )
    parser.add_argument(
        "--server-version", metavar="VERSION", help="such as 15 or 10.11, where no server is asked"
    )
    parser.add_argument(
        "--schema", action="append", default=[], metavar="FILE", help="DDL of what exists already"
    )
    return parser


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approve",
        action="append",
        default=[],
        metavar="STEP…",
        help="such as 0-4,6; all excludes steps that lose rows and steps that people do",
    )
    parser.add_argument("--approvals", metavar="FILE", help="approvals that somebody gave: JSON")
    parser.add_argument("--reason", default="", help="for the journal and the audit file")
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="where the run holds, takes back or stops itself: see below",
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"limits, as they are:\n{textwrap.indent(limits_help(Limits()), '  ')}"


def run(args: argparse.Namespace) -> int:
    """Do the verb; its exit code. Raises DbtuiError, which is one line and exit code 2."""
    if args.verb != "plan" and args.on is None:
        raise UsageError(f"migrate {args.verb} needs a server", "give --on URL or --on NAME")
    verbs: dict[str, Callable[[argparse.Namespace], Coroutine[None, None, int]]] = {"plan": migrate_plan.plan}
    if args.verb in ("run", "rollback", "status"):
        from dbtui.commands import migrate_run

        verbs |= {"run": migrate_run.run, "rollback": migrate_run.rollback, "status": migrate_run.status}
    elif args.verb == "rehearse":
        from dbtui.commands import migrate_rehearse

        verbs["rehearse"] = migrate_rehearse.rehearse
    return asyncio.run(verbs[args.verb](args))
