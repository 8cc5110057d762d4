"""`python -m tests.servers [NAME …]`: fetch the servers of the tests, all of them by default."""

from __future__ import annotations

import argparse
import fcntl
import os
import time

from tests.servers.fetch import NotHad, install
from tests.servers.places import SERVERS
from tests.servers.recipes import RECIPES


def main() -> None:
    names = [r.name for r in RECIPES]
    parser = argparse.ArgumentParser(prog="python -m tests.servers", description=__doc__)
    parser.add_argument("name", nargs="*", choices=[*names, []], help=", ".join(names), metavar="NAME")
    wanted = parser.parse_args().name or names
    if os.geteuid() == 0:
        os.umask(0o022)  # servers that refuse to run as root must read what root unpacks
    SERVERS.mkdir(parents=True, exist_ok=True)
    print(f"Servers for the tests, in {SERVERS}")
    with (SERVERS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for recipe in (r for r in RECIPES if r.name in wanted):
            print(f"  {recipe.name:14}", end="", flush=True)
            start = time.monotonic()
            try:
                said = install(recipe, SERVERS)
            except NotHad as problem:
                said = f"not to be had, its tests will be skipped: {problem}"
            took = time.monotonic() - start
            print(said + (f" ({took:.0f} s)" if took >= 1 else ""), flush=True)


if __name__ == "__main__":
    main()
