"""Round trips from the start to the first data, over TLS, through a proxy that delays and counts."""

from __future__ import annotations

import argparse
import statistics
import sys

from tests.bench.contender import Contender, start
from tests.bench.load import busy_postgres, login
from tests.bench.proxy import Proxy
from tests.bench.tables import goal, table
from tests.bench.terminal import PtyProgram
from tests.servers.postgres import PostgresServer

GOAL = 9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--round-trip", type=float, default=0.4, help="seconds that the far line takes")
    parser.add_argument("--starts", type=int, default=3, help="starts for the medians")


def run(args: argparse.Namespace) -> None:
    with busy_postgres(version=15, tls=True) as server:
        url = login(server, "dbtui")
        near, _ = _first_data(server, url, 0, args.starts)
        far, connections = _first_data(server, url, args.round_trip, args.starts)
    trips = (far - near) / args.round_trip + 1  # the proxy answers the TCP connect itself, at once
    print(table(["line", "first data"], [["near", f"{near:.2f} s"], ["far", f"{far:.2f} s"]]))
    print("turns and bytes up and down of each connection: ", connections)
    print(goal("round trips to the first data with TLS", trips, GOAL))


def _first_data(server: PostgresServer, url: str, round_trip: float, starts: int) -> tuple[float, str]:
    seconds = []
    seen = ""
    for _ in range(starts):
        with Proxy(server.port, round_trip).running() as proxy:
            through = url.replace(f":{server.port}/", f":{proxy.port}/") + "?sslmode=require"
            argv = [sys.executable, "-m", "dbtui", through, "--interval", "1"]
            with PtyProgram(argv) as program:
                times = start(program, Contender("dbtui", argv, lambda screen: "pgbench" in screen))
                seen = ", ".join(f"{c.turns} ({c.to_server} {c.to_client})" for c in proxy.connections)
            seconds.append(times[2])
    return statistics.median(seconds), seen
