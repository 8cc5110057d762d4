"""Plans written as files: in each style they are read again as that style, run, and have a way back."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pymysql
import pytest

from dbtui.errors import InputError, UsageError
from dbtui.migrations.file_parts import Part
from dbtui.migrations.file_styles import next_number, sqitch, timestamps
from dbtui.migrations.files import migration_file, read_files
from dbtui.migrations.parse import parse
from dbtui.migrations.planner import make
from dbtui.migrations.write import ALL, style_of, write
from dbtui.model.change import ChangePlan
from dbtui.model.migration import Engine
from tests.servers.mysql import MysqlProtocolServer
from tests.servers.postgres import PostgresServer

BEFORE = (
    "CREATE TABLE users (id bigint PRIMARY KEY);"
    " CREATE TABLE orders (id int PRIMARY KEY, customer bigint, note text, code int, state text);"
)
WORDS = """
CREATE INDEX ON orders (customer);
ALTER TABLE orders ADD CONSTRAINT of_user FOREIGN KEY (customer) REFERENCES users (id);
ALTER TABLE orders ADD COLUMN token uuid DEFAULT gen_random_uuid();
ALTER TABLE orders ALTER COLUMN code TYPE bigint;
ALTER TABLE orders DROP COLUMN state;
"""
SQL_STYLES = ("numbered", "dbmate", "goose", "golang-migrate", "flyway")


def plan(words: str = WORDS, version: tuple[int, ...] = (18,)) -> ChangePlan:
    files = [migration_file("totals.sql", words)]
    return make(files, Engine.POSTGRESQL, version, [migration_file("before.sql", BEFORE)])


@pytest.mark.parametrize("style", SQL_STYLES)
def test_the_files_are_read_as_their_own_style(tmp_path: Path, style: str) -> None:
    made = plan()
    write(made, tmp_path, style, [migration_file("before.sql", BEFORE)])
    files = read_files([str(tmp_path)])
    assert {file.style for file in files} == {style}
    assert style_of(tmp_path) == style
    for file in files:
        statements = list(parse(file.text, Engine.POSTGRESQL))
        alone = any(action.concurrently for one in statements for action in one.actions)
        assert not (alone and file.transaction == "file")
        assert not alone or style != "golang-migrate" or len(statements) == 1


@pytest.mark.parametrize("style", SQL_STYLES)
def test_a_second_plan_goes_on_where_the_first_ended(tmp_path: Path, style: str) -> None:
    first = write(plan(), tmp_path, style)
    second = write(plan("ALTER TABLE orders ADD COLUMN more int"), tmp_path)
    numbers = [int("".join(c for c in path.name.split("_")[0] if c.isdigit())) for path in (*first, *second)]
    assert numbers == sorted(numbers)
    assert numbers[-1] > numbers[len(first) - 1]


def test_the_header_says_risk_locks_estimate_and_way_back(tmp_path: Path) -> None:
    made = write(plan(), tmp_path)
    texts = [path.read_text() for path in made]
    assert (
        "-- dbtui:transaction none\n-- dbtui:up\nSET lock_timeout = 0;\nCREATE INDEX CONCURRENTLY" in texts[0]
    )
    assert "-- locks: orders ShareUpdateExclusiveLock" in texts[0]
    assert "-- dbtui:down\nDROP INDEX CONCURRENTLY IF EXISTS orders_customer_idx;" in texts[0]
    gone = next(text for text in texts if "DROP COLUMN state" in text)
    assert "-- first, by people: deploy code that neither reads nor writes orders.state" in gone
    assert "rows or columns are lost" in gone
    assert "after it there is no way back" in "".join(texts)


def test_down_statements_are_reviewed(tmp_path: Path) -> None:
    """Taking DROP NOT NULL back would read the whole table under a lock: the file says so."""
    made = write(
        plan("ALTER TABLE users ALTER COLUMN id DROP NOT NULL"),
        tmp_path,
        before=[migration_file("b.sql", BEFORE)],
    )
    assert "-- down: error pg-set-not-null-scan" in made[0].read_text()


def test_our_files_run_on_a_server_up_and_down(postgres18: PostgresServer, tmp_path: Path) -> None:
    database = postgres18.create_database()
    rows = "INSERT INTO orders SELECT g, NULL, 'n', g, 's' FROM generate_series(1, 3000) g;"
    postgres18.psql(BEFORE + rows, database)
    words = "\n".join(line for line in WORDS.splitlines() if "DROP" not in line and "TYPE" not in line)
    paths = write(plan(words), tmp_path)
    for path in paths:
        postgres18.psql(path.read_text().partition("-- dbtui:down")[0], database)
    done = "SELECT count(*), count(DISTINCT token) FROM orders"
    assert postgres18.psql(done, database) == "3000|3000"
    for path in reversed(paths):
        postgres18.psql(path.read_text().partition("-- dbtui:down")[2], database)
    columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"
    left = postgres18.psql(f"{columns} AND NOT attisdropped", database).split()
    assert sorted(left) == ["code", "customer", "id", "note", "state"]


def test_sqitch_has_deploy_revert_verify_and_plan(tmp_path: Path) -> None:
    (tmp_path / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=shop\n\n")
    write(plan("CREATE INDEX ON orders (note)"), tmp_path)
    name = "build_the_index_orders_note_idx_beside_the_write"
    deploy = (tmp_path / "deploy" / f"{name}.sql").read_text()
    assert deploy.startswith(f"-- Deploy {name} to pg\n") and "BEGIN" not in deploy
    assert (tmp_path / "revert" / f"{name}.sql").read_text().startswith(f"-- Revert {name} from pg\n")
    assert "SELECT 1 / (CASE WHEN" in (tmp_path / "verify" / f"{name}.sql").read_text()
    assert (tmp_path / "sqitch.plan").read_text().splitlines()[-1].startswith(f"{name} 20")


def test_a_new_plan_of_sqitch_has_its_pragmas_and_lies_above_its_scripts(tmp_path: Path) -> None:
    write(plan("ALTER TABLE orders ADD COLUMN a int"), tmp_path / "shop", "sqitch")
    project = tmp_path / "shop" / "sqitch.plan"
    assert project.read_text().startswith("%syntax-version=1.0.0\n%project=shop\n\nadd_column")
    write(plan("ALTER TABLE orders ADD COLUMN b int"), tmp_path / "shop" / "deploy")
    assert [path.name for path in (tmp_path / "shop").iterdir() if path.suffix] == ["sqitch.plan"]
    assert len(project.read_text().splitlines()) == 5


def verified(engine: str, question: str) -> str:
    """A verify script's statement for a question."""
    part = Part("x", (), (), (), one=True, down_one=True, verify=(question,), engine=engine)
    (script,) = (one.text for one in sqitch([part], []) if one.path.startswith("verify/"))
    return next(line for line in script.splitlines() if line.startswith("SELECT"))


