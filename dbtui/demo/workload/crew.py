"""The workload's child processes: started, watched, and started again when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dbtui.demo.shop import DATABASE
from dbtui.engines.postgres.embedded import Account, EmbeddedServer, clean_environment, tethered

_SCRIPTS = Path(__file__).parents[1] / "pgbench"
_YEAR = 365 * 24 * 3600
_RESTART_AFTER = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class Clients:
    """One pgbench: so many clients of one role, at so many transactions a second in all."""

    application: str
    role: str
    clients: int
    rate: float  # transactions per second
    scripts: Mapping[str, int]  # script → its weight

    def command(self, server: EmbeddedServer, sizes: Mapping[str, int]) -> list[str]:
        """pgbench's command line; a transaction that is over 1 s late is skipped, not caught up with."""
        argv = [str(server.bin / "pgbench"), "--no-vacuum", "--protocol=prepared", "--max-tries=5"]
        argv += [f"--client={self.clients}", "--jobs=1", f"--rate={self.rate}", "--latency-limit=1000"]
        argv += [f"--time={_YEAR}", "--random-seed=7", f"--host={server.folder}", f"--username={self.role}"]
        argv += [f"--define={name}={value}" for name, value in sizes.items()]
        argv += [f"--file={_SCRIPTS / self.application}_{name}.sql@{n}" for name, n in self.scripts.items()]
        return [*argv, DATABASE]


_PGBENCH = (
    Clients(
        "storefront",
        "app_ro",
        4,
        90,
        {"product": 12, "search": 3, "category": 3, "my_orders": 4, "login": 1},
    ),
    Clients("checkout", "app_rw", 3, 12, {"cart": 4, "order": 4, "event": 6, "abandon": 1}),
)


@dataclass(slots=True)
class _Child:
    name: str
    argv: list[str]
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0  # monotonic seconds of the next try
    deaths: list[int] = field(default_factory=list)


class Crew:
    """The children of one demo. What they print goes to the log, and so does the death of one."""

    def __init__(self, server: EmbeddedServer, sizes: Mapping[str, int], log: Path) -> None:
        self._log = log
        self._children = [
            _Child(
                c.application, c.command(server, sizes), clean_environment() | {"PGAPPNAME": c.application}
            )
            for c in _PGBENCH
        ]
        dramas = [sys.executable, "-P", "-m", "dbtui.demo.workload", str(server.folder)]
        dramas += [f"{name}={value}" for name, value in sizes.items()]
        self._children.append(_Child("dramas", dramas, dict(os.environ)))

    def tend(self) -> bool:
        """Start whoever is not running and may start again; whether any process changed."""
        changed = False
        for child in self._children:
            code = None if child.process is None else child.process.poll()
            if code is not None:
                child.process = None
                child.start_at = time.monotonic() + _RESTART_AFTER
                child.deaths.append(code)
                self._note(
                    f"{child.name} ended with {code} for the {len(child.deaths)}. time and is started again"
                )
                changed = True
            if child.process is None and time.monotonic() >= child.start_at:
                self._start(child)
                changed = True
        return changed

    def _start(self, child: _Child) -> None:
        with self._log.open("ab") as log:
            child.process = subprocess.Popen(
                tethered(child.argv, Account(), signal.SIGKILL),
                env=child.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _note(self, text: str) -> None:
        with self._log.open("a") as log:
            log.write(f"{time.strftime('%H:%M:%S')} {text}\n")

    def pids(self) -> dict[str, int]:
        """Who runs now, by name."""
        return {child.name: child.process.pid for child in self._children if child.process is not None}

    def stop(self) -> None:
        """End all at once: they hold nothing that is not the server's."""
        processes = [child.process for child in self._children if child.process is not None]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()
