"""What plans are made of, without a server: order, words kept, what is not understood, estimates, no needless steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.migrations.files import migration_file
from dbtui.migrations.planner import make
from dbtui.migrations.planner.clauses import column_text, concurrently, with_columns_of, write_text
from dbtui.model.change import Blocks, ChangePlan, Kind, Range, Reversibility
from dbtui.model.migration import Engine, Relation
from dbtui.model.survey import Rates, Survey, TableFacts
from tests.migrations.cases import cases, schema

BEFORE = """
CREATE TABLE users (id bigint PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, a int, b text);
CREATE INDEX orders_a ON orders (a);
"""


def plan(sql: str, version: tuple[int, ...] = (18,), survey: Survey | None = None) -> ChangePlan:
    before = [migration_file("before.sql", BEFORE)] if survey is None else []
    return make([migration_file("change.sql", sql)], Engine.POSTGRESQL, version, before, survey)


def kinds(made: ChangePlan) -> list[Kind]:
    return [step.kind for step in made.steps]


def test_what_is_safe_runs_as_it_was_written() -> None:
    words = "ALTER TABLE orders\n  ADD COLUMN c int, -- why\n  ADD COLUMN d text DEFAULT 'x'"
    made = plan(words)
    assert [step.statements for step in made.steps] == [(words,)]
    assert made.steps[0].verbatim and made.steps[0].source == 0


SWAP = """
BEGIN;
CREATE TABLE orders_2 (LIKE orders);
ALTER TABLE orders RENAME TO orders_old;
ALTER TABLE public.orders_2 RENAME TO orders;
COMMIT;
"""


def test_tables_that_swap_names_do_so_in_one_step() -> None:
    made = plan(f"ALTER TABLE orders ADD COLUMN c int; {SWAP} DROP TABLE orders_old")
    added, swap, *_ = made.steps
    assert len(swap.statements) == 3 and not any("VIEW" in one for one in swap.statements)
    assert swap.down == (
        "ALTER TABLE public.orders RENAME TO orders_2",
        "ALTER TABLE orders_old RENAME TO orders",
        "DROP TABLE IF EXISTS orders_2",
    )
    assert {one.means for one in swap.postconditions} == {
        "public.orders is there",
        "public.orders_old is there",
    }
    assert added.superseded is not None and "orders_old" in added.superseded.query


@pytest.mark.parametrize(
    "sql", [SWAP.replace("BEGIN;", "").replace("COMMIT;", ""), SWAP.replace("TO orders;", "TO o;")]
)
def test_other_renames_leave_a_view(sql: str) -> None:
    assert any("CREATE VIEW" in one for step in plan(sql).steps for one in step.statements)


def test_a_table_that_the_plan_makes_needs_no_care() -> None:
    made = plan(
        "CREATE TABLE t (a int); CREATE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL; DROP TABLE t"
    )
    assert all(step.verbatim for step in made.steps)
    assert [step.blocks for step in made.steps[1:]] == [Blocks.NOTHING] * 3


def test_a_proof_that_is_there_makes_steps_needless() -> None:
    proved = "ALTER TABLE orders ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;"
    proved += "ALTER TABLE orders VALIDATE CONSTRAINT c;"
    made = plan(proved + "ALTER TABLE orders ALTER a SET NOT NULL", (15,))
    assert len(made.steps) == 3
    assert all(step.verbatim for step in made.steps)


def test_an_index_that_is_there_is_adopted() -> None:
    made = plan(
        "CREATE UNIQUE INDEX CONCURRENTLY u ON orders (b); ALTER TABLE orders ADD CONSTRAINT b UNIQUE (b)"
    )
    assert [step.statements[0] for step in made.steps if step.statements][-1].endswith("UNIQUE USING INDEX u")
    assert kinds(made).count(Kind.INDEX) == 1


@pytest.mark.parametrize(
    "words", ["ALTER TABLE orders FROB x", "DO $$ BEGIN END $$", "ALTER TABLE orders ADD COLUMN ("]
)
def test_what_is_not_understood_is_never_safe(words: str) -> None:
    made = plan(words)
    assert not made.safe
    assert made.steps[0].blocks is Blocks.EVERYTHING and made.steps[0].seconds is None
    assert made.steps[0].statements == (words,)


def test_half_a_statement_hides_nothing_of_the_others() -> None:
    made = plan("ALTER TABLE orders ADD COLUMN x int; CREATE TABLE y (a int")
    assert [step.blocks for step in made.steps] == [Blocks.EVERYTHING, Blocks.EVERYTHING]
    assert made.steps[0].seconds is not None and made.steps[1].seconds is None


def test_commands_of_psql_are_for_people() -> None:
    assert kinds(plan("\\i other.sql\nALTER TABLE orders ADD COLUMN x int;")) == [Kind.APPLICATION, Kind.DDL]


def test_settings_of_a_script_go_with_each_step() -> None:
    made = plan(
        "SET search_path = shop; SET lock_timeout = '1h'; CREATE INDEX i ON orders (b); RESET search_path;"
    )
    assert [step.before for step in made.steps] == [("SET search_path = shop",)]


def test_what_only_clears_away_comes_last() -> None:
    made = plan("ALTER TABLE users RENAME TO people; CREATE INDEX i ON orders (b)")
    assert [step.title.split()[0] for step in made.steps] == ["rename", "build", "deploy", "drop"]
    again = plan("ALTER TABLE users RENAME TO people; ALTER TABLE users ADD COLUMN x int")
    assert [step.title.split()[0] for step in again.steps][:3] == ["rename", "deploy", "drop"]


def test_the_first_step_without_a_way_back_is_marked() -> None:
    made = plan("ALTER TABLE orders ADD COLUMN x int; ALTER TABLE orders DROP COLUMN b; DROP TABLE users")
    marked = [step for step in made.steps if step.point_of_no_return]
    assert [step.title for step in marked] == ["drop orders.b"]
    assert marked[0].destructive and marked[0].reversibility is Reversibility.IMPOSSIBLE


def test_estimates_and_queries_that_would_queue() -> None:
    orders = TableFacts(Relation("orders", "public"), 1_000_000, 1_000_000_000, 500_000_000, 200.0, 100.0)
    ddl = BEFORE.replace("TABLE ", "TABLE public.").replace("ON orders", "ON public.orders")
    survey = Survey(
        "id/shop", "shop", (18, 4), ddl=ddl, tables=(orders,), rates=Rates(1e9, 2e8, 1e8, measured=True)
    )
    made = plan(
        "ALTER TABLE orders SET UNLOGGED; CREATE INDEX i ON orders (b); ALTER TABLE orders ADD x int",
        survey=survey,
    )
    rewrite, build, brief = made.steps
    assert rewrite.seconds == Range(pytest.approx(0.001 + 1.5 / 0.3), pytest.approx(0.1 + 1.5e9 / (1e8 / 3)))
    assert rewrite.waiting is not None and rewrite.waiting.high == pytest.approx(300 * (45.1 + 2), rel=0.01)
    assert build.seconds is not None and build.seconds.high == pytest.approx(0.1 + 15, rel=0.01)
    assert build.waiting is None
    assert rewrite.notes[-1].startswith("writes up to 1.4 GB anew: it needs as much disk") and not build.notes
    full = plan("ALTER TABLE orders SET UNLOGGED", survey=replace(survey, free_bytes=10**9))
    assert full.steps[0].notes[-1] == "NO ROOM FOR THIS: it writes up to 1.4 GB anew, and 954 MB are free"
    assert brief.waiting is not None and brief.waiting.high == pytest.approx(300 * 2.1)
    assert (made.server, made.database, made.version) == ("id/shop", "shop", "18.4")
    assert (
        plan("ALTER TABLE orders SET LOGGED", survey=survey).sha256
        == plan("ALTER TABLE orders SET LOGGED").sha256
    )


@pytest.mark.parametrize("engine", list(Engine))
def test_every_case_of_the_matrices_becomes_a_plan(engine: Engine) -> None:
    """Ten at a time: each of the statements has its steps, in order."""
    name = engine.value
    before = [migration_file("schema.sql", schema("mysql" if name == "mariadb" else name))]
    found = cases(name)
    for start in range(0, len(found), 10):
        some = found[start : start + 10]
        made = make(
            [migration_file("case.sql", "".join(f"{case.sql};\n" for case in some))], engine, None, before
        )
        assert len(made.source) >= len(some)
        assert [step.number for step in made.steps] == list(range(1, len(made.steps) + 1))
        served = {step.source for step in made.steps}
        left = [one.sql for number, one in enumerate(made.source) if number not in served]
        assert all(
            sql.upper().startswith(("SET", "BEGIN", "COMMIT", "PRAGMA", "RESET", "SHOW")) for sql in left
        ), left


_WORDS = [
    "ALTER",
    "TABLE",
    "orders",
    "ADD",
    "COLUMN",
    "x",
    "int",
    "(",
    ")",
    ";",
    "'a'",
    '"b"',
    "NOT",
    "NULL",
    "DROP",
]


@given(st.lists(st.sampled_from([*_WORDS, ",", "UPDATE", "SET", "WHERE", "="]), max_size=12))
def test_no_words_break_the_planner(words: list[str]) -> None:
    made = plan(" ".join(words))
    assert len({step.number for step in made.steps}) == len(made.steps)


@pytest.mark.parametrize(
    ("text", "name", "kind", "clauses"),
    [
        ("ADD COLUMN a int", "a", "int", []),
        (
            "ADD a timestamp with time zone NOT NULL DEFAULT now()",
            "a",
            "timestamp with time zone",
            ["NOT", "DEFAULT"],
        ),
        (
            'ADD COLUMN IF NOT EXISTS "A b" numeric(10,2)[] COLLATE "C" UNIQUE',
            '"A b"',
            'numeric(10,2)[] COLLATE "C"',
            ["UNIQUE"],
        ),
        (
            "ADD a int CONSTRAINT c CHECK (a > 0 AND b IS NOT NULL) REFERENCES u (id) ON DELETE SET NULL",
            "a",
            "int",
            ["CHECK", "REFERENCES"],
        ),
        ("ADD a int GENERATED ALWAYS AS (b * 2) STORED", "a", "int", ["GENERATED"]),
    ],
)
def test_the_pieces_of_a_column(text: str, name: str, kind: str, clauses: list[str]) -> None:
    found = column_text(text)
    assert found is not None
    assert (found.name, found.type, [word for word, _ in found.clauses]) == (name, kind, clauses)


def test_words_that_are_put_into_the_users_own() -> None:
    assert (
        concurrently("CREATE  UNIQUE INDEX\n ON t (a)", "i")
        == "CREATE  UNIQUE INDEX CONCURRENTLY i\n ON t (a)"
    )
    assert concurrently("REINDEX TABLE t") == "REINDEX TABLE CONCURRENTLY t"
    assert (
        with_columns_of("a + lower(b) || 'a' || x.a", ["a", "b"], "NEW")
        == "NEW.a + lower(NEW.b) || 'a' || x.a"
    )


@pytest.mark.parametrize(
    ("sql", "pieces"),
    [
        (
            "UPDATE s.t SET a = (SELECT 1 WHERE true), b = 2 WHERE c > 1",
            ("update", "a = (SELECT 1 WHERE true), b = 2", "c > 1"),
        ),
        ("DELETE FROM t", ("delete", "", "")),
        ("UPDATE t SET a = 1 FROM u WHERE t.id = u.id", None),
        ("UPDATE t AS x SET a = 1", None),
        ("DELETE FROM t USING u WHERE t.id = u.id", None),
        ("DELETE FROM t WHERE a = 1 RETURNING b", None),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1", None),
    ],
)
def test_writes_that_can_go_in_batches(sql: str, pieces: tuple[str, str, str] | None) -> None:
    found = write_text(sql, Engine.POSTGRESQL)
    assert (found and (found.verb, found.assignments, found.where)) == pieces


def test_a_tree_of_files_is_planned_in_order() -> None:
    """Far too many statements for anything that compares each of them with each."""
    tables = 3000
    each = "CREATE TABLE t{0} (a int); ALTER TABLE t{0} ADD COLUMN b int; CREATE INDEX i{0} ON t{0} (b);"
    made = plan("".join(each.format(number) for number in range(tables)))
    assert [step.source for step in made.steps] == list(range(3 * tables))