def test_what_is_not_so_fails_a_verify_script(mysql: MysqlProtocolServer, postgres18: PostgresServer) -> None:
    assert mysql.sql(verified(mysql.engine, "SELECT 1")) == [(1,)]
    with pytest.raises(pymysql.err.Error, match="more than 1 row"):
        mysql.sql(verified(mysql.engine, "SELECT 0"))
    file = sqlite3.connect(":memory:")
    assert file.execute(verified("sqlite", "SELECT 1")).fetchall() == [(1,)]
    with pytest.raises(sqlite3.Error, match="overflow"):
        file.execute(verified("sqlite", "SELECT 0")).fetchall()
    assert postgres18.psql(verified("postgresql", "SELECT true")) == "1"
    with pytest.raises(AssertionError, match="division by zero"):
        postgres18.psql(verified("postgresql", "SELECT false"))


def test_drizzle_has_a_folder_for_each_where_there_are_such(tmp_path: Path) -> None:
    (tmp_path / "20260101000000_first").mkdir()
    (tmp_path / "20260101000000_first" / "snapshot.json").write_text("{}")
    made = write(plan("ALTER TABLE orders ADD COLUMN a int; CREATE TABLE n (id int PRIMARY KEY)"), tmp_path)
    assert {path.name for path in made} == {"migration.sql", "down.sql"}
    assert not (tmp_path / "meta").exists()
    assert [file.style for file in read_files([str(tmp_path)])] == ["drizzle", "drizzle"]


@pytest.mark.parametrize("style", ["prisma", "drizzle", "typeorm", "sequelize", "knex"])
def test_orms_get_their_folders(tmp_path: Path, style: str) -> None:
    made = write(
        plan("ALTER TABLE orders ADD COLUMN q jsonb DEFAULT '{\"a?`$\": 1}'; CREATE INDEX ON orders (note)"),
        tmp_path,
        style,
    )
    texts = {str(path.relative_to(tmp_path)): path.read_text() for path in made}
    assert style_of(tmp_path) == style
    joined = "".join(texts.values())
    assert "CREATE INDEX CONCURRENTLY" in joined and "DROP INDEX CONCURRENTLY" in joined
    if style == "drizzle":
        entries = json.loads((tmp_path / "meta" / "_journal.json").read_text())["entries"]
        assert [entry["idx"] for entry in entries] == [0, 1]
        assert {f"{entry['tag']}.sql" for entry in entries} <= set(texts)
    if style in ("typeorm", "sequelize", "knex"):
        assert "\\`$" in joined
    if style == "knex":
        assert "a\\\\?" in joined and "transaction: false" in joined
    if style == "typeorm":
        assert "transaction = false;" in joined


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "002_add_column_more_of_orders.sql").write_text("mine")
    (tmp_path / "001_x.sql").write_text("SELECT 1")
    made = write(plan("ALTER TABLE orders ADD COLUMN more int"), tmp_path)
    assert made[0].name == "003_add_column_more_of_orders.sql"
    with pytest.raises(UsageError, match="no style"):
        write(plan(), tmp_path, "liquibase")


def test_a_journal_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "_journal.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        write(plan("ALTER TABLE orders ADD COLUMN more int"), tmp_path)


def test_numbers_and_times_go_on() -> None:
    assert next_number(["001_a.sql", "V12__b.sql"]) == (13, 3)
    assert list(timestamps(["20990101000000_a.sql"], 2)) == ["20990101000001", "20990101000002"]


def test_every_style_has_a_test() -> None:
    assert set(ALL) == {*SQL_STYLES, "sqitch", "prisma", "drizzle", "typeorm", "sequelize", "knex"}
