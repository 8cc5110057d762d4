"""Shapes that the test servers do not make: JIT, old versions, other tools' wrappings, other languages."""

from __future__ import annotations

import html
import json
import textwrap
from collections.abc import Callable

import pytest

from dbtui.errors import InputError
from dbtui.plans import parse
from dbtui.plans.summary import (
    beside_nodes,
    hot_path,
    own_costs,
    weighed_by,
    weights,
)

PLAIN = """\
Hash Join  (cost=1.07..2.15 rows=3 width=8) (actual time=0.020..0.022 rows=30 loops=1)
  Hash Cond: (a."Id" = b.id)
  ->  Seq Scan on a  (cost=0.00..1.03 rows=3 width=4) (actual time=0.005..0.006 rows=3 loops=1)
        Filter: (note <> 'it''s "so"'::text)
        Rows Removed by Filter: 7
  ->  Hash  (cost=1.03..1.03 rows=3 width=4) (actual time=0.009..0.009 rows=3 loops=1)
        Buckets: 1024 (originally 512)  Batches: 4 (originally 1)  Memory Usage: 9kB
        ->  Seq Scan on b "B x"  (cost=0.00..1.03 rows=3 width=4) (actual time=0.002..0.003 rows=3 loops=1)
Planning Time: 0.100 ms
Execution Time: 0.050 ms"""

JIT = """
JIT:
  Functions: 14
  Options: Inlining false, Optimization true, Expressions true, Deforming true
  Timing: Generation 1.250 ms (Deform 0.5 ms), Inlining 0.000 ms, Optimization 0.7 ms, Emission 8.0 ms, Total 9.95 ms
Execution Time: 30.000 ms"""

FOOTERS = (
    "(10 rows)",
    "(10 Zeilen)",
    "(10 lignes)",
    "(10 строк)",
    "(10 行)",
    "（10 行）",
    "(10개 행)",
    "(10 filas)",
)


def framed(left: str, right: str, head: str = "QUERY PLAN", footer: str = "(10 rows)") -> str:
    lines = [head, *PLAIN.split("\n")]
    width = max(map(len, lines))
    return "\n".join(
        [*(f"{left}{line:<{width}}{right}" for line in lines[:1]), "-" * (width + 2)]
        + [f"{left}{line:<{width}}{right}" for line in lines[1:]]
        + [footer, ""]
    )


def prefixed(prefix: str) -> str:
    """A plan in a log whose every line a collector has stamped."""
    lines = ["LOG:  duration: 12.345 ms  plan:", "\tQuery Text: select 1"]
    return "\n".join(prefix + line for line in [*lines, *(f"\t{line}" for line in PLAIN.split("\n"))])


