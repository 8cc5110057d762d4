"""Two plans side by side, a line a pair of nodes: what changed, what is new, what is gone, and the figures."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from dbtui.model.comparison import Comparison, Fate, Pair
from dbtui.output.comparison import FIGURES, change, label_of
from dbtui.tui.widgets.cells import fit
from dbtui.tui.widgets.lines import LineListing, Piece
from dbtui.tui.widgets.roles import Role, glyphs

SIDE_BY_SIDE = 104  # cells from which on both trees have room
_ROLES = {Fate.SAME: Role.TEXT, Fate.CHANGED: Role.WARN, Fate.NEW: Role.OK, Fate.GONE: Role.BAD}
_MARKS = {Fate.SAME: " ", Fate.CHANGED: "~", Fate.NEW: "+", Fate.GONE: "-"}
_HEADINGS = {"self_ms": ("self ms", 17), "rows": ("rows", 15), "blocks": ("blocks", 15), "cost": ("cost", 15)}
_WORSE = 1.5  # times as much, and more than a little: worth a colour
_LEVEL = 2
_LABEL, _LABELS = 34, 48  # cells that one label keeps, and two beside each other


class PlanComparison(LineListing):
    """The pairs of a comparison, in the order of the newer plan."""

    HEADER = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, empty="nothing to compare")
        self.set_title("Before and after")
        self.comparison: Comparison | None = None
        self._figures: list[str] = []

    class Selected(Message):
        """Enter or a double click on a pair."""

        def __init__(self, pair: Pair) -> None:
            super().__init__()
            self.pair = pair

    def action_select(self) -> None:
        if (pair := self.cursor_pair) is not None:
            self.post_message(self.Selected(pair))

    def set_comparison(self, comparison: Comparison) -> None:
        """Show two plans; figures that neither has take no room."""
        self.comparison = comparison
        self._figures = [
            name
            for name, cell in FIGURES
            if any(cell(side) is not None for pair in comparison.pairs for side in (pair.before, pair.after))
        ]
        self.view.cursor = self.view.top = 0
        self.set_count(len(comparison.pairs))

    @property
    def cursor_pair(self) -> Pair | None:
        """The pair under the cursor."""
        return self.comparison.pairs[self.view.cursor] if self.comparison is not None else None

    def _shown(self, width: int) -> list[str]:
        """The figures that there is room for beside the labels, the most telling first."""
        room, shown = width - (_LABELS if width >= SIDE_BY_SIDE else _LABEL), []
        for name in self._figures:
            room -= _HEADINGS[name][1] + 1
            if room >= 0:
                shown.append(name)
        return shown

    def heading(self, width: int) -> Sequence[Piece]:
        shown = self._shown(width)
        cells = "".join(f"{_HEADINGS[name][0]:>{_HEADINGS[name][1]}} " for name in shown)
        room = width - len(cells)
        if width >= SIDE_BY_SIDE:
            half = room // 2
            return ((fit("   Before", half) + fit("   After", room - half) + cells, Role.MUTED),)
        return ((fit("   Node", room) + cells, Role.MUTED),)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        assert self.comparison is not None
        pair = self.comparison.pairs[index]
        shown = self._shown(width)
        figures = [self._figure(pair, name) for name in shown]
        room = width - sum(_HEADINGS[name][1] + 1 for name in shown)
        role = _ROLES[pair.fate]
        lead = f" {_MARKS[pair.fate]} " + " " * (_LEVEL * pair.depth)
        if width < SIDE_BY_SIDE:
            return ((fit(lead + label_of(pair), room), role), *figures)
        half = room // 2
        before = pair.before.label if pair.before is not None else ""
        after = pair.after.label if pair.after is not None else ""
        left = fit(lead + before, half - 1) + " "
        right = fit(" " * len(lead) + after, room - half - 1) + " "
        faded = Role.MUTED if pair.fate is Fate.SAME else role
        return ((left, Role.BAD if pair.fate is Fate.GONE else faded), (right, role), *figures)

    def _figure(self, pair: Pair, name: str) -> Piece:
        cell = dict(FIGURES)[name]
        before, after = cell(pair.before), cell(pair.after)
        role = Role.TEXT
        if before is not None and after is not None and max(before, after) > 1 and name != "rows":
            role = Role.BAD if after > before * _WORSE else Role.OK if after * _WORSE < before else Role.TEXT
        shown = change(before, after, name).replace("→", glyphs().arrow)
        return (
            f"{shown:>{_HEADINGS[name][1]}} ",
            role if pair.fate in (Fate.SAME, Fate.CHANGED) else Role.MUTED,
        )
