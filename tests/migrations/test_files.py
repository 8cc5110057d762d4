"""Whose a file is, which part of it is linted, and how its tool wraps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtui.errors import InputError
from dbtui.migrations.assess import assess
from dbtui.migrations.files import dialect_of, migration_file, read_files
from dbtui.model.migration import Assessed, Engine

UP, DOWN = "CREATE TABLE n (id bigint PRIMARY KEY);", "DROP TABLE n;"


@pytest.mark.parametrize(
    ("name", "text", "style", "transaction", "has_down"),
    [
        ("1_a.sql", f"-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}", "dbmate", "file", True),
        ("1_a.sql", f"-- migrate:up transaction:false\n{UP}", "dbmate", "none", False),
        ("1_a.sql", f"-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}", "goose", "file", True),
        ("1_a.sql", f"-- +goose NO TRANSACTION\n-- +goose Up\n{UP}", "goose", "none", False),
        ("V12__a.sql", UP, "flyway", "file", None),
        ("000012_a.up.sql", UP, "golang-migrate", "string", None),
        ("deploy/a.sql", f"-- Deploy shop:a to pg\nBEGIN;\n{UP}\nCOMMIT;", "sqitch", "none", None),
        ("a.sql", f"BEGIN;\n\n-- Running upgrade 1 -> 2\n\n{UP}\n\nCOMMIT;", "alembic", "none", None),
        ("a.sql", f"BEGIN;\n--\n-- Create model N\n--\n{UP}\nCOMMIT;", "django", "none", None),
        ("s.sql", f"{UP}\nINSERT INTO \"schema_migrations\" (version) VALUES ('1');", "rails", "none", None),
        ("001_create_users.sql", UP, "numbered", "none", None),
        ("001_a.sql", f"-- dbtui:up\n{UP}\n-- dbtui:down\n{DOWN}", "numbered", "none", True),
        ("a.sql", UP, "plain", "none", None),
    ],
)
def test_styles(name: str, text: str, style: str, transaction: str, has_down: bool | None) -> None:
    file = migration_file(name, text)
    assert (file.style, file.transaction, file.has_down) == (style, transaction, has_down)
    assert UP in file.text and DOWN not in file.text
    assert (
        file.text.index(UP)
        and file.text[: file.text.index(UP)].count("\n") == text[: text.index(UP)].count("\n")
    ) or text.startswith(UP)


def lint(files: dict[str, str], folder: Path, *names: str) -> list[Assessed]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    paths = [str(folder / name) for name in names] or [str(folder)]
    return list(assess(read_files(paths), Engine.POSTGRESQL))


def test_a_folder_is_read_in_the_order_of_its_numbers_without_undo_files(tmp_path: Path) -> None:
    files = {
        "V10__b.sql": "SELECT 10;",
        "V2__a.sql": "SELECT 2;",
        "R__views.sql": "SELECT 0;",
        "U2__a.sql": "DROP TABLE a;",
        "000001_c.down.sql": "DROP TABLE c;",
        "revert/x.sql": "DROP TABLE x;",
    }
    assert [one.statement.sql for one in lint(files, tmp_path)] == ["SELECT 2", "SELECT 10", "SELECT 0"]


def test_a_file_that_is_named_is_linted_even_if_it_undoes(tmp_path: Path) -> None:
    (one,) = lint({"1_c.down.sql": "DROP TABLE c;"}, tmp_path, "1_c.down.sql")
    assert one.safe is False


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfSELECT 1;",
        "SELECT 1;".encode("utf-16"),
        b"SELECT 1;\r\n",
        b"-- caf\xe9\nSELECT 1;",
    ],
)
def test_marks_and_encodings(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "a.sql").write_bytes(raw)
    (one,) = assess(read_files([str(tmp_path / "a.sql")]), Engine.POSTGRESQL)
    assert (one.statement.sql, one.safe) == ("SELECT 1", True)


@pytest.mark.parametrize("name", ["nobody.sql", "a.py", "empty", "dump.custom"])
def test_what_cannot_be_read_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.py").write_text("x = 1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "dump.custom").write_bytes(b"PGDMP\x00\x01\x02")
    with pytest.raises(InputError):
        read_files([str(tmp_path / name)])


def test_flyway_waits_for_its_own_transaction_unless_its_settings_say_no(tmp_path: Path) -> None:
    files = {"V1__i.sql": "CREATE INDEX CONCURRENTLY i ON t (a);"}
    assert lint(files, tmp_path, "V1__i.sql")[0].safe is False
    (tmp_path / "V1__i.sql.conf").write_text("executeInTransaction=false\n")
    assert lint(files, tmp_path, "V1__i.sql")[0].safe is True


def test_prisma_sends_a_file_in_one_go_and_drizzle_wraps_it(tmp_path: Path) -> None:
    index = "CREATE INDEX CONCURRENTLY i ON t (a);\n"
    name = "20260101000000_a/migration.sql"
    (tmp_path / "20260101000000_a").mkdir()
    assert lint({name: index}, tmp_path, name)[0].safe is True
    assert lint({name: index + "SELECT 1;"}, tmp_path, name)[0].safe is False
    both = lint({"0000_a.sql": f"{index}--> statement-breakpoint\nSELECT 1;"}, tmp_path, "0000_a.sql")
    assert both[0].safe is False


def test_golang_migrate_sends_a_single_statement_without_a_transaction(tmp_path: Path) -> None:
    index = "CREATE INDEX CONCURRENTLY i ON t (a);"
    assert lint({"1_a.up.sql": index}, tmp_path, "1_a.up.sql")[0].safe is True
    both = lint({"2_a.up.sql": index + "SELECT 1;"}, tmp_path, "2_a.up.sql")
    assert both[0].safe is False
    missing = {finding.rule for one in both for finding in one.findings}
    assert "any-missing-rollback" in missing


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("CREATE TABLE t (id bigserial);", Engine.POSTGRESQL),
        ("SELECT 1;", Engine.POSTGRESQL),
        ("CREATE TABLE `t` (id int) ENGINE=InnoDB;", Engine.MYSQL),
        ("ALTER TABLE `t` ADD COLUMN a int, ALGORITHM=NOCOPY;", Engine.MARIADB),
        ("PRAGMA foreign_keys=ON; CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT);", Engine.SQLITE),
        ("-- Deploy a to mysql\nSELECT 1;", Engine.MYSQL),
        ("COMMENT ON TABLE t IS 'AUTO_INCREMENT `x` ENGINE=InnoDB'; SELECT 1::int;", Engine.POSTGRESQL),
    ],
)
def test_the_dialect_is_told_from_words_that_only_one_has(text: str, engine: Engine) -> None:
    assert dialect_of(text) is engine
