"""What people paste: psql's frames in every style, and what auto_explain logs."""

from __future__ import annotations

import itertools

import pytest

from dbtui.plans import parse
from tests.plans.conftest import Explained
from tests.servers.postgres import PostgresServer

FILTER = "(name <> 'x | y + z'::text)"
QUERY = "select count(*) from orders b join customers a on a.id = b.customer_id where a.name <> 'x | y + z'"
STYLES = list(
    itertools.product(
        ("aligned", "unaligned", "csv"), (0, 1, 2), ("ascii", "old-ascii", "unicode"), ("off", "on")
    )
)


@pytest.fixture(scope="module")
def framed(explained: Explained) -> dict[tuple[str, ...], str]:
    """What psql prints for each style and notation, with its timing and its count of rows."""
    server, database = explained.server, explained.database
    script, keys = ["\\pset tuples_only off", "\\timing on"], []
    for form, border, lines, expanded in STYLES:
        script.append(
            f"\\pset format {form}\n\\pset border {border}\n"
            f"\\pset linestyle {lines}\n\\pset expanded {expanded}"
        )
        for notation in ("text", "json", "yaml", "xml"):
            script.append(f"\\echo <<<\nexplain (analyze, format {notation}) {QUERY};")
            keys.append((form, str(border), lines, expanded, notation))
    printed = server.psql("\n".join(script), database=database).split("<<<\n")[1:]
    return dict(zip(keys, printed, strict=True))


def test_every_frame_of_psql_is_taken_off(framed: dict[tuple[str, ...], str]) -> None:
    for key, text in framed.items():
        plan = parse(text)
        assert plan.format == f"postgres-{key[-1]}", key
        assert [node.raw.get("Filter") for node in plan.nodes].count(FILTER) == 1, key
        assert plan.execution_ms is not None and len(plan.nodes) == 5, key
        assert plan.original == text


def test_a_line_that_psql_wrapped_is_joined(explained: Explained) -> None:
    for style in ("ascii", "unicode"):
        for border in (0, 1, 2):
            setup = "\\pset tuples_only off\n\\pset format wrapped\n\\pset columns 90\n"
            setup += f"\\pset linestyle {style}\n"
            text = explained.server.psql(
                f"{setup}\\pset border {border}\nexplain (analyze) {QUERY};", database=explained.database
            )
            plan = parse(text)
            assert len(plan.nodes) == 5
            assert any(node.raw.get("Filter") == FILTER for node in plan.nodes)


@pytest.mark.parametrize("notation", ["text", "json", "yaml", "xml"])
def test_a_plan_in_the_servers_log(explained: Explained, notation: str) -> None:
    server: PostgresServer = explained.server
    before = len(server.log())
    server.psql(
        "load 'auto_explain'; set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on;"
        f"set auto_explain.log_format = {notation};\nselect count(*)\n  from customers\n where id < 77;",
        database=explained.database,
    )
    log = server.log()[before:]
    log = log[log.index("duration:") - 40 if log.index("duration:") > 40 else 0 :]
    plan = parse(log)
    assert plan.nodes[0].operation == "Aggregate" and plan.nodes[0].rows == 1
    assert plan.query.replace("\t", "") == "select count(*)\n  from customers\n where id < 77;"
    assert plan.total_ms == pytest.approx(plan.nodes[0].total_ms)
