"""Dumps of many megabytes: read in a stream, in time and memory that grow with their length and no faster."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from dbtui.migrations.assess import assess, walk
from dbtui.migrations.files import migration_file
from dbtui.model.migration import Engine


def test_the_rows_of_a_dump_are_not_kept(tmp_path: Path) -> None:
    """10 MB of COPY data and of INSERT: the process stays below 150 MB, most of which is the program."""
    dump = tmp_path / "dump.sql"
    rows = "".join(
        f"{number}\tsome text; with semicolons and 'quotes' {number}\n" for number in range(150_000)
    )
    copied = f"CREATE TABLE t (id int, a text);\nCOPY t (id, a) FROM stdin;\n{rows}\\.\n"
    copied += "ALTER TABLE u ADD COLUMN a int;\n"
    inserted = "".join(f"INSERT INTO t VALUES ({n}, 'some text; number {n}');\n" for n in range(20_000))
    dump.write_text(copied + inserted)
    program = "import sys; from dbtui.cli import main; code = main(sys.argv[1:])\n"
    program += "print(open('/proc/self/status').read(), file=sys.stderr); sys.exit(code)"
    argv = [sys.executable, "-c", program, "lint", "--format", "json", str(dump)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["summary"]["statements"] == 20_003
    assert found["statements"][2]["line"] == 150_004
    peak = next(line for line in done.stderr.splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 150 * 1024


def test_statements_of_constants_share_what_is_known_of_them() -> None:
    script = "".join(f"INSERT INTO t VALUES ({number}, 'x');\n" for number in range(2_000))
    found = assess([migration_file("x.sql", script)], Engine.POSTGRESQL)
    assert len(found) == 2_000
    assert len({id(one.statement.actions) for one in found}) == 1


def test_a_transaction_of_many_statements_keeps_only_what_matters() -> None:
    tables = "".join(
        f"CREATE TABLE t{n} (id int PRIMARY KEY);\nCREATE INDEX i{n} ON t{n} (id);\n" for n in range(500)
    )
    script = (
        f"BEGIN;\nALTER TABLE old ADD COLUMN a int;\n{tables}ALTER TABLE old ADD COLUMN b int;\nCOMMIT;\n"
    )
    places = [place for place, _ in walk([migration_file("x.sql", script)], Engine.POSTGRESQL)]
    assert len(places[-2].earlier) == 1
    assert [lock.relation for lock in places[-2].earlier[0].effects.locks] == ["old"]


def test_inserts_that_are_more_than_constants_are_read_whole() -> None:
    found = assess(
        [
            migration_file(
                "x.sql",
                'INSERT INTO t SELECT * FROM u; INSERT INTO "T" (a) VALUES (f(1)); INSERT INTO a.b VALUES (1)',
            )
        ],
        Engine.POSTGRESQL,
    )
    assert [str(one.statement.actions[0].relation) for one in found] == ["t", "T", "a.b"]
    assert [str(other) for other in found[0].statement.actions[0].others] == ["u"]