WRAPPED = {
    "as it is": PLAIN,
    "with a margin": "\n".join("   " + line for line in PLAIN.split("\n")),
    "first line without its margin": PLAIN.replace("\n", "\n ")[0:],
    "windows": PLAIN.replace("\n", "\r\n"),
    "bars": framed("| ", " |"),
    "double bars": framed("║ ", " ║"),
    "box bars": framed("│ ", " │"),
    "a bar at the right": framed("", "|"),
    "quoted lines": "\n".join('"' + line.replace('"', '""') + '"' for line in PLAIN.split("\n")),
    "quoted lines with a heading": '"QUERY PLAN"\n'
    + "\n".join('"' + line.replace('"', '""') + '"' for line in PLAIN.split("\n")),
    "single quotes": "\n".join("'" + line.replace("'", "''") + "'" for line in PLAIN.split("\n")),
    "a mail": "\n".join("> " + line for line in PLAIN.split("\n")),
    "a fence": f"```\n{PLAIN}\n```",
    "a prompt": f"shop=# explain analyze\nshop-# select 1;\n{framed(' ', '')}\nshop=# \\q",
    "prose": f"Hello,\nwhy is this slow?\n\n{PLAIN}\n\nThanks",
    "rows as json": json.dumps([{"QUERY PLAN": line} for line in PLAIN.split("\n")]),
    "a log": "2024-05-05 10:00:00.000 UTC [77] me@shop LOG:  duration: 12.345 ms  plan:\n"
    "\tQuery Text: select *\n\t  from a\n"
    + "\n".join("\t" + line for line in PLAIN.split("\n"))
    + "\n2024-05-05 10:00:00.001 UTC [78] LOG:  checkpoint starting: time",
    "syslog": "May  5 10:00:00 db postgres[77]: [3-1] LOG:  duration: 12.345 ms  plan:\n"
    + "\n".join(
        f"May  5 10:00:00 db postgres[77]: [3-{n}] #011{line}" for n, line in enumerate(PLAIN.split("\n"), 2)
    ),
    "csvlog": '2024-05-05 10:00:00.000 UTC,"me","shop",77,"[local]",6,1,"SELECT",LOG,00000,'
    '"duration: 12.345 ms  plan:\n' + PLAIN.replace('"', '""') + '",,,,,,,,,"psql","client backend",,0',
    "jsonlog": json.dumps({"pid": 77, "message": f"duration: 12.345 ms  plan:\n{PLAIN}"}),
    "a terminal of 60 columns": "\n".join(
        line[at : at + 60] for line in PLAIN.split("\n") for at in range(0, len(line), 60)
    ),
    "colours": "\x1b[32m" + PLAIN.replace("Seq Scan", "\x1b[1mSeq Scan\x1b[0m") + "\x1b[0m",
    "a web page": html.escape(PLAIN),
    "hard spaces": PLAIN.replace("  ", "\u00a0 "),
    "a ticket": f"{{noformat}}\n{PLAIN}\n{{noformat}}",
    "numbered lines": "\n".join(f"{n:>3}  {line}" for n, line in enumerate(PLAIN.split("\n"), 1)),
    "rows of a driver": repr([(line,) for line in PLAIN.split("\n")]),
    "docker compose": prefixed("db-1  | "),
    "kubernetes": prefixed("2024-05-05T10:00:00.123456789Z stdout F "),
    "journald": prefixed("May 05 10:00:00 host postgres[77]: "),
    "jsonlog among others": json.dumps({"pid": 77, "message": f"duration: 12.345 ms  plan:\n{PLAIN}"})
    + "\n"
    + json.dumps({"pid": 8, "message": "checkpoint starting: time"}),
    "a mail of 72 columns": "\n".join(
        textwrap.fill(line, 72, break_long_words=False, break_on_hyphens=False) for line in PLAIN.split("\n")
    ),
    **{f"footer {footer}": framed(" ", "", footer=footer) for footer in FOOTERS},
    "timing in Russian": framed(" ", "") + "\nВремя: 0,543 мс",
    "timing in French": framed(" ", "") + "\nTemps : 0,543 ms",
}


@pytest.mark.parametrize("name", WRAPPED)
def test_what_surrounds_a_plan_is_taken_off(name: str) -> None:
    plan = parse(WRAPPED[name])
    assert [node.label for node in plan.nodes] == [
        "Hash Join",
        "Seq Scan on a",
        "Hash",
        'Seq Scan on b "B x"',
    ]
    assert [node.parent for node in plan.nodes] == [None, 0, 0, 2]
    assert plan.nodes[1].raw["Filter"].replace(" ", "") == "(note<>'it''s\"so\"'::text)"
    assert plan.nodes[2].raw["Original Hash Batches"] == 1 and plan.nodes[2].raw["Hash Batches"] == 4
    assert plan.execution_ms == 0.05 and plan.planning_ms == 0.1
    assert set(plan.extra) <= {"Query Parameters"}
    assert plan.self_sum_ms == pytest.approx(0.022)


def test_jit_settings_and_old_names_stand_where_json_has_them() -> None:
    plan = parse(
        PLAIN.partition("\nPlanning")[0]
        + "\nSettings: work_mem = '64MB', search_path = 'a, ''b''', jit_above_cost = '0'"
        + "\nPlanning time: 0.2 ms"
        + "\nTrigger for constraint fk on child: time=7.500 calls=3\nTrigger t1: time=0.5 calls=9"
        + JIT
    )
    assert plan.settings == {"work_mem": "64MB", "search_path": "a, 'b'", "jit_above_cost": "0"}
    assert plan.planning_ms == 0.2 and plan.execution_ms == 30.0
    assert plan.extra["JIT"]["Functions"] == 14
    assert plan.extra["JIT"]["Options"]["Optimization"] is True
    assert plan.extra["JIT"]["Timing"]["Generation"] == {"Deform": 0.5, "Total": 1.25}
    assert plan.triggers[0] == {"Constraint Name": "fk", "Relation": "child", "Time": 7.5, "Calls": 3}
    assert dict(beside_nodes(plan)) == {"planning": 0.2, "triggers": 8.0, "JIT": 9.95}
    assert plan.unattributed_ms == pytest.approx(30.0 - 0.022)


