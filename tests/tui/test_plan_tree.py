"""The plan as a tree with figures."""

from __future__ import annotations

import dataclasses

import pytest
from textual.app import App, ComposeResult

from dbtui.model.plan import Plan, PlanNode
from dbtui.tui.widgets.plan_tree import PlanTree, heat, lines_of, misestimate
from dbtui.tui.widgets.roles import Role
from tests.tui.golden import assert_golden, screen_text


def node(id_: int, parent: int | None, depth: int, label: str, *rows: float, **figures: object) -> PlanNode:
    """A node that ran once, with rows as planned and as they were."""
    planned, actual = (*rows, None)[:2]
    ran = {"rows": actual, "loops": 1, "estimated_rows": planned}
    return PlanNode(id_, parent, depth, label, label.partition(" on ")[0], **{**ran, **figures})  # type: ignore[arg-type]


NODES = (
    node(0, None, 0, "Limit", 20, 20, self_ms=0.01, self_blocks=0, total_cost=48120),
    node(1, 0, 1, "Sort", 96000, 20, self_ms=12.4, self_blocks=0, total_cost=48100),
    node(2, 1, 2, "Hash Join", 96000, 96000, self_ms=310.2, total_cost=40000),
    node(3, 2, 3, "Seq Scan on orders o", 1100, 96000, self_ms=1802.5, self_blocks=48120, total_cost=30000),
    node(4, 2, 3, "Hash", 5000, 5000, self_ms=3, total_cost=300),
    node(5, 4, 4, "Seq Scan on customers c", 5000, 5000, self_ms=42, total_cost=290),
    node(6, 0, 1, "Index Scan using archive_pkey", 1, loops=0, subplan="SubPlan 1", total_cost=8),
)
PLAN = Plan(
    "postgres-json", NODES, "", total_ms=2170.2, self_sum_ms=2170.1, unattributed_ms=0.1, rounding_ms=0.2
)
ESTIMATES = dataclasses.replace(
    PLAN,
    nodes=tuple(dataclasses.replace(node, loops=None, rows=None, self_ms=None) for node in NODES),
    total_ms=None,
    self_sum_ms=None,
)


class OneTree(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, int]] = []

    def compose(self) -> ComposeResult:
        yield PlanTree()

    def on_mount(self) -> None:
        self.tree.focus()

    @property
    def tree(self) -> PlanTree:
        return self.query_one(PlanTree)

    def on_plan_tree_highlighted(self, event: PlanTree.Highlighted) -> None:
        self.said.append(("highlighted", event.node_id))

    def on_plan_tree_selected(self, event: PlanTree.Selected) -> None:
        self.said.append(("selected", event.node_id))


@pytest.mark.parametrize("columns", [120, 80, 40])
@pytest.mark.parametrize("plan", [PLAN, ESTIMATES], ids=["measured", "estimates"])
async def test_golden(columns: int, plan: Plan) -> None:
    app = OneTree()
    async with app.run_test(size=(columns, 10)) as pilot:
        app.tree.set_plan(plan)
        await pilot.pause()
        assert_golden(app, f"plan-tree-{'measured' if plan is PLAN else 'estimates'}-{columns}")


async def test_cursor_and_choice() -> None:
    app = OneTree()
    async with app.run_test(size=(80, 12)) as pilot:
        app.tree.set_plan(PLAN)
        await pilot.press("j", "j", "enter")
        assert app.said == [("highlighted", 0), ("highlighted", 1), ("highlighted", 2), ("selected", 2)]
        app.tree.move_to_node(6)
        await pilot.pause()
        assert app.tree.cursor_node == NODES[6]


def test_children_stand_below_their_parents_in_the_plans_order() -> None:
    """InitPlans may come behind in the plan's list and still belong above their siblings' children."""
    late = dataclasses.replace(PLAN, nodes=(NODES[0], NODES[1], NODES[6], *NODES[2:6]))
    assert [line.node.id for line in lines_of(late)] == [0, 1, 2, 3, 4, 5, 6]
    assert [line.last for line in lines_of(late)] == [True, False, True, False, True, True, True]


