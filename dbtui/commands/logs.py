"""`dbtui logs FILE|-|URL`: which statements a slow log is made of, as a table, as JSON or in the console."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from itertools import chain, islice
from pathlib import Path

from dbtui import logs
from dbtui.errors import InputError, UsageError
from dbtui.live.masking import masker, shaper
from dbtui.live.stand_in import StandIn, of_log
from dbtui.logs import mysql_table, postgres_stderr, source
from dbtui.logs.ranking import Ranking
from dbtui.model.activity import Deadlock, Statement, Statements
from dbtui.model.log import LogEntry
from dbtui.model.server import Server
from dbtui.text import count, milliseconds, one_line, percent, printable

SORTS: dict[str, Callable[[Statement], float]] = {
    "total": lambda s: s.total_ms,
    "calls": lambda s: s.calls,
    "mean": lambda s: s.total_ms / s.calls if s.calls else 0.0,
    "rows": lambda s: s.rows_read or s.rows or 0,
}
HEAD_LINES = 200
MOST_DEADLOCKS = 5  # that are printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dbtui logs`."""
    parser.add_argument(
        "log", metavar="FILE|-|URL",
        help="a log (also .gz), - for standard input, or the URL of a MySQL or MariaDB server with mysql.slow_log",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="open the console on it")
    parser.add_argument("--follow", action="store_true", help="keep reading as it grows, in the console")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--sort", choices=sorted(SORTS), default="total", help="default total")
    parser.add_argument("--limit", type=int, default=25, metavar="N", help="statements that are printed (25)")
    parser.add_argument("--with-literals", action="store_true", help="keep the values in statements")
    parser.add_argument(
        "--format", choices=[form.NAME for form in logs.FORMATS], help="else detected by its content"
    )
    parser.add_argument("--prefix", default="", metavar="TEXT", help="PostgreSQL's log_line_prefix")


def run(args: argparse.Namespace, open_console: Callable[[None, StandIn], int]) -> int:
    """Print the ranking, or open it. Raises InputError, UsageError, ConnectError, QueryError."""
    if "://" in args.log:
        reading = _Reading("mysql.slow_log", mysql_table.ENGINE, args)
        reading.take(asyncio.run(_slow_log(args.log)))
    elif args.follow:
        if args.log == "-":
            raise UsageError("standard input is followed as it is", "leave --follow away")
        return _follow(Path(args.log), args, open_console)
    else:
        reading = _whole(args)
    if args.open:
        if args.log == "-":
            _take_keys_from_the_terminal()
        return open_console(None, reading.stand_in(args.log))
    _print(reading.ranking.statements(), reading, args)
    return 0


def _take_keys_from_the_terminal() -> None:
    """In the place of the pipe that standard input was. Raises UsageError where there is no terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError("there is no terminal for the keys", "give the log as a file") from error
    os.dup2(terminal, sys.stdin.fileno())
    os.close(terminal)


class _Reading:
    """A log on its way into a ranking."""

    def __init__(self, name: str, engine: str, args: argparse.Namespace) -> None:
        self.name = name
        self.engine = engine
        self.skipped = 0
        mask = (lambda text: text) if args.with_literals else masker(engine)
        self.parser: logs.Parser | None = None
        self._mask = mask
        self.ranking = Ranking(name, shaper(engine), mask)
        self._lock = threading.Lock()

    def take(self, entries: Iterator[LogEntry] | list[LogEntry]) -> None:
        for entry in entries:
            with self._lock:
                self.ranking.add(entry)

    def rows(self) -> Statements:
        """What was read so far."""
        with self._lock:
            return self.ranking.statements()

    def deadlocks(self) -> Sequence[Deadlock]:
        """Those that were told of, masked as the statements are."""
        found = tuple(self.parser.deadlocks) if self.parser is not None else ()
        return tuple(
            replace(one, parties=tuple(replace(p, statement=self._mask(p.statement)) for p in one.parties))
            for one in found
        )

    def stand_in(self, name: str) -> StandIn:
        """The console's way to it."""
        server = Server(self.name, "", 0, "", Path(name).name if "://" not in name else "", "", "")
        shown = Path(name).name if "://" not in name else self.name
        return of_log(shown, self.engine, server, self.rows, self.deadlocks)


def _parser(args: argparse.Namespace, head: list[str]) -> tuple[str, str, logs.Parser]:
    """The format's name and engine, and a parser for it. Raises InputError."""
    form = logs.named(args.format) if args.format else logs.recognise("\n".join(head)[: logs.HEAD])
    parser: logs.Parser = (
        postgres_stderr.Parser(args.prefix) if form is postgres_stderr and args.prefix else form.Parser()
    )
    return form.NAME, form.ENGINE, parser