def test_total_runtime_of_version_9_is_the_execution_time() -> None:
    plan = parse(
        "Seq Scan on t  (cost=0.00..1.00 rows=1 width=4) (actual time=0.1..0.2 rows=1 loops=1)\nTotal runtime: 0.9 ms"
    )
    assert plan.total_ms == 0.9 and plan.self_sum_ms == pytest.approx(0.2)


def test_workers_of_text_have_figures_and_details() -> None:
    plan = parse(
        "Gather  (cost=0..9 rows=9 width=4) (actual time=1.000..9.000 rows=9 loops=1)\n"
        "  Workers Planned: 2\n  Workers Launched: 2\n"
        "  ->  Sort  (cost=0..9 rows=3 width=4) (actual time=3.000..6.000 rows=3 loops=3)\n"
        "        Sort Key: (f(a, b)), c DESC, 'x, y'::text\n"
        "        Sort Method: quicksort  Memory: 25kB\n"
        "        Buffers: shared hit=7 read=2, temp read=4 written=5\n"
        "        Worker 0:  actual time=2.000..5.000 rows=3 loops=1\n"
        "          Sort Method: external merge  Disk: 264kB\n"
        "          JIT:\n            Functions: 2\n"
        "        Worker 1:  actual time=2.000..7.000 rows=2 loops=1\n"
        "        I/O Timings: shared read=0.5 write=0.1, temp read=0.2\n"
    )
    sort = plan.nodes[1]
    assert sort.raw["Sort Key"] == ["(f(a, b))", "c DESC", "'x, y'::text"]
    assert sort.raw["Workers"][0]["Sort Space Type"] == "Disk"
    assert sort.raw["Workers"][0]["JIT"] == {"Functions": 2}
    assert sort.raw["Workers"][1]["Actual Total Time"] == 7.0
    assert (sort.raw["Temp Written Blocks"], sort.raw["Shared I/O Write Time"]) == (5, 0.1)
    assert (sort.processes, sort.total_ms, sort.self_ms, plan.nodes[0].self_ms) == (3, 6.0, 6.0, 3.0)
    assert plan.total_ms == 9.0 and plan.unattributed_ms == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "<explain><Query><Plan><Node-Type>Result</Node-Type><Filter>(a &gt; 5)</Filter></Plan></Query></explain>",
        '[{"Plan": {"Node Type": "Result", "Filter": "(a &gt; 5)"}}]',
        "Result  (cost=0..1 rows=1 width=1)\n  Filter: (a &gt; 5)\n  ->  Result  (cost=0..1 rows=1 width=1)\n",
    ],
)
def test_what_stands_in_a_plan_is_not_taken_for_a_web_page(text: str) -> None:
    expected = "(a > 5)" if text.startswith("<") else "(a &gt; 5)"
    assert parse(text).nodes[0].raw["Filter"] == expected


def test_unknown_nodes_and_properties_are_kept() -> None:
    plan = parse(
        "Quantum Scan on t  (cost=0.00..1.00 rows=1 width=4)\n  Qubits: 12\n"
        "  ->  Custom Scan (Chunks) on t c  (cost=0..1 rows=1 width=1)\n"
        "        Chunks excluded: 3"
    )
    assert plan.nodes[0].operation == "Quantum Scan" and plan.nodes[0].raw["Qubits"] == 12
    assert plan.nodes[1].operation == "Custom Scan" and plan.nodes[1].raw["Chunks excluded"] == 3
    document = {"Plan": {"Node Type": "Quantum Scan", "Qubits": {"n": [1]}}, "Advice": "x"}
    assert parse(json.dumps([document])).nodes[0].raw["Qubits"] == {"n": [1]}
    assert parse(json.dumps(document)).extra == {"Advice": "x"}


def test_workers_that_were_written_twice_are_one() -> None:
    text = (
        '[{"Plan": {"Node Type": "Sort", "Workers": [{"Worker Number": 0, "Sort Method": "quicksort"}],'
        ' "Workers": [{"Worker Number": 0, "Actual Loops": 1}]}}]'
    )
    assert parse(text).nodes[0].raw["Workers"] == [
        {"Worker Number": 0, "Sort Method": "quicksort", "Actual Loops": 1}
    ]