def test_own_cost_is_what_a_node_adds() -> None:
    own = {line.node.id: line.own for line in lines_of(ESTIMATES)}
    assert own[2] == 40000 - 30000 - 300
    assert own[5] == 290
    limited = dataclasses.replace(ESTIMATES.nodes[0], total_cost=5.0)
    cheap = dataclasses.replace(ESTIMATES, nodes=(limited, *ESTIMATES.nodes[1:]))
    assert next(iter(lines_of(cheap))).own == 0


def test_shares_of_the_whole() -> None:
    shares = {line.node.id: line.share for line in lines_of(PLAN)}
    assert shares[3] == pytest.approx(1802.5 / 2170.2)
    assert shares[6] is None


def test_misestimate() -> None:
    assert misestimate(NODES[3]) == pytest.approx(96000 / 1100)
    assert misestimate(NODES[0]) == 1
    assert misestimate(ESTIMATES.nodes[0]) is None
    assert misestimate(dataclasses.replace(NODES[0], rows=0, estimated_rows=50)) == 50


@pytest.mark.parametrize(
    ("share", "bar"), [(None, "    "), (0, "    "), (1, "████"), (0.5, "██  "), (0.28, "█▏  "), (7, "████")]
)
def test_heat(share: float | None, bar: str) -> None:
    assert heat(share, 4) == bar


async def test_fewer_rows_below_a_limit_are_no_fault() -> None:
    app = OneTree()
    async with app.run_test(size=(120, 12)) as pilot:
        app.tree.set_plan(PLAN)
        await pilot.pause()
        lines = screen_text(app).splitlines()
        assert "×" not in lines[3]
        assert "×87" in lines[5]


async def test_what_never_ran_says_so() -> None:
    app = OneTree()
    async with app.run_test(size=(80, 12)) as pilot:
        app.tree.set_plan(PLAN)
        await pilot.pause()
        pieces = app.tree.pieces(6, 77)
        assert {role for _, role in pieces} == {Role.MUTED}
        assert "never executed" in pieces[-1][0]


async def test_two_thousand_levels() -> None:
    deep = Plan(
        "x",
        tuple(
            PlanNode(n, n - 1 if n else None, n, f"Nested Loop {n}", "Nested Loop", loops=1, self_ms=1.0)
            for n in range(2000)
        ),
        "",
        total_ms=2000.0,
    )
    app = OneTree()
    async with app.run_test(size=(80, 24)) as pilot:
        app.tree.set_plan(deep)
        await pilot.press("end")
        await pilot.pause()
        shown = screen_text(app)
        assert "Nested Loop 1999" in shown
        assert "…19" in shown  # how many levels are left out


async def test_a_plan_without_nodes() -> None:
    app = OneTree()
    async with app.run_test(size=(80, 24)) as pilot:
        app.tree.set_plan(Plan("x", (), ""))
        await pilot.press("j", "enter")
        assert app.said == []
        assert app.tree.footer == ""


async def test_the_footer_adds_up() -> None:
    app = OneTree()
    async with app.run_test(size=(80, 24)):
        app.tree.set_plan(PLAN)
        assert app.tree.footer == "self sum 100.0 % · ± 0.200 ms"
        app.tree.set_plan(dataclasses.replace(PLAN, self_sum_ms=2000.0, unattributed_ms=170.2))
        assert app.tree.footer == "self sum 92.2 % · outside the nodes 170 ms · ± 0.200 ms"


async def test_a_plan_without_figures_has_no_columns_for_them() -> None:
    app = OneTree()
    async with app.run_test(size=(80, 24)) as pilot:
        app.tree.set_plan(Plan("sqlite-rows", (PlanNode(0, None, 0, "SCAN orders", "SCAN"),), ""))
        await pilot.pause()
        shown = screen_text(app)
        assert "SCAN orders" in shown and "no figures" in shown and "cost" not in shown