def _whole(args: argparse.Namespace) -> _Reading:
    """A whole log, read to its end."""
    try:
        # standard input stays open: the terminal may take its place
        opened = nullcontext(sys.stdin.buffer) if args.log == "-" else source.opened(Path(args.log))
    except OSError as error:
        raise InputError(f"{args.log} cannot be read: {error.strerror}") from error
    with opened as file:
        lines = source.lines(file)
        head = list(islice(lines, HEAD_LINES))
        name, engine, parser = _parser(args, head)
        reading = _Reading(name, engine, args)
        reading.parser = parser
        for line in chain(head, lines):
            reading.take(list(parser.feed(line)))
        reading.take(list(parser.end()))
        reading.skipped = parser.skipped
    return reading


def _follow(path: Path, args: argparse.Namespace, open_console: Callable[[None, StandIn], int]) -> int:
    """The console on a log that grows; a thread reads it until the console is left."""
    left = threading.Event()
    try:
        with source.opened(path) as file:
            head = list(islice(source.lines(file), HEAD_LINES))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    name, engine, parser = _parser(args, head)
    reading = _Reading(name, engine, args)
    reading.parser = parser

    def read() -> None:
        for line in source.followed(path, left.is_set):
            reading.take(list(parser.feed(line) if line is not None else parser.end()))

    threading.Thread(target=read, daemon=True, name=f"follows {path.name}").start()
    try:
        return open_console(None, reading.stand_in(str(path)))
    finally:
        left.set()


async def _slow_log(url: str) -> list[LogEntry]:
    """The rows of mysql.slow_log. Raises UsageError for another product's URL."""
    from dbtui.config import resolve
    from dbtui.engines import create

    target = resolve(url)
    engine = create(target)
    if engine.name != "mysql" or engine.query is None:
        raise UsageError(f"{target.name} has no mysql.slow_log", "give the log as a file")
    entries: list[LogEntry] = []
    try:
        await engine.open()
        cursor = await engine.query.run(mysql_table.QUERY, timeout=60.0)
        more = True
        while more:
            page = await cursor.fetch(500)
            entries += map(mysql_table.entry_of, page.rows)
            more = page.more
        await cursor.close()
    finally:
        await engine.close()
    return entries


# ---- printing


def _print(found: Statements, reading: _Reading, args: argparse.Namespace) -> None:
    chosen = sorted(found.statements, key=SORTS[args.sort], reverse=True)[: args.limit]
    total = sum(s.total_ms for s in found.statements) or 1.0
    if args.json:
        said = {
            "version": 1, "format": reading.name, "entries": reading.ranking.entries, "skipped": reading.skipped,
            "first": reading.ranking.first, "last": reading.ranking.last,
            "statements": [_object(s, total) for s in chosen],
            "deadlocks": [asdict(one) for one in reading.deadlocks()],
        }  # fmt: skip
        print(json.dumps(said, ensure_ascii=False, indent=2))
        return
    print(_summary(found, reading))
    print(f"{'load':>7}  {'calls':>6}  {'mean':>9}  {'total':>9}  {'rows':>6}  statement")
    for s in chosen:
        mean = milliseconds(s.total_ms / s.calls if s.calls else None)
        who = "@".join(part for part in (s.user, s.database) if part)
        print(
            f"{percent(s.total_ms / total):>7}  {count(s.calls):>6}  {mean:>9}  {milliseconds(s.total_ms):>9}"
            f"  {count(s.rows_read if s.rows_read is not None else s.rows):>6}"
            f"  {printable(who)}: {one_line(s.query or '', 200)}"
        )
    _print_deadlocks(reading.deadlocks())


def _print_deadlocks(found: Sequence[Deadlock]) -> None:
    """The newest ones, each with the statements of both sides."""
    if found:
        print(f"\n{_many(len(found), 'deadlock')}, the newest first")
    for one in list(reversed(found))[:MOST_DEADLOCKS]:
        print(f"  {printable(one.at)}")
        for party in one.parties:
            fate = ", rolled back" if party.victim else ""
            print(f"    process {printable(party.session)}{fate}: {one_line(party.statement, 200)}")
            print(f"      waited for {one_line(party.waits, 200)}")


def _many(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _summary(found: Statements, reading: _Reading) -> str:
    ranking = reading.ranking
    shapes = _many(len(found.statements), "shape")
    pieces = [f"{_many(ranking.entries, 'statement')} of {shapes} in a {reading.name} log"]
    if ranking.first is not None and ranking.last is not None:
        pieces.append(f"{_clock(ranking.first)} to {_clock(ranking.last)}")
    if reading.skipped:
        pieces.append(f"{reading.skipped:,} lines not understood")
    if ranking.evicted:
        pieces.append(f"{ranking.evicted:,} rare shapes left out")
    return ", ".join(pieces)


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _object(s: Statement, total: float) -> dict[str, object]:
    return {
        "query": s.query, "user": s.user, "database": s.database, "calls": s.calls, "total_ms": round(s.total_ms, 3),
        "mean_ms": round(s.total_ms / s.calls, 3) if s.calls else None, "share": round(s.total_ms / total, 4),
        "rows": s.rows, "rows_read": s.rows_read,
    }  # fmt: skip
