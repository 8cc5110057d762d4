"""`dbtui migrate` from a plan to its way back, without a terminal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dbtui.cli import main
from dbtui.migrations import plan_file
from tests.migrations.runs import index, plan, table
from tests.servers.postgres import PostgresServer

BUILDS = (
    "select count(*) from pg_stat_activity where pid <> pg_backend_pid() and query like 'CREATE INDEX CONC%'"
)
SQL = """
ALTER TABLE orders ADD COLUMN total bigint;
CREATE INDEX orders_by_amount ON orders (amount);
"""


@pytest.fixture
def database(postgres18: PostgresServer) -> str:
    name = postgres18.create_database()
    postgres18.psql(table(300), name)
    return name


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "001_totals.sql"
    path.write_text(SQL)
    return str(path)


def planned(sql: Path | str) -> str:
    """A plan of a SQL file, made without a server: its file."""
    out = str(Path(sql).with_suffix(".json"))
    main(["migrate", "plan", str(sql), "--engine", "postgresql", "--output", out])
    return out


@pytest.fixture(autouse=True)
def staging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBTUI_ENVIRONMENT", "staging")


def test_from_sql_to_its_end_and_back(
    postgres18: PostgresServer, database: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--on", postgres18.url(database)]
    assert main(["migrate", "run", file, *where, "--approve", "all"]) == 0
    assert main(["migrate", "run", file, *where, "--approve", "all"]) == 0  # there is nothing to do
    (known,) = plan_file.kept()
    plan_id = known.id
    capsys.readouterr()
    assert main(["migrate", "status", plan_id, *where]) == 0
    assert "its index is not used yet" in capsys.readouterr().out
    indexed = "select count(*) from pg_indexes where indexname = 'orders_by_amount'"
    assert postgres18.psql(indexed, database) == "1"
    assert main(["migrate", "rollback", plan_id, *where, "--approve", "9"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "stopped before step -2, which was not approved: do it again with --approve 2"
    assert main(["migrate", "rollback", plan_id, *where, "--approve", "all"]) == 0
    assert postgres18.psql(indexed, database) == "0"
    capsys.readouterr()
    assert main(["migrate", "status", plan_id, *where]) == 1
    assert "orders_by_amount" in (told := capsys.readouterr().out)
    assert all(" · taken back" in line for line in told.splitlines() if " pending " in line)
    assert main(["migrate", "status", plan_id, *where, "--format", "json"]) == 1
    states = {step["step"]: step["state"] for step in json.loads(capsys.readouterr().out)["steps"]}
    assert states == {0: "done", 1: "pending", 2: "pending"}


def test_a_file_that_is_edited_after_it_ran_is_refused(
    postgres18: PostgresServer, database: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--on", postgres18.url(database)]
    assert main(["migrate", "run", planned(file), *where, "--approve", "all"]) == 0
    Path(file).write_text(SQL.replace("bigint", "numeric"))
    assert main(["migrate", "run", planned(file), *where, "--approve", "all"]) == 2
    assert "has been edited since" in capsys.readouterr().err


def test_a_plan_file_is_read_again_and_an_edited_one_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, out = plan(index(1)), tmp_path / "a.json"
    plan_file.write(made, str(out))
    assert plan_file.read(str(out)) == made
    out.write_text(out.read_text().replace("orders (total)", "orders (amount)"))
    assert main(["migrate", "plan", str(out)]) == 2
    assert "was edited: its checksum is another" in capsys.readouterr().err


def test_steps_want_an_approval(
    postgres18: PostgresServer, database: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where, file = ["--on", postgres18.url(database)], planned(file)
    assert main(["migrate", "run", file, *where]) == 2
    assert "no terminal to approve steps at" in capsys.readouterr().err
    assert main(["migrate", "run", file, *where, "--approve", "0,1"]) == 1
    assert "next" not in capsys.readouterr().err
    assert postgres18.psql("select max(step) from dbtui_journal", database) == "1"


def test_production_wants_a_run_on_staging_and_both_approvals(
    postgres18: PostgresServer,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "1.sql").write_text("ALTER TABLE orders ADD COLUMN total bigint")
    made = planned(tmp_path / "1.sql")
    other = postgres18.create_database()
    postgres18.psql(table(3), other)
    staging = ["--on", postgres18.url(other)]
    production = ["--on", postgres18.url(database)]
    monkeypatch.setenv("DBTUI_ENVIRONMENT", "production")
    assert main(["migrate", "run", made, *production, "--approve", "all"]) == 2
    assert "give both --approve STEP… and --approvals FILE" in capsys.readouterr().err
    approvals = tmp_path / "approvals.json"
    server = postgres18.psql("select system_identifier from pg_control_system()") + "/" + database
    given = {
        "plan_sha256": plan_file.read(made).sha256,
        "server": server,
        "steps": [0, 1],
        "by": "a colleague",
    }

    def run(expires: str, *more: str) -> int:
        approvals.write_text(json.dumps({**given, "expires": expires}))
        words = ["--approve", "0,1", "--approvals", str(approvals), *more]
        return main(["migrate", "run", made, *production, *words])

    assert run("2999-01-01T00:00:00Z") == 2
    assert "was never run on a server that is not production" in capsys.readouterr().err
    monkeypatch.setenv("DBTUI_ENVIRONMENT", "staging")
    assert main(["migrate", "run", made, *staging, "--approve", "all"]) == 0
    monkeypatch.setenv("DBTUI_ENVIRONMENT", "production")
    assert run("2020-01-01T00:00:00Z") == 2
    assert "the approvals of a colleague have expired" in capsys.readouterr().err
    assert run("2999-01-01T00:00:00Z") == 0
    assert "this plan was run on staging" in capsys.readouterr().out
    assert (
        postgres18.psql("select distinct approved_by from dbtui_journal", database)
        == "a colleague (approvals file)"
    )


def test_a_run_says_where_it_stopped_and_how_to_go_on(
    postgres18: PostgresServer, database: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    where = [file, "--on", postgres18.url(database)]
    assert main(["migrate", "run", *where, "--approve", "0-1"]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "stopped before step 2, which was not approved: do it again with --approve 2"
    assert main(["migrate", "run", *where, "--approve", "all", "--until", "1"]) == 1
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith("done up to step 1; the next one is step 2: build")
    )
    assert main(["migrate", "run", *where, "--approve", "all"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "every step is done"


def test_what_loses_rows_is_approved_by_its_number(
    postgres18: PostgresServer, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = tmp_path / "2.sql"
    sql.write_text("TRUNCATE orders")
    where = ["--on", postgres18.url(database)]
    assert main(["migrate", "run", planned(sql), *where, "--approve", "all"]) == 1
    assert "LOSES: orders: about 300 rows" in capsys.readouterr().out
    assert postgres18.psql("select count(*) from orders", database) == "300"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_takes_back_what_waits_and_journals(
    postgres18: PostgresServer, database: str, tmp_path: Path, number: signal.Signals
) -> None:
    sql = tmp_path / "3.sql"
    sql.write_text("CREATE INDEX orders_by_amount ON orders (amount)")
    holder = subprocess.Popen(
        [
            postgres18.client("psql"),
            "-XqAt",
            "-h",
            postgres18.socket,
            "-p",
            str(postgres18.port),
            "-U",
            "postgres",
            database,
        ],
        stdin=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    holder.stdin.write("begin; update orders set amount = 1 where id = 3;\n")
    holder.stdin.flush()
    argv = [
        sys.executable,
        "-m",
        "dbtui",
        "migrate",
        "run",
        str(sql),
        "--on",
        postgres18.url(database),
        "--approve",
        "all",
    ]
    runner = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        waits = f"{BUILDS} and wait_event_type = 'Lock'"
        until = time.monotonic() + 30
        while postgres18.psql(waits, database) == "0" and time.monotonic() < until:
            time.sleep(0.1)
        runner.send_signal(number)
        out, _ = runner.communicate(timeout=30)
    finally:
        holder.stdin.close()
        holder.wait(timeout=10)
        runner.kill()
        runner.wait()
    assert runner.returncode == 1, out
    assert postgres18.psql("select state from dbtui_journal where step = 1", database) == "stopped", out
    assert postgres18.psql(f"{BUILDS} and state = 'active'", database) == "0"
