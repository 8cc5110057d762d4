"""A database of 50,000 tables: opening the tree, and finding a table by a few letters."""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time

from tests.bench.keys import key_of
from tests.bench.load import login
from tests.bench.tables import goal
from tests.bench.terminal import PtyProgram
from tests.servers.postgres import PostgresServer

GOAL = 1.0  # CPU seconds to the first level
STALL = 0.1  # seconds that a person notices
_TABLES = """
do $$
begin
  for i in 1..{count} loop
    execute format('create table %s_%s_%s (id int)',
      (array['orders', 'customers', 'invoices', 'payments', 'stock'])[1 + i % 5],
      (array['archive', 'eu', 'us', 'staging'])[1 + i / 5 % 4], i);
    if i % 500 = 0 then commit; end if;
  end loop;
end $$;
create table needle_in_the_haystack (id int)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tables", type=int, default=50_000)


def run(args: argparse.Namespace) -> None:
    settings = {"max_wal_size": "4GB", "autovacuum": "off", "pg_stat_statements.track": "none"}
    with PostgresServer(18, settings) as server:
        print(f"creating {args.tables:,} tables ...", file=sys.stderr, flush=True)
        server.psql(_TABLES.format(count=args.tables), timeout=1800)
        with PtyProgram([sys.executable, "-m", "dbtui", login(server, "dbtui")]) as program:
            program.wait_for(lambda screen: "Sessions" in screen)
            time.sleep(2)
            _tree(program)
            _finder(program)


def _tree(program: PtyProgram) -> None:
    before = program.cost()
    program.press(key_of("main.schema"))
    program.wait_for(lambda screen: "db postgres" in screen)
    spent = program.cost()
    print(goal("CPU to the tree's first level", spent.cpu - before.cpu, GOAL, " s"))
    print(f"  it took {spent.at - before.at:.2f} s")


def _finder(program: PtyProgram) -> None:
    start = program.cost()
    program.press(key_of("main.find"))
    program.wait_for(lambda screen: re.search(r"Find among \d", screen) is not None)
    opened = program.cost()
    print(f"  finder: open after {opened.at - start.at:.2f} s, {opened.cpu - start.cpu:.2f} s of CPU")
    waits = []
    for typed in ("needlhay"[:n] for n in range(1, 9)):
        pressed = time.monotonic()
        program.press(typed[-1])
        program.wait_for(lambda screen, typed=typed: typed in screen)  # type: ignore[misc]
        waits.append(time.monotonic() - pressed)
        time.sleep(0.3)
    program.wait_for(lambda screen: "needle_in_the_haystack" in screen)
    print(f"  per letter: median {statistics.median(waits) * 1000:.0f} ms")
    print(goal("worst letter of the finder", max(waits), STALL, " s"))