def test_yaml_and_json_of_other_writers() -> None:
    yaml = "- Plan:\n    Node Type: Limit\n    Plans:\n"
    yaml += "    - Node Type: 'Seq Scan'\n      Alias: \"t\"\n      Plan Rows: 3\n  Triggers:\n"
    assert [node.label for node in parse(yaml).nodes] == ["Limit", "Seq Scan on t"]
    assert parse('{"Node Type": "Result", "Plan Rows": 1}').nodes[0].estimated_rows == 1
    assert parse('[{"QUERY PLAN": [{"Plan": {"Node Type": "Result"}}]}]').nodes[0].label == "Result"


def test_the_hot_path() -> None:
    plan = parse(PLAIN)
    assert weighed_by(plan) == "time"
    assert hot_path(plan) == (0, 2, 3)
    assert sum(share or 0 for share in weights(plan)) == pytest.approx(0.022 / 0.05)
    estimates = parse(PLAIN.replace("(actual", "(never executed) (")[:70].partition("(never")[0])
    assert weighed_by(estimates) == "cost" and weights(estimates)[0] == 1.0


def test_below_a_limit_costs_count_in_proportion() -> None:
    plan = parse(
        "Limit  (cost=0.00..0.79 rows=5 width=30)\n"
        "  ->  Sort  (cost=56.70..61.27 rows=5 width=30)\n"
        "        ->  Seq Scan on orders  (cost=0.00..56.70 rows=15 width=30)"
    )
    assert sum(own or 0 for own in own_costs(plan)) == pytest.approx(0.79)
    assert weights(plan)[2] == pytest.approx(56.7 / 61.27)


@pytest.mark.parametrize(
    "wrap",
    [
        json.dumps,
        lambda text: text.replace('"', '\\"'),
        lambda text: repr(json.loads(text)),
        lambda text: f"\ufeff{text}",
        lambda text: f"here it is:\n{text}",
    ],
)
def test_json_inside_something_else(wrap: Callable[[str], str]) -> None:
    document = [{"Plan": {"Node Type": "Sort", "Plans": [{"Node Type": "Result"}]}}]
    plan = parse(wrap(json.dumps(document, indent=2)))
    assert [node.operation for node in plan.nodes] == ["Sort", "Result"]
    assert plan.original == wrap(json.dumps(document, indent=2))


