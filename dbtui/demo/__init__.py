"""The demo: a shop on a PostgreSQL of its own, under a load of its own, that leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from dbtui import errors
from dbtui.config import Target
from dbtui.errors import ConnectError, DbtuiError
from dbtui.model.server import Environment
from dbtui.urls import scheme_of

ROLES = ("dbtui", "app_rw", "app_ro", "reporting", "worker", "shop_admin", "postgres")
_STOP_TIMEOUT = 15.0  # seconds
_PACKAGES = Path(__file__).parents[2]


def this_week() -> date:
    """The Monday of this week: recent enough for a report of the last days, and seldom a new template."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday())


class Demo:
    """A demo: `with Demo() as target: connect(target)`, or `start()` and `stop()`.

    It lives in a process of its own, which ends when this object is stopped or this process dies in whatever
    way. `seed_scale` 1 is about 665,000 rows; `anchor` is the day after the last order, this week's Monday
    unless stated; `folder` is for a demo that stays there and is kept; `fresh` ignores the cached rows;
    `neighbours` adds servers of other products, as far as their programs are found;
    `progress` gets a line for each step of the start.
    """

    def __init__(
        self,
        *,
        workload: bool = True,
        seed_scale: float = 1.0,
        keep: bool = False,
        folder: Path | None = None,
        fresh: bool = False,
        anchor: date | None = None,
        neighbours: bool = False,
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.keep = keep or folder is not None
        self.folder = folder
        self.version = ""
        self._neighbours: dict[str, str] = {}
        self._progress = progress
        self._options = {
            "folder": str(folder.absolute()) if folder is not None else "",
            "keep": self.keep,
            "workload": workload,
            "fresh": fresh,
            "scale": seed_scale,
            "neighbours": neighbours,
            "anchor": (anchor or this_week()).isoformat(),
        }
        self._guardian: subprocess.Popen[str] | None = None

    def __enter__(self) -> Target:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Target:
        """Make and start everything. Raises UsageError without the wheel, ConnectError, QueryError."""
        path = os.pathsep.join(filter(None, (str(_PACKAGES), os.environ.get("PYTHONPATH"))))
        guardian = subprocess.Popen(
            [sys.executable, "-P", "-m", "dbtui.demo.guardian", json.dumps(self._options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C and a hang-up reach it through the pipe alone
        )
        self._guardian = guardian
        try:
            self._listen(guardian)
        except BaseException:
            self.stop()
            raise
        return self.target

    def _listen(self, guardian: subprocess.Popen[str]) -> None:
        assert guardian.stdout is not None
        for line in guardian.stdout:
            said: dict[str, Any] = json.loads(line)
            if "progress" in said:
                self._progress(said["progress"])
            elif "error" in said:
                kind: type[DbtuiError] = getattr(errors, said["error"], ConnectError)
                raise kind(said["message"], said["hint"])
            else:
                self.folder = Path(said["ready"]["folder"])
                self.version = said["ready"]["version"]
                self._neighbours = said["ready"]["neighbours"]
                return
        raise ConnectError("the demo ended before it was ready", "try `dbtui demo --fresh`")

    def stop(self) -> None:
        """End all its processes and, unless it is kept, remove its folder. A second call does nothing."""
        guardian, self._guardian = self._guardian, None
        if guardian is None:
            return
        processes = self.processes()
        for pipe in (guardian.stdin, guardian.stdout):
            if pipe is not None:
                pipe.close()
        try:
            guardian.wait(_STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            guardian.kill()
            guardian.wait()
        if guardian.returncode < 0:  # it was killed, and could not clear away
            self._clear_away(processes)

    def _clear_away(self, processes: dict[str, int]) -> None:
        processes.pop("guardian", None)
        for name, pid in processes.items():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT if name == "server" else signal.SIGKILL)
        if self.folder is not None and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def processes(self) -> dict[str, int]:
        """The pids of the demo by name: guardian, server, storefront, checkout, dramas."""
        if self.folder is None:
            return {}
        try:
            lines = (self.folder / "processes").read_text().splitlines()
        except OSError:
            return {}
        return {name: int(pid) for name, pid in (line.split() for line in lines)}

    def url(self, role: str = "dbtui", database: str = "shop") -> str:
        """The URL of a role; none of `ROLES` has a password."""
        return f"postgresql://{role}@/{database}?host={quote(str(self.folder))}"

    @property
    def target(self) -> Target:
        """The console's way in: a role that reads everything and may end sessions, but writes nothing."""
        return Target("demo-shop", "postgresql", self.url(), Environment.DEVELOPMENT)

    @property
    def neighbours(self) -> list[Target]:
        """The other servers of the demo. Some of them are still starting."""
        return [
            Target(f"demo-{name}", scheme_of(url), url, Environment.DEVELOPMENT)
            for name, url in self._neighbours.items()
        ]

    def describe(self) -> str:
        """What it is and where, in a few lines."""
        running = ", ".join(f"{name} {pid}" for name, pid in self.processes().items())
        lines = [
            f"{self.version or 'PostgreSQL'} with a made-up shop in {self.folder}, on a unix socket only",
            f"URL       {self.url()}",
            f"roles     {', '.join(ROLES)} (no passwords)",
            f"processes {running or 'none'}",
        ]
        if self.keep:
            lines.append(f"kept      come back with: dbtui demo --folder {self.folder}")
        return "\n".join(lines)
