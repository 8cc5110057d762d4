"""The command line. Importing it loads neither Textual nor a driver: each verb imports what it needs."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from dbtui import __version__
from dbtui.errors import DbtuiError, UsageError
from dbtui.text import printable

if TYPE_CHECKING:
    from dbtui.config import Target
    from dbtui.live.stand_in import StandIn

# verb → what it does; each is dbtui/commands/<verb>.py with add_arguments(parser) and run(args)
COMMANDS = {
    "demo": "open the console on an embedded PostgreSQL with a shop under load",
    "explain": "read a query plan: from a server, a file or standard input",
    "advise": "say which indexes and rewrites would help: tried on a shadow of your server",
    "bench": "time a query many times, before and after a change",
    "record": "record what a server does, for hours, without a console",
    "replay": "look at a recording, or at the last half hour of the last console",
    "logs": "rank the statements of a slow log: PostgreSQL, MySQL, MariaDB, MongoDB",
    "lint": "say what migration files would lock, rewrite and break",
    "migrate": "plan a schema change, rehearse it, run it step by step, undo it",
    "fleet": "watch several servers at once, one line each",
    "monitoring": "write the same thresholds for Prometheus or Grafana",
    "rules": "print what a rule looks for, why, and what to do instead",
}
WITH_CONSOLE = frozenset({"demo", "fleet", "logs", "replay"})  # their `run` also gets what opens the console
_SLOW_TO_OPEN = frozenset({"demo"})  # it starts servers first: without a terminal it is refused before

EXAMPLES = """\
examples:
  dbtui                                  choose a connection
  dbtui postgresql://me@db-01/orders     connect; the password comes from ~/.pgpass, PGPASSWORD or a prompt
  dbtui prod-orders                      a saved connection
  dbtui demo                             try it: a shop under load, nothing to install or clean up
  dbtui explain --plan plan.json         a plan that somebody sent
  dbtui lint migrations/                 what Monday's migration would lock

commands:
"""
ENDING = "\n\n`dbtui COMMAND --help` tells more. Exit codes: 0 done, 1 findings, 2 usage or connection."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 findings, 2 usage, connection or input."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words and words[0] in COMMANDS:
            return _command(words[0], words[1:])
        return _console(words)
    except DbtuiError as error:
        print(f"dbtui: {printable(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `dbtui explain … | head`
        return 0
    except OSError as error:
        print(f"dbtui: {error.filename or 'the output'} cannot be used: {error.strerror}", file=sys.stderr)
        return 2


def entry() -> None:
    """The program `dbtui`: leaves without waiting for a thread that may still wait for a server."""
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader of a pipe may be gone
            stream.flush()
    os._exit(code)


def _command(name: str, words: Sequence[str]) -> int:
    module = import_module(f"dbtui.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=f"dbtui {name}",
        description=COMMANDS[name][0].upper() + COMMANDS[name][1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    if name in WITH_CONSOLE:
        add_display_arguments(parser)
        args = parser.parse_args(words)
        if name in _SLOW_TO_OPEN:
            _require_terminal()
        return int(module.run(args, lambda *what: _open(args, *what)))
    return int(module.run(parser.parse_args(words)))


def _console(words: Sequence[str]) -> int:
    listing = "\n".join(f"  dbtui {name:<10} {what}" for name, what in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dbtui",
        description="A keyboard-driven DBA console: activity, schema and plans, read-only by default.",
        epilog=EXAMPLES + listing + ENDING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "server", nargs="?", metavar="URL|NAME", help="a connection URL or the name of a saved connection"
    )
    parser.add_argument("--version", action="version", version=f"dbtui {__version__}")
    add_display_arguments(parser)
    args = parser.parse_args(words)
    if args.server is None:
        return _open(args, None)
    from dbtui.config import resolve

    return _open(args, resolve(args.server))


def add_display_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of everything that opens the console."""
    group = parser.add_argument_group("display")
    group.add_argument(
        "--interval",
        type=_interval,
        default=None,
        metavar="SECONDS",
        help="time between two samples (default 2)",
    )
    group.add_argument(
        "--theme", default=None, metavar="NAME", help="a theme: built in, your own, or one of Textual"
    )
    group.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    group.add_argument(
        "--slow-link",
        action="store_true",
        help="send as little as possible: no charts, no colours between ticks",
    )


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0.25 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("must be between 0.25 and 3600 seconds")
    return seconds


def _require_terminal() -> None:
    """Raises UsageError where the console could not be drawn: that is done on standard error."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("the console needs a terminal", "use a command such as `dbtui explain` in scripts")


def _open(
    args: argparse.Namespace,
    target: Target | None,
    stand_in: StandIn | None = None,
    fleet: Sequence[Target] = (),
) -> int:
    _require_terminal()
    if args.slow_link:  # Textual reads these when it is imported
        os.environ["TEXTUAL_COLOR_SYSTEM"] = "256"
        os.environ["TEXTUAL_FPS"] = "10"
    from dbtui.tui.app import Options, run_console

    options = Options(theme=args.theme, ascii=args.ascii, slow_link=args.slow_link, interval=args.interval)
    return run_console(target, options, stand_in, fleet)