BAD = {
    "a join cut off": (
        "Hash Join  (cost=1.00..2.00 rows=9 width=8) (actual time=0.1..0.9 rows=9 loops=1)\n"
        "  Hash Cond: (a.id = b.id)\n"
        "  ->  Seq Scan on a  (cost=0.00..1.00 rows=9 width=4) (actual time=0.0..0.2 rows=9 loops=1)\n"
    ),
    "empty": " \n ",
    "prose": "hello world",
    "sql": "select * from t where (cost = 1) limit 5",
    "json of something else": '{"a": [1, 2]}',
    "json list": "[1, 2]",
    "json cut": '[{"Plan": {"Node Type": "Sort", "Plans": [{"Node',
    "mysql": '{"query_block": {"select_id": 1}}',
    "node without type": '[{"Plan": {"Plans": []}}]',
    "child is no node": '[{"Plan": {"Node Type": "Sort", "Plans": [3]}}]',
    "children are a text": '[{"Plan": {"Node Type": "Sort", "Plans": "x"}}]',
    "huge integer": '[{"Plan": {"Node Type": "Sort", "Actual Loops": ' + "9" * 5000 + "}}]",
    "integer beyond a float": '[{"Plan": {"Node Type": "Sort", "Actual Loops": ' + "9" * 400 + "}}]",
    "huge time": '[{"Plan": {"Node Type": "Sort", "Actual Loops": 1e9, "Actual Total Time": 1e14}}]',
    "two in json": '[{"Plan": {"Node Type": "Sort"}}, {"Plan": {"Node Type": "Sort"}}]',
    "two jsons": '[{"Plan": {"Node Type": "Sort"}}]\n[{"Plan": {"Node Type": "Sort"}}]',
    "two texts": f"{PLAIN}\n\n{PLAIN}",
    "two texts with a heading": framed(" ", "") + framed(" ", ""),
    "two logged": f"LOG:  duration: 1.0 ms  plan:\n\t{PLAIN}\nLOG:  duration: 1.0 ms  plan:\n\t{PLAIN}",
    "two of two notations": f'{PLAIN}\n[{{"Plan": {{"Node Type": "Sort"}}}}]',
    "two records": '{"message": "duration: 1 ms  plan:\\nSort"}\n' * 2,
    "two in yaml": "- Plan:\n    Node Type: Sort\n- Plan:\n    Node Type: Sort\n",
    "two in xml": "<explain><Query><Plan><Node-Type>Sort</Node-Type></Plan></Query></explain>" * 2,
    "nodes behind other text": PLAIN.replace("->", "x ->"),
    "mysql table": "+----+-------------+\n| id | select_type |\n+----+-------------+\n|  1 | SIMPLE      |\n",
    "text cut in a node": PLAIN[: PLAIN.index("rows=3 loops")],
    "text cut in costs": "Limit  (cost=0.0",
    "xml cut": '<explain xmlns="x"><Query><Plan>',
    "xml broken": "<explain><Query></Plan></explain>",
    "xml doctype": '<!DOCTYPE x SYSTEM "file:///etc/passwd"><explain><Query/></explain>',
    "xml billion": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><explain>&b;</explain>',
    "xml entity": "<explain><Query><Plan><Node-Type>&b;</Node-Type></Plan></Query></explain>",
    "yaml anchor": "- Plan: &a\n    Node Type: Sort\n",
    "yaml tag": "- Plan:\n    Node Type: !!python/object:os.system x\n",
    "yaml indented wrong": "- Plan:\n    Node Type: Sort\n  - x\n      y: 1\n",
    "deep json": '[{"Plan": '
    + '{"Node Type": "Sort", "Plans": [' * 5000
    + '{"Node Type": "Sort"}'
    + "]}" * 5000
    + "}]",
    "deep brackets": "[" * 100_000,
    "deep xml": "<explain>" + "<Plan>" * 5000 + "</Plan>" * 5000 + "</explain>",
    "deep yaml": "- Plan:\n"
    + "".join(f"{' ' * n}Node Type: Sort\n{' ' * n}Plans:\n{' ' * n} -\n" for n in range(4, 5004, 4)),
    "deep text": "Limit  (cost=0..1 rows=1 width=1)\n"
    + "".join(f"{' ' * n}->  Limit  (cost=0..1 rows=1 width=1)\n" for n in range(2, 5002)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_plan_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(BAD[name])
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
    if name.startswith("two"):
        assert "plans" in str(caught.value) or "more than one plan" in str(caught.value)
    if name.startswith("deep") and name != "deep brackets":
        assert "deeper than" in str(caught.value) or "YAML" in str(caught.value)


def test_numbers_that_are_none_are_no_figures() -> None:
    plan = parse(
        '[{"Plan": {"Node Type": "Sort", "Total Cost": Infinity, "Plan Rows": NaN, "Startup Cost": 1e999,'
        ' "Actual Loops": 1, "Actual Total Time": -5, "Actual Rows": "many", "Shared Hit Blocks": -3}}]'
    )
    node = plan.nodes[0]
    assert (node.total_cost, node.estimated_rows, node.startup_cost, node.rows) == (None, None, None, None)
    assert (node.total_ms, node.self_ms, node.blocks, node.self_blocks) == (0.0, 0.0, 0, 0)
    assert node.raw["Startup Cost"] == "1e999" and node.raw["Plan Rows"] == "NaN"


@pytest.mark.parametrize(
    ("start", "node", "end"),
    [
        (
            '[{"Plan": {"Node Type": "Append", "Plans": [',
            '{"Node Type": "Result"},',
            '{"Node Type": "Result"}]}}]',
        ),
        (
            "Append  (cost=0.00..1.00 rows=1 width=1)\n",
            "  ->  Result  (cost=0.00..1.00 rows=1 width=1)\n",
            "",
        ),
    ],
)
def test_a_plan_of_very_many_nodes_is_refused_at_once(start: str, node: str, end: str) -> None:
    with pytest.raises(InputError, match="more than 50,000 nodes"):
        parse(start + node * 50_001 + end)
