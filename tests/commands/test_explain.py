"""`dbtui explain`: exit codes, the JSON contract, and text that is safe to print."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dbtui.cli import main
from dbtui.commands.streams import exit_code
from dbtui.model.finding import Finding, Severity
from dbtui.plans import parse
from tests.plans.conftest import Explained, explained  # noqa: F401
from tests.plans.shapes import SHAPES
from tests.plans.test_formats import BAD, JIT, PLAIN
from tests.servers.postgres import PostgresServer

NODE_KEYS = (
    "id parent label depth relation rows estimated_rows loops total_ms self_ms blocks self_blocks raw".split()  # noqa: SIM905
)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["explain", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    path = tmp_path / "plan.txt"
    path.write_text(PLAIN + JIT, encoding="utf-8")
    return path


def test_json_is_the_contract(capsys: pytest.CaptureFixture[str], plan_file: Path) -> None:
    code, out, _ = run(capsys, "--plan", str(plan_file), "--format", "json")
    value = json.loads(out)
    assert code == 0
    assert list(value) == [
        *(
            "version",
            "format",
            "server_version",
            "total_ms",
            "self_sum_ms",
            "unattributed_ms",
            "nodes",
            "findings",
        )
    ]
    assert (value["version"], value["format"]) == (1, "postgres-text")
    assert {finding["rule"] for finding in value["findings"]} == {"pg-jit-share", "pg-hash-spill"}
    finding = {"rule", "severity", "object", "message", "evidence", "advice", "sql", "docs", "node"}
    assert all(set(one) == finding for one in value["findings"])
    assert value["self_sum_ms"] + value["unattributed_ms"] == pytest.approx(value["total_ms"])
    assert all(list(node) == NODE_KEYS for node in value["nodes"])
    assert sum(node["self_ms"] for node in value["nodes"]) == pytest.approx(value["self_sum_ms"])
    assert value["nodes"][3]["parent"] == 2 and value["nodes"][3]["relation"] == "b"


def test_figures_that_a_plan_lacks_are_null(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text('[{"Plan": {"Node Type": "Sort", "Total Cost": Infinity, "Plan Rows": 1e999}}]')
    _, out, _ = run(capsys, "--plan", str(path), "--format", "json")
    value = json.loads(out, parse_constant=pytest.fail)
    node = value["nodes"][0]
    assert value["total_ms"] is value["self_sum_ms"] is value["unattributed_ms"] is None
    assert node["self_ms"] is node["rows"] is node["loops"] is node["blocks"] is node["self_blocks"] is None


def test_text_shows_how_the_figures_add_up(capsys: pytest.CaptureFixture[str], plan_file: Path) -> None:
    code, out, _ = run(capsys, "--plan", str(plan_file))
    assert code == 0
    assert "└─ Hash" in out and "3 → 30" in out and "batches on disk" in out
    assert "nodes 0.022 ms (0.1 %) + in no node 29.978 ms = 30.000 ms, ± 0.001 ms of rounding" in out
    assert "JIT 9.95 ms" in out
    assert all(len(line) <= 120 for line in out.split("\n"))


def test_a_remedy_can_be_copied_however_long_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table, column = "warehouse_movements_of_the_archive", "identifier_of_the_responsible_department"
    file = tmp_path / "plan.txt"
    file.write_text(
        f"Seq Scan on {table}  (cost=0..1 rows=5 width=4) (actual time=0.0..9.0 rows=5 loops=1)\n"
        f"  Filter: ({column} = 5)\n  Rows Removed by Filter: 50000\n"
    )
    _, out, _ = run(capsys, "--plan", str(file))
    assert f"    CREATE INDEX CONCURRENTLY ON {table} ({column});\n" in out
    said = out[out.index("pg-seq-scan-discards-rows") :]
    assert "…" not in said and "of them thrown away" in " ".join(said.split())


def test_every_shape_is_drawn(explained: Explained) -> None:  # noqa: F811
    from dbtui.commands.explain import render

    for name, text in explained.shapes("analyze, buffers, verbose").items():
        plan = parse(text)
        drawn = render(plan, [], "text")
        assert all(len(line) <= 120 for line in drawn.split("\n")), name
        assert len(
            [line for line in render(plan, [], "markdown").split("\n") if line.startswith("| ")]
        ) >= len(plan.nodes), name
        value = json.loads(render(plan, [], "json"))
        assert len(value["nodes"]) == len(plan.nodes), name
    assert len(SHAPES) >= 80


def test_markdown_escapes_what_it_would_obey(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "plan.txt"
    path.write_text("Seq Scan on \"<b>|*x*\"  (cost=0..1 rows=1 width=1)\n  Filter: (a || '`'::text)\n")
    _, out, _ = run(capsys, "--plan", str(path), "--format", "markdown")
    row = out.split("\n")[2]
    assert "\\<b\\>\\|\\*x\\*" in row and "\\|\\|" in row
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_hostile_names_reach_no_terminal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    evil = "x\x1b]0;owned\x07\u202e\x9b31m\r"
    path = tmp_path / "plan.json"
    node = {"Node Type": "Seq Scan", "Relation Name": evil, "Alias": evil, "Filter": evil, "Plan Rows": 1}
    path.write_text(json.dumps([{"Plan": node | {"Subplan Name": evil}}]))
    code, out, _ = run(capsys, "--plan", str(path), "--format", form)
    assert code == 0
    assert not set(out) & set("\x1b\x07\u202e\x9b\r")


@pytest.mark.parametrize(
    "name", ["empty", "prose", "deep json", "two texts", "xml billion", "json cut", "huge integer"]
)
def test_what_is_no_plan_exits_2_with_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    data = io.TextIOWrapper(io.BytesIO(BAD[name].encode()), encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", data)
    code, out, err = run(capsys, "--plan", "-", "--format", "json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("dbtui: ")


def test_fail_on_decides_what_the_exit_code_says(capsys: pytest.CaptureFixture[str], plan_file: Path) -> None:
    codes = [
        run(capsys, "--plan", str(plan_file), "--fail-on", word)[0]
        for word in ("error", "warning", "pg-jit-share")
    ]
    assert codes == [0, 1, 1]
    assert run(capsys, "--plan", str(plan_file), "--fail-on", "pg-jit-shar")[0] == 2


def test_words_that_do_not_fit_together_exit_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in (["--plan", str(tmp_path / "none")], ["--plan", str(tmp_path)], [], ["url", "--plan", "-"]):
        code, out, err = run(capsys, *words)
        assert (code, out, err.count("\n")) == (2, "", 1)


def test_utf_16_and_standard_input(plan_file: Path) -> None:
    text = plan_file.read_text(encoding="utf-8")
    argv = [sys.executable, "-m", "dbtui", "explain", "--plan", "-", "--format", "json"]
    for encoding in ("utf-8", "utf-16"):
        done = subprocess.run(argv, input=text.encode(encoding), capture_output=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(json.loads(done.stdout)["nodes"]) == 4


def test_a_terminal_without_unicode_gets_the_plan_all_the_same(plan_file: Path) -> None:
    argv = [sys.executable, "-m", "dbtui", "explain", "--plan", str(plan_file)]
    done = subprocess.run(argv, capture_output=True, timeout=60, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and b"Hash Join" in done.stdout


def test_findings_decide_the_exit_code() -> None:
    findings = [Finding("pg-seq-scan-hot", Severity.WARNING, "slow")]
    codes = {
        fail_on: exit_code(findings, fail_on)
        for fail_on in ("error", "warning", "info", "pg-seq-scan-hot", "x")
    }
    assert codes == {"error": 0, "warning": 1, "info": 1, "pg-seq-scan-hot": 1, "x": 0}


async def test_a_statement_is_explained_on_an_engine(explained: Explained) -> None:  # noqa: F811
    from types import SimpleNamespace

    from dbtui.commands.server_plans import explain_on
    from dbtui.errors import UsageError
    from dbtui.model.plan import RawPlan

    async def explain(sql: str, **_options: object) -> RawPlan:
        text = explained.server.psql(f"explain (format json) {sql}", database=explained.database)
        return RawPlan(text, "postgres-json", sql, "18.6", ("estimates only",))

    engine = SimpleNamespace(explain=SimpleNamespace(explain=explain), lacks={})
    plan = await explain_on(engine, "select * from customers where id = 3")  # type: ignore[arg-type]
    assert plan.nodes[0].index == "customers_pkey"
    assert (plan.query, plan.server_version, plan.notes) == (
        "select * from customers where id = 3",
        "18.6",
        ("estimates only",),
    )
    with pytest.raises(UsageError, match="only keys"):
        await explain_on(SimpleNamespace(explain=None, lacks={"explain": "it has only keys"}), "x")  # type: ignore[arg-type]


def statement(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str, sql: str, *words: str
) -> tuple[int, str, str]:
    file = tmp_path / "query.sql"
    file.write_text(sql, encoding="utf-8")
    return run(capsys, url, "-f", str(file), *words)


def test_why_a_rule_is_silent(capsys: pytest.CaptureFixture[str], plan_file: Path) -> None:
    _, out, _ = run(capsys, "--plan", str(plan_file), "--why", "pg-seq-scan-hot")
    assert "pg-seq-scan-hot flags nothing" in out and "at least 50 wanted" in out
    _, out, _ = run(capsys, "--plan", str(plan_file), "--why", "pg-jit-share", "--format", "json")
    value = json.loads(out)
    assert value["findings"] and value["reason"] == "" and value["nearest"] == []
    code, out, err = run(capsys, "--plan", str(plan_file), "--why", "pg-nothing")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_two_files_are_compared(capsys: pytest.CaptureFixture[str], plan_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(PLAIN.replace("Hash Join", "Nested Loop"), encoding="utf-8")
    code, out, _ = run(capsys, "--plan", str(plan_file), "--compare", str(other))
    assert code == 0 and "~ Hash Join (was Nested Loop)" in out and "another plan" in out
    _, out, _ = run(capsys, "--plan", str(plan_file), "--compare", str(other), "--format", "json")
    assert json.loads(out)["changed"] is True
    _, out, _ = run(capsys, "--plan", str(plan_file), "--compare", str(plan_file), "--format", "markdown")
    assert "the same plan" in out


def test_a_plan_that_changed_is_said_and_compared(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, postgres18: PostgresServer
) -> None:
    database = postgres18.create_database()
    postgres18.psql(
        "create table t (id int primary key, a int); insert into t select i, i % 900 from"
        " generate_series(1, 20000) i; create index t_a on t (a); vacuum analyze t",
        database,
    )
    url = postgres18.url(database)
    code, _, err = statement(capsys, tmp_path, url, "select * from t where a = 7", "--compare", "last")
    assert code == 2 and "no earlier plan" in err
    postgres18.psql("drop index t_a", database)
    code, out, err = statement(capsys, tmp_path, url, "select * from t where a = 8")
    assert code == 0 and "Seq Scan" in out
    assert "the plan has changed since" in err and "t_a" in err and err.count("\n") == 1
    code, out, _ = statement(capsys, tmp_path, url, "select * from t where a = 9", "--compare", "last")
    assert code == 0 and "was Bitmap Heap Scan" in out
    _, out, _ = statement(capsys, tmp_path, url, "select * from t where a = $1", "--sweep")
    assert "generic plan" in out
    _, out, _ = statement(capsys, tmp_path, url, "select * from t where a = 7", "--analyze", "--doctor")
    assert "no node gives far more" in out
    for words in (["--sweep", "--doctor"], ["--doctor"], ["--value", "x=1", "--sweep"]):
        try:
            code = statement(capsys, tmp_path, url, "select 1", *words)[0]
        except SystemExit as left:
            code = int(left.code or 0)
        assert code == 2


def test_what_running_it_does_besides_is_refused_without_yes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, postgres18: PostgresServer
) -> None:
    database = postgres18.create_database()
    postgres18.psql(
        "create function noisy() returns int language sql volatile as 'select 1'; create table t (id int)",
        database,
    )
    url = postgres18.url(database)
    code, out, err = statement(capsys, tmp_path, url, "select noisy()", "--analyze")
    assert (code, out) == (2, "") and "public.noisy() is volatile" in err and "--yes" in err
    code, out, _ = statement(capsys, tmp_path, url, "select noisy()", "--analyze", "--yes")
    assert code == 0 and "Result" in out
    code, _, err = statement(capsys, tmp_path, url, "insert into t values (1)", "--analyze", "--yes")
    assert code == 2 and "INSERT is not a query" in err
    assert postgres18.psql("select count(*) from t", database) == "0"
