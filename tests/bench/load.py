"""Servers under load, with a login for each program that is measured."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer, programs

RATE = 100  # transactions a second: visible on screen, and cheap enough not to disturb the measurement

# Long enough that a look at the sessions finds some of them running, without work for the processor.
_REPORT = "select sum(bbalance) as balance_of_all_branches, pg_sleep(0.4) from pgbench_branches;"


@contextlib.contextmanager
def busy_postgres(
    settings: Mapping[str, str] | None = None, *, version: int = 18, tls: bool = False
) -> Iterator[PostgresServer]:
    """A server with pg_stat_statements and ten pgbench clients."""
    defaults = {"pg_stat_statements.track_planning": "on", "shared_buffers": "128MB"}
    with PostgresServer(version, {**defaults, **(settings or {})}, tls=tls) as server:
        server.psql("create extension pg_stat_statements")
        folder = programs(18)
        assert folder is not None
        pgbench = [folder / "pgbench", "-h", server.socket, "-p", str(server.port), "-U", server.user]
        env = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        subprocess.run(
            [*pgbench, "-i", "-q", "-s", "5", "postgres"], check=True, capture_output=True, env=env
        )
        report = server.socket / "report.sql"
        report.write_text(_REPORT)
        scripts = ["-b", "tpcb-like@9", "-f", f"{report}@1"]
        argv = [*pgbench, "-c", "10", "-R", str(RATE), "-T", "36000", *scripts, "postgres"]
        with _background(argv, env):
            yield server


@contextlib.contextmanager
def busy_mysql(server: MysqlProtocolServer) -> Iterator[MysqlProtocolServer]:
    """The server, run with as many transactions a second as the PostgreSQL has, from as many clients."""
    with server:
        server.sql("create database bench", "create table bench.accounts (id int primary key, balance int)")
        server.sql(*(f"insert into bench.accounts values ({number}, 0)" for number in range(10)))
        clients = [
            sys.executable,
            "-m",
            "tests.bench.mysql_clients",
            str(server.port),
            server.admin,
            server.password,
        ]
        with _background(clients, dict(os.environ)):
            yield server


@contextlib.contextmanager
def _background(argv: list[str | Path], env: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def login(server: PostgresServer, name: str) -> str:
    """A monitoring role of its own, so that its statements can be told apart; its URL over TCP."""
    server.psql(f"create role {name} login password '{server.password}' in role pg_monitor")
    return server.url(user=name, tcp=True)


def statements_of(server: PostgresServer, name: str) -> tuple[int, float]:
    """Calls and server milliseconds (planning and execution) of a role so far."""
    said = server.psql(
        "select coalesce(sum(calls), 0), coalesce(sum(total_plan_time + total_exec_time), 0)"
        f" from pg_stat_statements where userid = '{name}'::regrole"
    )
    calls, milliseconds = said.split("|")
    return int(calls), float(milliseconds)


def asked_by(server: MysqlProtocolServer, user: str) -> tuple[int, float]:
    """Statements and server milliseconds of a user so far; MariaDB counts them where `userstat` is on."""
    if server.engine == "mysql":
        counted = (
            "select sum(count_star), sum(sum_timer_wait) / 1e9"
            " from performance_schema.events_statements_summary_by_user_by_event_name"
        )
    else:
        counted = (
            "select select_commands + update_commands + other_commands, busy_time * 1000"
            " from information_schema.user_statistics"
        )
    rows = server.sql(f"{counted} where user = '{user}'")
    return (int(rows[0][0] or 0), float(rows[0][1] or 0)) if rows else (0, 0.0)
