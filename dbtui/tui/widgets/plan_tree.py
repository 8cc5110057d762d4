"""A plan as a tree with figures: where the time went, and where the planner was wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.message import Message

from dbtui import text
from dbtui.model.plan import Plan, PlanNode
from dbtui.plans.summary import hot_path, own_costs
from dbtui.tui.widgets.cells import fit, tidy, width_of
from dbtui.tui.widgets.lines import LineListing, Piece
from dbtui.tui.widgets.roles import Role, glyphs

HOT, WARM = 0.4, 0.15  # shares of the whole from which on a node is bad or a warning
FAR_OFF, OFF = 100.0, 10.0  # factors between estimate and truth, likewise
HEAT = 6  # cells of the heat bar
LEVEL = 2  # cells of indentation


@dataclass(frozen=True, slots=True)
class Line:
    """A node as a line: its place in the tree and its share of the whole."""

    node: PlanNode
    depth: int
    last: bool  # of its siblings
    parent: int | None  # index of the parent's line
    share: float | None  # of the whole plan's time, or cost where there are no times
    own: float | None  # milliseconds, or cost
    ran: bool
    cut: bool  # below a Limit, which may stop it early: fewer rows than planned mean nothing


def lines_of(plan: Plan) -> tuple[Line, ...]:
    """The nodes in the order in which they are drawn: each above its children, these in the plan's order."""
    children: dict[int | None, list[PlanNode]] = {}
    for node in plan.nodes:
        children.setdefault(node.parent, []).append(node)
    analyzed = plan.analyzed
    whole = _whole(plan)
    costs = own_costs(plan)
    lines: list[Line] = []
    stack: list[tuple[PlanNode, int, bool, int | None]] = [
        (node, 0, True, None) for node in reversed(children.get(None, []))
    ]
    while stack:
        node, depth, last, parent = stack.pop()
        below = children.get(node.id, [])
        own = node.self_ms if analyzed else costs[node.id]
        share = own / whole if own is not None and whole else None
        above = lines[parent] if parent is not None else None
        cut = above is not None and (above.cut or above.node.operation == "Limit")
        lines.append(Line(node, depth, last, parent, share, own, node.executed or not analyzed, cut))
        here = len(lines) - 1
        stack.extend((child, depth + 1, child is below[-1], here) for child in reversed(below))
    return tuple(lines)


def _whole(plan: Plan) -> float:
    if plan.analyzed:
        return plan.total_ms or plan.self_sum_ms or 0.0
    return max((node.total_cost or 0.0 for node in plan.nodes if node.parent is None), default=0.0)


def misestimate(node: PlanNode) -> float | None:
    """How many times the rows were more (or fewer) than planned, at least 1; None without both figures."""
    if node.estimated_rows is None or node.rows is None:
        return None
    estimated, actual = max(node.estimated_rows, 1.0), max(node.rows, 1.0)
    return max(estimated / actual, actual / estimated)


