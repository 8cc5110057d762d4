"""A plan as an icicle: a line a level, each node as wide as its share of the whole, above its children."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dbtui.keymap import actions_of
from dbtui.model.plan import Plan, PlanNode
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.cells import fit
from dbtui.tui.widgets.lines import LineListing, Piece
from dbtui.tui.widgets.plan_tree import PlanTree, lines_of, role_of
from dbtui.tui.widgets.roles import Role, glyphs

_NARROWEST = 4  # cells from which on a node has room for letters
assert actions_of("icicle"), "the keys beside those of every list"


@dataclass(frozen=True, slots=True)
class Box:
    """A node's place on its line, as shares of the width: 0 to 1."""

    node: PlanNode
    start: float
    end: float


def boxes_of(plan: Plan) -> tuple[tuple[Box, ...], ...]:
    """The boxes of each level, from the root down; children never stand out over their parent.

    The width is wall time with children, else blocks, else cost. What ran beside its parent's clock (an InitPlan)
    may take more than the parent has: then the children share its width.
    """
    children: dict[int, list[PlanNode]] = {}
    for node in plan.nodes[1:]:
        if node.parent is not None:
            children.setdefault(node.parent, []).append(node)
    levels: list[list[Box]] = []
    waiting = [Box(plan.nodes[0], 0.0, 1.0)]
    while waiting:
        levels.append(waiting)
        below: list[Box] = []
        for box in waiting:
            below += _children(plan, box, children.get(box.node.id, []))
        waiting = below
    return tuple(tuple(level) for level in levels)


def _children(plan: Plan, box: Box, below: list[PlanNode]) -> list[Box]:
    wide = box.end - box.start
    sizes = [_size(plan, node) for node in below]
    whole = max(_size(plan, box.node), sum(sizes))
    if whole <= 0:
        return [Box(node, box.start, box.start) for node in below]
    boxes, at = [], box.start
    for node, size in zip(below, sizes, strict=True):
        boxes.append(Box(node, at, at + wide * size / whole))
        at = boxes[-1].end
    return boxes


def _size(plan: Plan, node: PlanNode) -> float:
    if plan.self_sum_ms is not None:
        return node.total_ms or 0.0
    return (node.blocks if plan.analyzed else node.total_cost) or 0.0


class Icicle(LineListing):
    """The levels of a plan. Up and down go to the parent and the widest child, left and right along a level."""

    BINDINGS = [*bindings("list"), *bindings("icicle")]  # noqa: RUF012 - as Textual declares it
    whole_lines = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, empty="no plan yet")
        self.set_title("Icicle")
        self.plan: Plan | None = None
        self._levels: tuple[tuple[Box, ...], ...] = ()
        self._shares: dict[int, float | None] = {}
        self._node = 0

    def set_plan(self, plan: Plan) -> None:
        """Show a plan, the cursor on its root."""
        self.plan = plan
        self._levels = boxes_of(plan)
        self._shares = {line.node.id: line.share for line in lines_of(plan)}
        self._node = 0
        self.view.cursor = self.view.top = 0
        self.set_count(len(self._levels))
        width = "time" if plan.self_sum_ms is not None else "blocks" if plan.analyzed else "cost"
        self.set_subtitle(f"as wide as its {width}, with children")

    @property
    def cursor_node(self) -> PlanNode | None:
        """The node under the cursor."""
        return self.plan.nodes[self._node] if self.plan is not None else None

    def move_to_node(self, node_id: int) -> None:
        """Put the cursor on a node."""
        if self.plan is not None and 0 <= node_id < len(self.plan.nodes):
            self._go(node_id)

    def action_cursor(self, step: int) -> None:
        node = self.cursor_node
        if node is None:
            return
        if step < 0 and node.parent is not None:
            self._go(node.parent)
        elif step > 0 and node.depth + 1 < len(self._levels):
            below = [box for box in self._levels[node.depth + 1] if box.node.parent == node.id]
            if below:
                self._go(max(below, key=lambda box: box.end - box.start).node.id)

    def action_sibling(self, step: int) -> None:
        """The node beside it, on the same level."""
        node = self.cursor_node
        if node is None:
            return
        level = [box.node.id for box in self._levels[node.depth]]
        at = level.index(node.id) + step
        if 0 <= at < len(level):
            self._go(level[at])

    def _go(self, node_id: int) -> None:
        assert self.plan is not None
        self._node = node_id
        depth, before = self.plan.nodes[node_id].depth, self.view.cursor
        top = self.view.top
        self.view.move_to(depth)
        self._moved(top, before)
        self.refresh_line_at(before, depth)
        self.post_message(PlanTree.Highlighted(self, node_id))

    def action_select(self) -> None:
        if self.plan is not None:
            self.post_message(PlanTree.Selected(self, self._node))

    def clicked_at(self, x: int, line: int, chain: int) -> None:
        index = self.view.top + line
        if not 0 <= index < len(self._levels):
            return
        where = (x + 0.5) / max(1, self.body_width)
        box = next((box for box in self._levels[index] if box.start <= where < box.end), None)
        if box is not None:
            self._go(box.node.id)
            if chain == 2:
                self.action_select()

    # ── drawing
    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        pieces: list[Piece] = []
        at = 0
        for box in self._levels[index]:
            start, end = round(box.start * width), round(box.end * width)
            here = box.node.id == self._node
            if end <= start and here:
                end = min(width, start + 1)
            if end <= start or start < at:
                continue
            pieces.append((" " * (start - at), Role.TEXT))
            pieces.append((self._text(box.node, end - start), Role.CURSOR if here else self._role(box.node)))
            at = end
        return pieces

    def _role(self, node: PlanNode) -> Role:
        assert self.plan is not None
        if self.plan.analyzed and not node.executed:
            return Role.MUTED
        return role_of(self._shares.get(node.id))

    def _text(self, node: PlanNode, cells: int) -> str:
        if cells < _NARROWEST:
            return fit(glyphs().rail, cells)
        share = self._shares.get(node.id)
        own = f" {share * 100:.0f}%" if share is not None and share >= 0.005 and cells >= 16 else ""
        return glyphs().rail + fit(node.label, cells - 1 - len(own)) + own
