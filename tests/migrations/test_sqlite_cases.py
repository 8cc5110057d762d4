"""Verdicts for SQLite: what lint says, and whether the built-in SQLite accepts or refuses just that."""

from __future__ import annotations

import sqlite3

import pytest

from dbtui.migrations.assess import assess
from dbtui.migrations.files import migration_file
from dbtui.model.migration import Engine
from tests.migrations.cases import Case, cases, schema

ALL = cases("sqlite")
_BUILT_IN = sqlite3.sqlite_version_info[0] * 1000 + sqlite3.sqlite_version_info[1]


@pytest.mark.parametrize("version", [3040, 3053])
@pytest.mark.parametrize("case", ALL, ids=str)
def test_what_lint_says(case: Case, version: int) -> None:
    if not case.since <= version <= case.until:
        pytest.skip("another version's")
    before = migration_file("schema.sql", schema("sqlite"))
    file = migration_file("case.sql", f"{case.sql};\n")
    one = assess([file], Engine.SQLITE, divmod(version, 1000), [before])[-1]
    assert (one.safe, sorted({f.rule for f in one.findings}), one.statement.error) == (
        case.safe,
        sorted(case.rules),
        "",
    )
    assert {lock.relation: lock.mode for lock in one.effects.locks} == case.locks
    assert (set(one.effects.rewrites), set(one.effects.scans)) == (set(case.rewrites), set(case.scans))


@pytest.mark.parametrize("case", ALL, ids=str)
def test_what_sqlite_does(case: Case) -> None:
    if not case.since <= _BUILT_IN <= case.until:
        pytest.skip("another version's")
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema("sqlite"))
    try:
        connection.execute(case.sql).fetchall()
        refused = False
    except sqlite3.OperationalError:
        refused = True
    finally:
        connection.close()
    assert refused == case.refused
