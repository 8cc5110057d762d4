"""What statements know of each other: files, transactions, settings and what cannot be understood."""

from __future__ import annotations

import pytest

from dbtui.migrations.assess import assess
from dbtui.migrations.files import migration_file
from dbtui.model.migration import Assessed, Engine

PG = Engine.POSTGRESQL


def lint(
    sql: str, schema: str = "", engine: Engine = PG, version: tuple[int, ...] | None = None
) -> list[Assessed]:
    before = [migration_file("before.sql", schema)]
    return list(assess([migration_file("a.sql", sql)], engine, version, before))


def verdicts(sql: str, schema: str = "", engine: Engine = PG) -> list[bool | None]:
    return [one.safe for one in lint(sql, schema, engine)]


def test_the_schema_is_read_and_not_judged() -> None:
    assert len(lint("SELECT 1;", "DROP TABLE a; CREATE INDEX i ON t (a); nonsense;")) == 1


def test_a_table_of_an_earlier_file_is_in_use() -> None:
    files = [
        migration_file("1.sql", "CREATE TABLE n (id bigint PRIMARY KEY, a int); CREATE INDEX ON n (a);"),
        migration_file("2.sql", "CREATE INDEX ON n (a, id);"),
    ]
    assert [one.safe for one in assess(files, PG)] == [True, True, False]


def test_a_table_that_is_rolled_back_is_not_there() -> None:
    script = "BEGIN; CREATE TABLE n (id bigint PRIMARY KEY, a int); ROLLBACK; CREATE INDEX ON n (a);"
    assert verdicts(script) == [True, True, True, False]


def test_names_with_and_without_schema_and_quotes_are_the_same_table() -> None:
    schema = 'CREATE TABLE public."My Table" (a int CHECK (a IS NOT NULL), "B" int);'
    assert verdicts('ALTER TABLE "My Table" ALTER a SET NOT NULL;', schema) == [True]
    assert verdicts('ALTER TABLE other."My Table" ALTER a SET NOT NULL;', schema) == [False]
    (one,) = lint('CREATE INDEX "i x" ON "My Table" ("B");', schema)
    assert one.effects.locks[0].relation == "My Table"
    assert one.findings[-1].sql == ('CREATE INDEX CONCURRENTLY "i x" ON "My Table" ("B");',)


def test_a_search_path_moves_where_names_are_looked_for() -> None:
    schema = "CREATE TABLE app.t (a int CHECK (a IS NOT NULL));"
    assert verdicts("SET search_path = app, public; ALTER TABLE t ALTER a SET NOT NULL;", schema) == [
        True,
        True,
    ]


def test_the_proof_of_not_null_through_its_whole_sequence() -> None:
    script = """
        ALTER TABLE t ADD CONSTRAINT filled CHECK (a IS NOT NULL) NOT VALID;
        ALTER TABLE t VALIDATE CONSTRAINT filled;
        ALTER TABLE t ALTER COLUMN a SET NOT NULL;
        ALTER TABLE t DROP CONSTRAINT filled;"""
    assert verdicts(script, "CREATE TABLE t (a int);") == [True] * 4


def test_a_not_null_constraint_that_is_validated_is_a_proof() -> None:
    script = """
        ALTER TABLE t ADD CONSTRAINT filled NOT NULL a NOT VALID;
        ALTER TABLE t VALIDATE CONSTRAINT filled;
        ALTER TABLE t ADD PRIMARY KEY USING INDEX i;"""
    schema = "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a);"
    assert verdicts(script, schema) == [True] * 3


def test_set_local_outside_a_transaction_does_nothing() -> None:
    (_, one) = lint("SET LOCAL lock_timeout = '1s'; ALTER TABLE t ADD COLUMN n int;")
    assert [finding.rule for finding in one.findings] == ["pg-lock-timeout-missing"]


def test_a_unique_index_that_is_built_concurrently_is_adopted() -> None:
    script = """
        CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);
        ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_id;"""
    assert verdicts(script, "CREATE TABLE t (id bigint NOT NULL);") == [True, True]
    assert verdicts(script, "CREATE TABLE t (id bigint);") == [True, False]


@pytest.mark.parametrize("dialect", [Engine.POSTGRESQL, Engine.MYSQL, Engine.SQLITE])
def test_a_statement_that_is_not_understood_is_never_safe(dialect: Engine) -> None:
    one = lint("FROBNICATE TABLE t;", engine=dialect)[0]
    assert one.safe is None and one.statement.error
    assert [finding.rule for finding in one.findings] == ["any-unparsed"]


def test_another_dialect_in_the_middle_is_named_and_the_rest_goes_on() -> None:
    found = lint("ALTER TABLE t ADD COLUMN n int;\nALTER TABLE `t` MODIFY COLUMN a int;\nDROP TABLE t;")
    assert [one.safe for one in found] == [True, None, False]
    assert "mysql" in found[1].findings[0].advice


