"""The shadow's own process: starts the server, and ends it and removes its folder when it is left alone.

Run as `python -m dbtui.shadow.guardian`. On standard output it writes one line of JSON, {"ready": …} or
{"error": …}; it lives as long as its standard input is open.
"""

from __future__ import annotations

import signal
import sys

from dbtui.engines.postgres.embedded import EmbeddedServer
from dbtui.engines.postgres.guard import begin, new_folder, remove, say
from dbtui.errors import DbtuiError

SETTINGS = {
    "cluster_name": "dbtui-shadow",
    "autovacuum": "off",  # it would count the rows, and find none
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_worker_processes": "8",  # none is started: a plan with workers only wants them to be allowed
    "max_locks_per_transaction": "1024",
    "track_counts": "off",
    "log_min_messages": "fatal",  # statements that fail are reported by those who sent them
    "timezone": "UTC",
}


def main() -> int:
    begin()
    try:
        return _guard()
    except DbtuiError as problem:
        say(error=type(problem).__name__, message=problem.message, hint=problem.hint)
    except OSError as problem:
        say(error="ConnectError", message=f"the shadow could not be set up: {problem}", hint="see TMPDIR")
    return 2


def _guard() -> int:
    folder = new_folder("dbtui-shadow-")
    server = None
    try:
        server = EmbeddedServer(folder, SETTINGS, extra="shadow")
        server.initdb("--no-data-checksums")  # pages are written behind the server's back
        server.start()
        say(ready={"folder": str(folder), "programs": str(server.bin), "version": server.version})
        while True:
            signal.pause()
    finally:
        if server is not None:
            server.stop()
        remove(folder)


if __name__ == "__main__":
    sys.exit(main())
