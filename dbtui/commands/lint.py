"""`dbtui lint`: judge migrations without a connection."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence

from dbtui import __version__
from dbtui.commands.streams import check_fail_on, fails
from dbtui.errors import UsageError
from dbtui.migrations.assess import DEFAULT_VERSIONS, PACKAGE, walk
from dbtui.migrations.files import MigrationFile, dialect_of, read_files
from dbtui.model.migration import Assessed, Engine
from dbtui.output.github import github
from dbtui.output.lint_json import Tally, lint_json
from dbtui.output.lint_text import lint_text
from dbtui.output.sarif import sarif
from dbtui.rules.base import load_rule, rule_ids


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="SQL files, folders of them, or - for standard input"
    )
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in Engine],
        help="default: detected from the files, else postgresql",
    )
    parser.add_argument(
        "--server-version", metavar="VERSION", help="such as 15, 8.0.29 or 10.11 (default: a current one)"
    )
    parser.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="FILE",
        help="DDL of what exists already; read, not judged",
    )
    parser.add_argument("--format", choices=["text", "json", "sarif", "github"], default="text")
    parser.add_argument(
        "--fail-on",
        default="error",
        metavar="SEVERITY|RULE",
        help="exit 1 on findings from this severity on, or of this rule; or never (default error)",
    )
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="leave a rule out; can be repeated"
    )
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show statements without findings too (text)"
    )


def run(args: argparse.Namespace) -> int:
    """0 nothing at or above --fail-on, 1 findings. Raises UsageError and InputError for what cannot be used."""
    check_fail_on(args.fail_on, rule_ids(PACKAGE))
    files = read_files(args.files)
    before = read_files(args.schema)
    engine = Engine(args.engine) if args.engine else _guess((*files, *before))
    version = _version(args.server_version) if args.server_version else DEFAULT_VERSIONS[engine]
    tally = Tally()
    ignored = frozenset(args.ignore)
    assessed = tally.counted(one for _, one in walk(files, engine, version, before, ignore=ignored))
    written = False
    for piece in _formatted(assessed, tally, args.format, args.verbose):
        written = written or bool(piece)
        print(piece, end="")
    if written:
        print()
    return int(any(fails(severity, rule, args.fail_on) for severity, rule in tally.kinds))


def _guess(files: Sequence[MigrationFile]) -> Engine:
    for file in files:
        engine = dialect_of(file.text)
        if engine is not Engine.POSTGRESQL:
            return engine
    return Engine.POSTGRESQL


def _version(text: str) -> tuple[int, ...]:
    match = re.match(r"(\d+(?:\.\d+){0,3})", text.strip())
    if match is None:
        raise UsageError(f"{text} is not a server version", "write it as 15, 8.0.29 or 10.11.6")
    return tuple(int(part) for part in match.group(1).split("."))


def _formatted(assessed: Iterable[Assessed], tally: Tally, form: str, verbose: bool) -> Iterable[str]:
    """The output in pieces, so that a dump of millions of lines is not kept."""
    if form == "json":
        return lint_json(assessed, tally)
    if form == "github":
        return (github([one for one in assessed if one.findings]),)
    if form == "sarif":
        found = [one for one in assessed if one.findings]
        return (sarif(found, __version__, lambda rule_id: load_rule(PACKAGE, rule_id).docs),)
    return lint_text(assessed, tally, verbose=verbose)
