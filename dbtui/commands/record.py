"""`dbtui record URL -o FILE`: what the live panes would have shown, hour after hour, without a console."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import sys
import time
from pathlib import Path

from dbtui import engines, policy
from dbtui.config import Target, resolve
from dbtui.errors import UsageError
from dbtui.live.recorder import KEEP_RECORDING, Recorder, RecordingFile
from dbtui.live.sampler import Sampler
from dbtui.live.tape import MOST_FILE, Header
from dbtui.model.snapshot import Link, Snapshot
from dbtui.text import duration, printable, size

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DAY = 86_400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `dbtui record`."""
    parser.add_argument("server", metavar="URL|NAME", help="a connection URL or a saved connection")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="a new file (0600)")
    parser.add_argument("--interval", type=_seconds, default=2.0, metavar="SECONDS", help="default 2")
    parser.add_argument(
        "--for", type=_seconds, default=None, dest="span", metavar="TIME",
        help="30m, 8h, 2d; without it until it is interrupted",
    )  # fmt: skip
    parser.add_argument(
        "--with-literals",
        action="store_true",
        help="keep the values in statements: they may be personal data",
    )
    parser.add_argument(
        "--expires", type=_seconds, default=KEEP_RECORDING, metavar="TIME",
        help="from when on it is not opened any more (default 30d)",
    )  # fmt: skip


def _seconds(text: str) -> float:
    """A time such as 2, 30m, 8h or 7d, in seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = 0.0
    if not 0.1 <= seconds <= 3650 * _DAY:
        raise argparse.ArgumentTypeError(f"{text} is not a length of time: write 2, 30m, 8h or 7d")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Record until the time is over or it is interrupted. Raises UsageError, Forbidden, ConnectError, OSError."""
    policy.current().refuse(policy.Feature.RECORDING)
    return asyncio.run(_Recording(resolve(args.server), args).run())


class _Recording:
    """One run: a sampler, the file, and what is said on standard error."""

    def __init__(self, target: Target, args: argparse.Namespace) -> None:
        self._engine = engines.create(target)
        started = time.time()
        header = Header(
            self._engine.name, target.name, started, environment=str(target.environment),
            literals=args.with_literals, expires=started + args.expires,
            metrics=tuple(self._engine.monitor.metrics),
        )  # fmt: skip
        self._recorder = Recorder(header, span=0.0)  # nothing is kept in memory
        self._file = self._recorder.file = RecordingFile(args.output, header)
        self._args = args
        self._ended = asyncio.Event()
        self._refused = ""
        self._said = ""
        self._samples = 0

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ended.set)
        sampler = Sampler(
            self._engine.open, self._engine.monitor, interval=self._args.interval, on_snapshot=self._take
        )
        task = asyncio.create_task(sampler.run())
        task.add_done_callback(lambda _task: self._ended.set())
        try:
            async with asyncio.timeout(self._args.span):
                await self._ended.wait()
        except TimeoutError:
            pass
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=1.0)
            self._file.close()
            await self._engine.close()
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
        return self._finish()

    def _take(self, snapshot: Snapshot) -> None:
        if snapshot.server is None and snapshot.link is Link.CLOSED:
            self._refused = snapshot.trouble
            self._ended.set()
            return
        before = self._file.size
        self._recorder.take(snapshot)
        self._samples += self._file.size > before
        self._tell(self._file.trouble or snapshot.trouble)
        if self._file.size > MOST_FILE * 0.95:
            self._tell(f"the file is full: {size(self._file.size)} is the most that is read again")
            self._ended.set()

    def _tell(self, line: str) -> None:
        """Say what is wrong, once for each thing that is."""
        what = re.sub(r"\d+", "", line)
        if line and what != self._said:
            print(f"record: {printable(line)}", file=sys.stderr, flush=True)
        self._said = what

    def _finish(self) -> int:
        if self._refused:
            self._file.path.unlink(missing_ok=True)
            raise UsageError(self._refused)
        took = duration(time.time() - self._recorder.tape.header.started)
        lost = f", {self._file.lost} samples were lost" if self._file.lost else ""
        name = printable(str(self._file.path))
        print(
            f"record: {self._samples} samples in {took}, {size(self._file.size)}{lost}: dbtui replay {name}",
            file=sys.stderr,
        )
        return 1 if self._file.lost else 0
