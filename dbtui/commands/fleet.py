"""`dbtui fleet`: several servers at once, one line each, in the console or as text or JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from dbtui import text
from dbtui.config import Target, load_connections, resolve
from dbtui.errors import UsageError
from dbtui.live.fleet import Fleet, Line
from dbtui.live.thresholds import read_thresholds, thresholds_file

EXAMPLES = """\
examples:
  dbtui fleet                              all saved connections
  dbtui fleet prod-orders prod-users       some of them
  dbtui fleet --tag eu                     those with a tag
  dbtui fleet --format json                one round for a script: exit code 1 where a server does not answer"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.epilog = EXAMPLES
    parser.add_argument("servers", nargs="*", metavar="URL|NAME", help="default: all saved connections")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="saved connections with this tag"
    )
    parser.add_argument("--format", choices=("text", "json"), help="one round, without the console")
    parser.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="that a round may take (default 10)"
    )


def run(args: argparse.Namespace, open_console: Callable[[None, None, Sequence[Target]], int]) -> int:
    """Open the console on the fleet, or print one round. Raises UsageError, ConfigError."""
    targets = chosen(args.servers, args.tag)
    if args.format is None and sys.stdout.isatty():
        return open_console(None, None, targets)
    lines = asyncio.run(one_round(targets, args.timeout))
    print(as_json(lines) if args.format == "json" else as_text(lines))
    return int(any(line.trouble or line.taken_at is None for line in lines))


def chosen(servers: Sequence[str], tags: Sequence[str]) -> list[Target]:
    """The servers that were named, those with one of the tags, or all saved ones."""
    targets = [resolve(server) for server in servers]
    saved = list(load_connections().values()) if tags or not servers else []
    targets += [target for target in saved if not tags or set(tags) & set(target.tags)]
    if not targets:
        raise UsageError("there is no server to watch", "name some, or save connections")
    return list({target.name: target for target in targets}.values())


async def one_round(targets: Sequence[Target], seconds: float) -> tuple[Line, ...]:
    """One sample of each server; those that do not answer in time say so."""
    fleet = Fleet(targets, changes=read_thresholds(thresholds_file()), interval=0.5)
    fleet.start()
    try:
        await fleet.first_round(seconds)
        await asyncio.sleep(min(1.0, seconds / 4))  # rates are made of two samples
        return fleet.lines
    finally:
        await fleet.stop()


def as_json(lines: Sequence[Line]) -> str:
    """One object a server."""
    return json.dumps(
        {"version": 1, "servers": [_object(line) for line in lines]}, indent=2, ensure_ascii=False
    )


def _object(line: Line) -> dict[str, Any]:
    age = line.age(time.time())
    return {
        "name": line.target.name,
        "environment": line.target.environment.value,
        "link": line.link.value,
        "trouble": line.trouble or ("" if line.taken_at is not None else "no answer in time"),
        "product": line.product,
        "version": line.version,
        "role": line.role,
        "load": line.load,
        "waiting": line.waiting,
        "longest_wait_s": round(line.longest, 1),
        "connections": line.connections,
        "limit": line.limit,
        "lag_s": line.lag,
        "errors_per_s": line.errors,
        "age_s": None if age is None else round(age, 1),
        "findings": [
            {"rule": f.rule, "severity": f.severity.value, "message": f.message} for f in line.findings
        ],
    }


def as_text(lines: Sequence[Line]) -> str:
    """A table, with what is wrong at the end of a line."""
    rows = [("SERVER", "ENV", "PRODUCT", "LOAD", "WAITS", "CONNS", "LAG", "ERR/S", "WRONG")]
    for line in lines:
        conns = (
            ""
            if line.connections is None
            else f"{line.connections}/{line.limit}"
            if line.limit
            else str(line.connections)
        )
        rows.append(
            (
                line.target.name, line.target.environment.value, f"{line.product} {line.version}".strip(),
                figure(line.load), figure(line.waiting), conns, "" if line.lag is None else f"{line.lag:.0f} s",
                figure(line.errors), wrong(line),
            )
        )  # fmt: skip
    shown = [[text.printable(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in shown
    )


def figure(value: float | None) -> str:
    """A figure in few characters."""
    return "" if value is None else f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def wrong(line: Line) -> str:
    """What is wrong, in one line: why it does not answer, else the gravest finding."""
    if line.trouble or line.taken_at is None:
        return line.trouble or "no answer yet"
    return line.findings[0].message if line.findings else ""
