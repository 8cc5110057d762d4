"""The live pane at 120x40 beside other monitors: CPU, bytes to the terminal, memory, start, server cost."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.contender import Contender, Measured, measure
from tests.bench.load import asked_by, busy_mysql, busy_postgres, login, statements_of
from tests.bench.tables import goal, table
from tests.demo.neighbourhood import ENGINES, running
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer
from tests.servers.postgres import PostgresServer

_BESIDE = Path(sys.executable).parent
_IDLE_APP = "from textual.app import App\nfrom textual.widgets import Static\n" + (
    "class Idle(App):\n    def compose(self): yield Static('idle')\nIdle().run()"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=60, help="how long each program is watched")
    parser.add_argument("--starts", type=int, default=5, help="starts of each program, for the medians")
    parser.add_argument(
        "--engine",
        choices=("postgres", "mariadb", *ENGINES),
        default="postgres",
        help="whose server is watched",
    )
    parser.add_argument("--only", default="", help="names of programs, divided by commas")


def run(args: argparse.Namespace) -> None:
    only = set(filter(None, args.only.split(",")))
    with ExitStack() as servers:
        contenders = [idle_textual_app()]
        if args.engine == "postgres":
            postgres = servers.enter_context(busy_postgres())
            contenders += [*dbtui(postgres), *pg_activity(postgres)]
        elif args.engine in ("mysql", "mariadb"):
            mysql = servers.enter_context(busy_mysql(MysqlServer() if args.engine == "mysql" else _mariadb()))
            contenders += [*dbtui_on_mysql(mysql), *dolphie(mysql)]
        else:
            contenders += dbtui_elsewhere(servers.enter_context(running())[args.engine].url)
        if args.engine == "postgres" and (not only or "dolphie" in only):
            contenders += beside_dolphie(servers)
        chosen = [c for c in contenders if not only or c.name in only]
        measured = measure(chosen, args.seconds, args.starts)
    print(f"\nAt 120x40, refresh 1 s, {args.seconds:g} s each; starts are medians of {args.starts}\n")
    print(figures(measured))
    print()
    print("\n".join(goals({m.name: m for m in measured})))


def idle_textual_app() -> Contender:
    return Contender("idle Textual app", [sys.executable, "-c", _IDLE_APP], quit_key="\x11")


def dbtui(server: PostgresServer) -> Iterator[Contender]:
    for name, role, options in (
        ("dbtui", "dbtui", []),
        ("dbtui --slow-link", "dbtui_slow_link", ["--slow-link"]),
    ):
        argv = [sys.executable, "-m", "dbtui", login(server, role), "--interval", "1", *options]
        yield Contender(name, argv, lambda screen: "pgbench" in screen, partial(statements_of, server, role))


def dbtui_on_mysql(server: MysqlProtocolServer) -> Iterator[Contender]:
    for name, options in (("dbtui", []), ("dbtui --slow-link", ["--slow-link"])):
        user = server.create_user("ALL ON *.*")
        argv = [sys.executable, "-m", "dbtui", server.url(user=user, password=server.password, tcp=True)]
        argv += ["--interval", "1", *options]
        yield Contender(name, argv, lambda screen: "select sleep" in screen, partial(asked_by, server, user))


def dbtui_elsewhere(url: str) -> Iterator[Contender]:
    """dbtui on a server that counts nobody's statements: what it asks is what its own corner says."""
    for name, options in (("dbtui", []), ("dbtui --slow-link", ["--slow-link"])):
        argv = [sys.executable, "-m", "dbtui", url, "--interval", "1", *options]
        yield Contender(name, argv, _has_rows, on_screen=_own)


def _has_rows(screen: str) -> bool:
    return "of 0" not in screen and " of " in screen


def _own(screen: str) -> tuple[float, float] | None:
    said = re.search(r"own ([\d.]+) q/s (\d+) ms", screen)
    return (float(said[1]), float(said[2])) if said else None


def pg_activity(server: PostgresServer) -> Sequence[Contender]:
    program = shutil.which("pg_activity", path=str(_BESIDE))
    if program is None:
        return _left_out("pg_activity", "pip install 'dbtui[bench]'")
    url = urlsplit(login(server, "other_monitor"))
    argv = [program, "-h", "127.0.0.1", "-p", str(url.port), "-U", "other_monitor", "--refresh", "1"]
    asked = partial(statements_of, server, "other_monitor")
    env = {"PGPASSWORD": url.password or "", "PGDATABASE": "postgres"}
    return [
        Contender(
            "pg_activity", argv, lambda screen: "balance_of" in screen or "pgbench" in screen, asked, env=env
        )
    ]


def beside_dolphie(servers: ExitStack) -> Sequence[Contender]:
    """On a MariaDB under the same load: only the terminal side compares."""
    if not MariadbServer.program.exists():
        return _left_out("dolphie", "make servers")
    return dolphie(servers.enter_context(busy_mysql(_mariadb())))


def _mariadb() -> MariadbServer:
    return MariadbServer({"userstat": "ON"})


def dolphie(server: MysqlProtocolServer) -> Sequence[Contender]:
    """dolphie, which watches MariaDB and MySQL alone."""
    program = shutil.which("dolphie", path=str(_BESIDE))
    if program is None:
        return _left_out("dolphie", "pip install 'dbtui[bench]'")
    user = server.create_user("ALL ON *.*")
    argv = [program, "-h", "127.0.0.1", "-P", str(server.port), "-u", user, f"-p{server.password}", "-r", "1"]
    argv += ["--pypi-repo", "http://127.0.0.1:9/"]  # it need not look for a newer version of itself
    return [Contender("dolphie", argv, _has_sleepers, partial(asked_by, server, user))]


def _has_sleepers(screen: str) -> bool:
    """By their statement, or by their state where a wide table leaves no room for that."""
    return "select sleep" in screen or "User sleep" in screen


def _left_out(name: str, remedy: str) -> Sequence[Contender]:
    print(f"{name} is left out: {remedy}", file=sys.stderr)
    return []


def figures(measured: Sequence[Measured]) -> str:
    head = [
        "",
        "CPU s/min",
        "KB/min",
        "RSS MB",
        "first byte",
        "painted",
        "data",
        "quit",
        "stmts/s",
        "server ms/s",
    ]
    rows = [
        [
            m.name,
            f"{m.cpu:.2f}",
            f"{m.sent / 1000:.1f}",
            f"{m.resident / 1e6:.0f}",
            *(f"{seconds:.2f} s" for seconds in (m.first_byte, m.painted, m.first_data)),
            "no" if m.quit is None else f"{m.quit:.2f} s",
            "" if m.statements is None else f"{m.statements:.1f}",
            "" if m.server_ms is None else f"{m.server_ms:.1f}",
        ]
        for m in measured
    ]
    return table(head, rows)


def goals(by_name: Mapping[str, Measured]) -> Iterator[str]:
    """The goals that can be judged from the programs that were measured."""
    ours, slow = by_name.get("dbtui"), by_name.get("dbtui --slow-link")
    idle, activity, other = (by_name.get(n) for n in ("idle Textual app", "pg_activity", "dolphie"))
    if ours and other:
        yield goal("CPU against dolphie's", ours.cpu / other.cpu, 0.1)
        yield goal("bytes against dolphie's", ours.sent / other.sent, 0.25)
    if slow and activity:
        yield goal("bytes of --slow-link against pg_activity's", slow.sent / activity.sent, 1)
    if ours and idle:
        yield goal("time to paint against an idle Textual app's", ours.painted / idle.painted, 2)
    if ours:
        yield goal("quit", 99 if ours.quit is None else ours.quit, 0.5, " s")