def heat(share: float | None, width: int = HEAT) -> str:
    """A bar of up to `width` cells for a share of 1, in eighths of a cell."""
    if not share or share < 0:
        return " " * width
    eighths = min(width * 8, round(share * width * 8))
    signs = glyphs().eighths
    return (signs[7] * (eighths // 8) + (signs[eighths % 8 - 1] if eighths % 8 else "")).ljust(width)


def role_of(share: float | None) -> Role:
    """The role of a node's share of the whole."""
    if share is None or share < WARM:
        return Role.TEXT
    return Role.BAD if share >= HOT else Role.WARN


class PlanTree(LineListing):
    """The tree of a plan: times where it was measured, costs where it was not."""

    HEADER = 1

    class NodeMessage(Message):
        """Something about one node, by its id in the plan."""

        def __init__(self, tree: LineListing, node_id: int) -> None:
            super().__init__()
            self.tree = tree
            self.node_id = node_id

        @property
        def control(self) -> LineListing:
            return self.tree

    class Highlighted(NodeMessage):
        """The cursor is on another node."""

    class Selected(NodeMessage):
        """Enter or a double click on a node."""

    def __init__(self, *, id: str | None = None, empty: str = "no plan yet") -> None:  # noqa: A002
        super().__init__(id=id, empty=empty)
        self.set_title("Plan")
        self.plan: Plan | None = None
        self._lines: tuple[Line, ...] = ()
        self._flagged: Mapping[int, Role] = {}
        self._hot: frozenset[int] = frozenset()
        self._has_figures = True
        self._has_costs = True  # or times

    def set_plan(self, plan: Plan, flagged: Mapping[int, Role] | None = None) -> None:
        """Show a plan, the cursor on its first node; `flagged` nodes have findings, of that gravity."""
        self.plan = plan
        self._lines = lines_of(plan)
        self._flagged = flagged or {}
        self._hot = frozenset(hot_path(plan))
        self._has_costs = plan.analyzed or any(node.total_cost is not None for node in plan.nodes)
        self._has_figures = self._has_costs or any(node.estimated_rows is not None for node in plan.nodes)
        self.view.cursor = self.view.top = 0
        self.set_count(len(self._lines))
        self.set_title("Plan", self._told(plan))
        self.set_subtitle(self.footer)
        self.cursor_settled()

    def _told(self, plan: Plan) -> str:
        if plan.analyzed:
            return text.milliseconds(plan.total_ms)
        return "estimates only" if self._has_figures else "no figures"

    @property
    def footer(self) -> str:
        """What the self times add up to, of the whole; nothing where nothing was measured."""
        plan = self.plan
        if plan is None or not plan.analyzed or not plan.total_ms or plan.self_sum_ms is None:
            return ""
        parts = [f"self sum {text.percent(plan.self_sum_ms / plan.total_ms)}"]
        if plan.unattributed_ms and plan.unattributed_ms > plan.rounding_ms:
            parts.append(f"outside the nodes {text.milliseconds(plan.unattributed_ms)}")
        if plan.rounding_ms:
            parts.append(f"{'+/-' if glyphs().ascii else '±'} {plan.rounding_ms:.3f} ms")
        return " · ".join(parts)

    @property
    def cursor_node(self) -> PlanNode | None:
        """The node under the cursor."""
        return self._lines[self.view.cursor].node if self._lines else None

    def move_to_node(self, node_id: int) -> None:
        """Put the cursor on a node, for example the one that a finding names."""
        index = next((i for i, line in enumerate(self._lines) if line.node.id == node_id), None)
        if index is not None:
            self.move_cursor(index)

    def cursor_settled(self) -> None:
        if (node := self.cursor_node) is not None:
            self.post_message(self.Highlighted(self, node.id))

    def action_select(self) -> None:
        if (node := self.cursor_node) is not None:
            self.post_message(self.Selected(self, node.id))

    # ── drawing
    def _columns(self, width: int) -> tuple[bool, bool, bool]:
        """Whether there is room for the heat bar, the rows, the blocks."""
        return self._has_costs and width >= 58, width >= 44, width >= 92

    def heading(self, width: int) -> Sequence[Piece]:
        if self.plan is None:
            return ()
        if not self._has_figures:
            return ((fit(" Node", width), Role.MUTED),)
        measured = self.plan.analyzed
        with_heat, with_rows, with_blocks = self._columns(width)
        cells = f"{'self ms' if measured else 'own cost':>10} {'%':>3} " if self._has_costs else ""
        cells += "heat".ljust(HEAT) + " " if with_heat else ""
        if with_rows:
            cells += f"{f'rows est{glyphs().arrow}act':>20} " if measured else f"{'rows':>8} {'width':>6} "
        cells += f"{'blocks':>7} " if with_blocks and measured else ""
        return ((fit(" Node", width - len(cells)), Role.MUTED), (cells, Role.MUTED))

    @property
    def _whole_matters(self) -> bool:
        """Whether there is a path to show: one node has none."""
        return len(self._lines) > 1

    def action_hottest(self) -> None:
        """Go to the node with most of its own; from there to the next hottest, and round."""
        order = sorted(range(len(self._lines)), key=lambda at: -(self._lines[at].share or 0.0))
        hot = [at for at in order if (self._lines[at].share or 0.0) >= WARM] or order[:1]
        if hot:
            here = hot.index(self.view.cursor) if self.view.cursor in hot else -1
            self.move_cursor(hot[(here + 1) % len(hot)])

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        line = self._lines[index]
        assert self.plan is not None
        figures = self._figures(line, width, measured=self.plan.analyzed) if self._has_figures else []
        flag = self._flagged.get(line.node.id)
        if self._flagged:
            figures.insert(0, (f"{glyphs().high if flag is not None else ' '} ", flag or Role.MUTED))
        room = width - sum(width_of(piece[0]) for piece in figures)
        lead = self._lead(index, room)
        role = Role.TEXT if line.ran else Role.MUTED
        label = line.node.label
        if line.node.subplan and not label.startswith(line.node.subplan):
            label = f"{line.node.subplan}: {label}"
        on_path = Role.ACCENT if line.node.id in self._hot and self._whole_matters else Role.MUTED
        return ((lead, on_path), (fit(label, max(0, room - width_of(lead) - 1)) + " ", role), *figures)

    def _lead(self, index: int, room: int) -> str:
        """The lines that lead to a node. Beyond half the room it shows its depth and its nearest ancestors' lines."""
        signs = glyphs()
        line = self._lines[index]
        if line.depth == 0:
            return " "
        levels = max(3, room // (2 if line.depth <= room // 2 // LEVEL else 3) // LEVEL)
        parts = [f"{signs.corner if line.last else signs.branch} "]
        at = line.parent
        while at is not None and self._lines[at].depth > 0 and len(parts) < levels:
            parts.append("  " if self._lines[at].last else f"{signs.rail} ")
            at = self._lines[at].parent
        hidden = line.depth - len(parts)
        start = f"{signs.ellipsis}{hidden} " if hidden > 0 else ""
        return " " + start + "".join(reversed(parts))

    def _figures(self, line: Line, width: int, *, measured: bool) -> list[Piece]:
        with_heat, with_rows, with_blocks = self._columns(width)
        node, role = line.node, role_of(line.share)
        plain = Role.TEXT if line.ran else Role.MUTED
        if not line.ran:
            length = (
                15 + (HEAT + 1 if with_heat else 0) + (21 if with_rows else 0) + (8 if with_blocks else 0)
            )
            return [("never executed ".rjust(length), Role.MUTED)]
        own = "" if line.own is None else f"{line.own:,.1f}"
        share = "" if line.share is None else f"{line.share * 100:.0f}"
        pieces: list[Piece] = [(f"{own:>10} {share:>3} ", role)] if self._has_costs else []
        if with_heat:
            pieces.append((heat(line.share) + " ", Role.MUTED if role is Role.TEXT else role))
        if with_rows and measured:
            pieces += _rows(node, cut=line.cut)
        elif with_rows:
            wide = "" if node.estimated_width is None else str(node.estimated_width)
            pieces.append((f"{text.count(node.estimated_rows):>8} {wide:>6} ", plain))
        if with_blocks and measured:
            pieces.append((f"{text.count(node.self_blocks):>7} ", Role.MUTED))
        return pieces


def _rows(node: PlanNode, *, cut: bool) -> list[Piece]:
    """Rows as planned and as they were, and the factor between where it is large: 21 cells."""
    factor = misestimate(node)
    fewer = (node.rows or 0.0) < (node.estimated_rows or 0.0)
    off = factor is not None and factor >= OFF and not (cut and fewer)
    times = f"{glyphs().times}{tidy(text.count(round(factor)), 4)}" if off and factor is not None else ""
    role = Role.TEXT if not off else Role.BAD if factor is not None and factor >= FAR_OFF else Role.WARN
    estimated, actual = text.count(_whole_rows(node.estimated_rows)), text.count(_whole_rows(node.rows))
    arrow = glyphs().arrow if estimated or actual else " "
    return [(f"{estimated:>6} {arrow} {actual:<6}", Role.TEXT), (f"{times:>5} ", role)]


def _whole_rows(value: float | None) -> float | None:
    return value if value is None or value < 10 else round(value)
