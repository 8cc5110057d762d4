"""The demo's own process: makes the server, tends the workload, clears everything away when it is left alone.

Run as `python -m dbtui.demo.guardian OPTIONS`, OPTIONS being the JSON of `Options`. It lives as long as its
standard input is open, so that any death of the console ends the demo: a quit, Ctrl-C, a hang-up, a SIGKILL.
On standard output it writes lines of JSON, {"progress": …} until {"ready": …} or {"error": …}, and then no
more.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NoReturn

from dbtui.demo import neighbours
from dbtui.demo.neighbours.street import Street
from dbtui.demo.shop import DATABASE, Seed, forget, prepare
from dbtui.demo.workload.crew import Crew
from dbtui.engines.postgres.embedded import EmbeddedServer
from dbtui.engines.postgres.guard import begin, new_folder, remove, say
from dbtui.errors import ConnectError, DbtuiError, UsageError

MARKER = "dbtui-demo.json"  # says that a folder is a demo's, and with which seed
PROCESSES = "processes"  # "name pid" lines of all that belongs to the demo
LOG = "workload.log"
SETTINGS = {
    "cluster_name": "demo-shop",
    "max_connections": "60",
    "reserved_connections": "2",
    "shared_buffers": "64MB",  # less than the shop has, so that there are reads to see
    "work_mem": "4MB",
    "effective_cache_size": "256MB",
    "fsync": "off",
    "full_page_writes": "off",
    "min_wal_size": "16MB",
    "max_wal_size": "160MB",
    "max_parallel_workers_per_gather": "1",
    "autovacuum_naptime": "15s",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "track_functions": "pl",
    "track_activity_query_size": "16kB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_lock_waits": "on",
    "log_min_duration_statement": "1s",
}
_TICK, _STARTING_TICK = 0.5, 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Options:
    """What the console asks for. `folder` is empty for a new one in the system's temporary folder."""

    folder: str
    keep: bool
    workload: bool
    fresh: bool
    scale: float
    anchor: str
    neighbours: bool


def main() -> int:
    options = Options(**json.loads(sys.argv[1]))
    begin()
    try:
        _guard(options)
    except DbtuiError as problem:
        say(error=type(problem).__name__, message=problem.message, hint=problem.hint)
        return 2
    except OSError as problem:
        say(
            error="ConnectError",
            message=f"the demo could not be set up: {problem}",
            hint="free some space, or see TMPDIR",
        )
        return 2
    return 0


def _progress(text: str) -> None:
    say(progress=text)


def _guard(options: Options) -> None:
    folder, made = _folder(options)
    server = None
    crew = None
    street = None
    try:
        server = EmbeddedServer(folder, SETTINGS)
        _note_processes(folder, {"guardian": os.getpid()})
        _start(server, options)
        if options.workload:
            crew = Crew(server, _sizes(server), folder / LOG)
            crew.tend()
        street = Street(neighbours.found(folder, server.account) if options.neighbours else [], folder / LOG)
        if options.neighbours and (line := neighbours.how_to_get_the_others()):
            _progress(line)
        _note_processes(folder, _processes(server, crew))
        say(ready={"folder": str(folder), "version": server.version, "neighbours": street.urls()})
        _silence(folder / LOG)
        _tend(server, crew, street)
    finally:
        if street is not None:
            street.stop()
        if crew is not None:
            crew.stop()
        if server is not None:
            server.stop(clean=options.keep)
        (folder / PROCESSES).unlink(missing_ok=True)
        if made and not (options.keep and (folder / MARKER).exists()):
            remove(folder)


def _folder(options: Options) -> tuple[Path, bool]:
    """The demo's folder, and whether it is ours to remove. Raises UsageError."""
    if not options.folder:
        return new_folder("dbtui-demo-"), True
    folder = Path(options.folder)
    if (folder / MARKER).exists():
        _refuse_a_second(folder)
        return folder, False
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something else than a demo", "name an empty or a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder, True


def _start(server: EmbeddedServer, options: Options) -> None:
    """Fill the folder unless it is a kept one, and start the server on it."""
    seed = Seed(options.scale, date.fromisoformat(options.anchor))
    marker = server.folder / MARKER
    if marker.exists():
        _progress(f"starting the demo kept in {server.folder}")
        server.start()
        return
    prepare(server, seed, fresh=options.fresh, progress=_progress)
    _progress("starting PostgreSQL")
    try:
        server.start()
    except ConnectError:
        _progress("the shop from the cache does not start: making it again")
        forget(server, seed)
        shutil.rmtree(server.data)
        prepare(server, seed, fresh=True, progress=_progress)
        server.start()
    marker.write_text(json.dumps({"version": 1, "scale": seed.scale, "anchor": options.anchor}) + "\n")


def _refuse_a_second(folder: Path) -> None:
    """A kept demo runs once at a time. Raises UsageError."""
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return
    raise UsageError(f"the demo in {folder} is running already", "leave it first, or start another one")


def _sizes(server: EmbeddedServer) -> dict[str, int]:
    """How many rows the workload may choose from."""
    counts = server.psql("select max(id) from shop.customers; select max(id) from shop.products", DATABASE)
    customers, products = map(int, counts.split())
    return {"customers": customers, "products": products}


def _processes(server: EmbeddedServer, crew: Crew | None, street: Street | None = None) -> dict[str, int]:
    found = {"guardian": os.getpid()} | (crew.pids() if crew is not None else {})
    found |= street.pids() if street is not None else {}
    return found | ({"server": server.pid} if server.pid is not None else {})


def _note_processes(folder: Path, processes: dict[str, int]) -> None:
    partial = folder / f"{PROCESSES}.new"
    partial.write_text("".join(f"{name} {pid}\n" for name, pid in processes.items()))
    partial.rename(folder / PROCESSES)


def _silence(log: Path) -> None:
    """From here on the terminal belongs to the console: what we would write goes to the log."""
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


def _tend(server: EmbeddedServer, crew: Crew | None, street: Street) -> NoReturn:
    while True:
        changed = street.tend()
        time.sleep(_TICK if street.settled else _STARTING_TICK)
        changed |= crew is not None and crew.tend()
        if server.pid is None:  # a crash, or somebody ended it: it recovers as any server does
            server.start()
            changed = True
        if changed:
            _note_processes(server.folder, _processes(server, crew, street))


if __name__ == "__main__":
    sys.exit(main())