def test_a_nul_character_hides_nothing() -> None:
    assert verdicts("SELECT 1\0; DROP TABLE t;")[0] is None


def test_what_is_nested_too_deeply_is_not_understood() -> None:
    assert verdicts("SELECT " + "+".join(["1"] * 400) + ";") == [None]


def test_a_comment_of_the_user_switches_a_rule_off() -> None:
    assert verdicts("-- dbtui: ignore any-drop-table\nDROP TABLE t;") == [True]
    assert verdicts("-- dbtui: ignore any-drop-column\nDROP TABLE t;") == [False]
    assert verdicts("DROP TABLE t; -- dbtui: ignore any-drop-table\nDROP TABLE u;") == [False, True]


def test_versions_change_verdicts() -> None:
    sql = "ALTER TABLE t ADD COLUMN n int DEFAULT 3;"
    assert [lint(sql, version=(major,))[0].safe for major in (10, 11, 18)] == [False, True, True]
    sql = "ALTER TABLE t ADD COLUMN n INT AFTER a;"
    versions = [(8, 0, 20), (8, 0, 29), (9, 7)]
    assert [lint(sql, engine=Engine.MYSQL, version=v)[0].effects.algorithm for v in versions] == [
        "INPLACE",
        "INSTANT",
        "INSTANT",
    ]
    sql = "ALTER TABLE t MODIFY a BIGINT;"
    locks = [
        lint(sql, engine=Engine.MARIADB, version=v)[0].effects.locks[0].mode for v in [(10, 11), (11, 8)]
    ]
    assert locks == ["SHARED", "NONE"]


def test_the_text_of_the_user_is_kept() -> None:
    sql = "alter  TABLE t\r\n\tADD COLUMN /* why */ n int DEFAULT 'ü;'"
    (one,) = lint(sql + ";\r\n")
    assert one.statement.sql == sql


def test_a_dump_is_read_and_its_data_are_not() -> None:
    rows = "".join(f"{i}\tit's; \\N\n" for i in range(1000))
    dump = f"""
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (id bigint NOT NULL, a text);
COPY public.t (id, a) FROM stdin;
{rows}\\.
ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);
CREATE INDEX t_a ON public.t USING btree (a);
"""
    found = lint("\\restrict abc\n" + dump + "\\unrestrict abc\n")
    assert [one.safe for one in found] == [True] * 6


def test_explain_analyze_runs_what_it_explains() -> None:
    assert verdicts(
        "EXPLAIN DELETE FROM t; EXPLAIN (ANALYZE) DELETE FROM t; EXPLAIN (ANALYZE off) DELETE FROM t;"
    ) == [
        True,
        False,
        True,
    ]


def test_what_touches_unknown_tables_is_not_understood() -> None:
    assert (
        verdicts("DROP OWNED BY r; ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b; CALL p();") == [None] * 3
    )


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE t ADD CONSTRAINT `fk` FOREIGN KEY `k` (`a`) REFERENCES `p` (`id`) ON DELETE SET NULL",
        "CREATE TABLE `x` (`a` VARCHAR(10) AS (json_extract(`j`, '$.a')) VIRTUAL, KEY `i` ((lower(`a`))))",
        "ALTER TABLE `s`.`t` ADD `c` DECIMAL(10,2) UNSIGNED ZEROFILL NOT NULL DEFAULT '0.00' COMMENT 'it''s' AFTER `b`",
        "ALTER TABLE t ENGINE=InnoDB ROW_FORMAT=DYNAMIC, ALGORITHM=INPLACE LOCK=NONE",
        "/*!50503 SET character_set_client = utf8mb4 */",
        "CREATE DEFINER=`root`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1",
        "RENAME TABLE a TO b, c TO d",
    ],
)
def test_mysql_as_people_write_it(sql: str) -> None:
    (one,) = lint(sql + ";", engine=Engine.MYSQL)
    assert one.statement.error == ""


def test_what_files_say_of_a_table_that_they_did_not_create_counts() -> None:
    key = "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES p NOT VALID;"
    _, validated = lint(f"{key} ALTER TABLE t VALIDATE CONSTRAINT f;")
    assert {lock.relation for lock in validated.effects.locks} == {"t", "p"}
    _, dropped = lint("CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX CONCURRENTLY i;")
    assert {lock.relation for lock in dropped.effects.locks} == {"t", "i"}
    added = "ALTER TABLE t ADD COLUMN u uuid; CREATE UNIQUE INDEX CONCURRENTLY ui ON t (u);"
    assert verdicts(f"{added} ALTER TABLE t ADD PRIMARY KEY USING INDEX ui;") == [True, True, False]
    proof = "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL);"
    assert verdicts(f"BEGIN; {proof} ROLLBACK; ALTER TABLE t ALTER a SET NOT NULL;")[-1] is False
    assert verdicts(f"{proof} ALTER TABLE t RENAME TO s; ALTER TABLE s ALTER a SET NOT NULL;")[-1] is True
