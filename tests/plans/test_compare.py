"""Plans side by side: matched by structure, with what changed and why, on real servers and on any tree."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.commands.plan_history import earlier_plans, remember
from dbtui.errors import InputError
from dbtui.model.comparison import Comparison, Fate
from dbtui.model.plan import Plan
from dbtui.plans import parse
from dbtui.plans.causes import causes
from dbtui.plans.compare import compare, shape
from dbtui.plans.history import PLANS_OF_ONE, STATEMENTS, PlanHistory, changed_since
from dbtui.plans.masking import masked
from dbtui.sql.mask import mask
from tests.bench.plans import sample
from tests.plans.conftest import Explained
from tests.plans.shapes import SHAPES

OPTIONS = "analyze, buffers, verbose, settings, format json"
JOIN = (
    "select c.name, count(*) from customers c join orders o on o.customer_id = c.id"
    " where o.placed > '2024-06-01' and c.region = 3 group by 1 order by 2 desc limit 5"
)


def taken(explained: Explained, sql: str, *settings: str) -> list[Plan]:
    return [parse(text) for text in explained.texts([(OPTIONS, one, sql) for one in settings])]


def fates(comparison: Comparison) -> dict[str, str]:
    return {pair.node.label: str(pair.fate) for pair in comparison.pairs}


def assert_whole(comparison: Comparison) -> None:
    """Every node of both plans is in exactly one pair."""
    for plan, side in (
        (comparison.before, [pair.before for pair in comparison.pairs]),
        (comparison.after, [pair.after for pair in comparison.pairs]),
    ):
        assert sorted(node.id for node in side if node is not None) == [node.id for node in plan.nodes]


def test_another_join_is_one_node_that_changed(explained: Explained) -> None:
    before, after = taken(explained, JOIN, "", "set enable_hashjoin = off; set work_mem = '64kB'")
    comparison = compare(before, after)
    assert_whole(comparison)
    assert comparison.changed and shape(before) != shape(after)
    changed = [pair for pair in comparison.pairs if pair.fate is Fate.CHANGED]
    joins = {"Hash Join", "Nested Loop", "Merge Join"}
    assert any(
        pair.before is not None and {pair.before.operation, pair.node.operation} <= joins for pair in changed
    )
    assert "the setting enable_hashjoin was its default and is off" in causes(comparison)


def test_a_dropped_index_is_named(explained: Explained) -> None:
    sql = "select * from orders where customer_id = 5"
    before, after = taken(explained, sql, "", "drop index orders_customer")
    comparison = compare(before, after)
    assert_whole(comparison)
    assert any("orders_customer is not used any more" in cause for cause in causes(comparison))
    assert not any("data" in cause for cause in causes(comparison))


def test_a_table_that_grew_is_named(explained: Explained) -> None:
    sql = "select * from parents where id < 100000"
    grow = "insert into parents select i from generate_series(1000, 60000) i; analyze parents"
    before, after = taken(explained, sql, "", grow + "; set enable_seqscan = off")
    assert any("parents gives" in cause for cause in causes(compare(before, after)))


def test_every_shape_is_the_same_as_itself_and_unlike_others(explained: Explained) -> None:
    first, again = explained.variants(OPTIONS, "verbose, format json").values()
    plans = {name: parse(text) for name, text in first.items()}
    others = list(plans.values())
    for at, (name, plan) in enumerate(plans.items()):
        same = compare(plan, plan)
        assert not same.changed and causes(same) == (), name
        assert all(pair.before is pair.after for pair in same.pairs), name
        assert_whole(compare(plan, others[at - 1]))
        assert_whole(compare(plan, parse(again[name])))
    assert len({shape(plan) for plan in others}) > 0.7 * len(SHAPES)


def tree(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    node: dict[str, Any] = {
        "Node Type": draw(st.sampled_from(["Sort", "Hash Join", "Nested Loop", "Seq Scan", "Append"])),
        "Relation Name": draw(st.sampled_from(["", "a", "b"])),
    }
    if depth < 4:
        node["Plans"] = [tree(draw, depth + 1) for _ in range(draw(st.integers(0, 2)))]
    return node


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    return parse(json.dumps([{"Plan": tree(draw)}]))


@given(plans(), plans())
def test_any_two_plans_are_compared(before: Plan, after: Plan) -> None:
    comparison = compare(before, after)
    assert_whole(comparison)
    assert comparison.changed == (shape(before) != shape(after))
    assert bool(causes(comparison)) == comparison.changed
    for pair in comparison.pairs:
        assert (pair.before is None) == (pair.fate is Fate.NEW)
        assert (pair.after is None) == (pair.fate is Fate.GONE)


def of_a_query(plan: Plan, query: str) -> Plan:
    return replace(plan, query=query)


def test_plans_are_kept_by_statement_and_capped(tmp_path: Any) -> None:
    history = PlanHistory(tmp_path / "plans")
    plan = of_a_query(
        parse('[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t"}}]'), "select * from t where a = 1"
    )
    for _ in range(PLANS_OF_ONE + 3):
        assert history.keep(plan, "prod", "shop") is not None
    kept = history.of("prod", "SELECT *\n  from t where a = 77")
    assert len(kept) == PLANS_OF_ONE
    assert parse(kept[-1].text).nodes == plan.nodes
    assert history.of("staging", plan.query) == () == history.of("prod", "select 1")
    files = list((tmp_path / "plans").iterdir())
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600]
    assert (tmp_path / "plans").stat().st_mode & 0o777 == 0o700


def test_a_changed_plan_is_seen_among_those_of_its_kind(tmp_path: Any) -> None:
    history = PlanHistory(tmp_path / "plans")
    scan, search = (
        of_a_query(parse(f'[{{"Plan": {{"Node Type": "{kind}", "Relation Name": "t"}}}}]'), "select 1")
        for kind in ("Seq Scan", "Index Scan")
    )
    first = history.keep(scan, "prod")
    newest = history.keep(search, "prod")
    assert first is not None and newest is not None
    kept = history.of("prod", "select 1")
    assert changed_since(kept[:-1], newest) == first
    assert changed_since(kept[:-1], first) is None
    assert changed_since((), newest) is None


@pytest.mark.parametrize("damage", [b"", b"garbage", b'{"version": 1, "plans": [{"taken": 5}]}'])
def test_a_damaged_history_is_an_empty_one(tmp_path: Any, damage: bytes) -> None:
    history = PlanHistory(tmp_path / "plans")
    plan = of_a_query(parse('[{"Plan": {"Node Type": "Result"}}]'), "select 1")
    assert history.keep(plan, "prod") is not None
    (file,) = (tmp_path / "plans").iterdir()
    file.write_bytes(damage)
    assert history.of("prod", "select 1") == ()
    assert history.keep(plan, "prod") is not None
    assert len(history.of("prod", "select 1")) == 1


def test_large_plans_are_kept_packed_and_damage_is_told(tmp_path: Any) -> None:
    history = PlanHistory(tmp_path / "plans")
    big = of_a_query(parse(json.dumps([{"Plan": sample(2_000)}], indent=2)), "select 1")
    assert len(big.original) > 2_000_000
    kept = history.keep(big, "prod")
    assert kept is not None and kept.text == big.original
    assert next((tmp_path / "plans").iterdir()).stat().st_size < 500_000
    for packed in ("???", "AAAA", kept.packed[:40]):
        try:
            assert replace(kept, packed=packed).text != big.original
        except InputError as error:
            assert "damaged" in error.message


def test_old_statements_make_room(tmp_path: Any) -> None:
    history = PlanHistory(tmp_path / "plans")
    (tmp_path / "plans").mkdir()
    for number in range(STATEMENTS + 2):
        (tmp_path / "plans" / f"{number}.json").write_bytes(b"")
    plan = of_a_query(parse('[{"Plan": {"Node Type": "Result"}}]'), "select 1")
    assert history.keep(plan, "prod") is not None
    assert len(list((tmp_path / "plans").iterdir())) == STATEMENTS
    assert len(history.of("prod", "select 1")) == 1


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (
            '[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "t2024", "Total Cost": 8.5, "Plan Rows": 77,'
            ' "Filter": "((name = \'Eve 77\'::text) AND (n = 77) AND (NOT (SubPlan 1)))", "Plans": [{"Node Type":'
            ' "Result", "Parent Relationship": "SubPlan", "Subplan Name": "SubPlan 1", "Output": ["77"]}]}}]',
            "select 'Eve 77'",
        ),
        (
            "-> Filter: (t.name = 'Eve 77')  (cost=77.5 rows=77)\n    -> Table scan on t  (cost=77 rows=77)\n",
            "x",
        ),
        (
            '{"query_block": {"select_id": 1, "table": {"table_name": "t", "access_type": "ALL", "rows": 77,'
            ' "filtered": "77.00", "attached_condition": "t.n = 77 and t.name = \'Eve 77\'"},'
            ' "table": {"table_name": "u", "access_type": "ALL", "rows": 77}}}',
            "x",
        ),
    ],
)
def test_values_are_not_kept(tmp_path: Any, text: str, query: str) -> None:
    plan = of_a_query(parse(text), query)
    kept = PlanHistory(tmp_path).keep(plan, "prod", mask=mask)
    assert kept is not None and "Eve" not in kept.text + kept.query
    again = parse(kept.text)
    assert shape(again) == kept.shape == shape(plan)
    for before, after in zip(plan.nodes, again.nodes, strict=True):
        assert (before.relation, before.estimated_rows, before.total_cost, before.subplan) == (
            after.relation, after.estimated_rows, after.total_cost, after.subplan,
        )  # fmt: skip
    assert "n = 77" not in kept.text


def test_a_masked_plan_is_the_same_but_for_its_values(explained: Explained) -> None:
    for name, text in explained.shapes(OPTIONS).items():
        plan = parse(text)
        kept = masked(plan, mask)
        assert kept is not None
        again = parse(kept)
        assert shape(again) == shape(plan), name
        for before, after in zip(plan.nodes, again.nodes, strict=True):
            assert (before.label, before.self_ms, before.self_blocks, before.subplan) == (
                after.label, after.self_ms, after.self_blocks, after.subplan,
            ), name  # fmt: skip


def test_no_plan_is_kept_where_nobody_wants_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    plan = of_a_query(parse('[{"Plan": {"Node Type": "Result", "Output": ["77"]}}]'), "select 77")
    monkeypatch.setenv("DBTUI_PLAN_HISTORY", "off")
    remember(plan, "prod")
    assert earlier_plans(plan, "prod") == ()
    for wanted, said in (("", "select ?"), ("literals", "select 77")):
        monkeypatch.setenv("DBTUI_PLAN_HISTORY", wanted)
        remember(plan, "prod")
        assert earlier_plans(plan, "prod")[0].query == said
