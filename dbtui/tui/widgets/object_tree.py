"""The tree of a server's objects, loaded by level. Its open part is one flat list: size does not matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import BindingType
from textual.message import Message

from dbtui import text
from dbtui.model.catalog import Kind, Node
from dbtui.tui.keys import bindings
from dbtui.tui.widgets.cells import fit, tidy, width_of
from dbtui.tui.widgets.lines import LineListing, Piece
from dbtui.tui.widgets.roles import Role, glyphs

Path = tuple[str, ...]

# One or two letters beside a name say what it is, in the muted role.
MARKS: Mapping[Kind, str] = {
    Kind.SERVER: "sv", Kind.DATABASE: "db", Kind.SCHEMA: "sc", Kind.FOLDER: "", Kind.TABLE: "t",
    Kind.PARTITIONED: "pt", Kind.FOREIGN: "ft", Kind.VIEW: "v", Kind.MATERIALIZED: "mv", Kind.SEQUENCE: "sq",
    Kind.FUNCTION: "fn", Kind.COLUMN: "", Kind.INDEX: "ix", Kind.CONSTRAINT: "ck", Kind.TRIGGER: "tg",
    Kind.NAMESPACE: "ns", Kind.KEY: "k", Kind.STREAM: "ds", Kind.NODE: "n", Kind.SHARD: "sh",
}  # fmt: skip
SIZES = 28  # cells from which on sizes have a place at the right
NOTE_WIDTH = (7, 14)  # cells: at least and at most
SIZE_WIDTH = 8


class Line(NamedTuple):
    """A visible line: a node, or what is said below a node that has no children to show yet."""

    depth: int
    path: Path
    node: Node | None
    say: str = ""
    role: Role = Role.MUTED


class ObjectTree(LineListing):
    """The connection browser. It asks for children by `Expand`; `set_children` or `failed` answers."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("tree")

    class NodeMessage(Message):
        """Something about one node."""

        def __init__(self, tree: ObjectTree, node: Node) -> None:
            super().__init__()
            self.tree = tree
            self.node = node

        @property
        def control(self) -> ObjectTree:
            return self.tree

    class Expand(NodeMessage):
        """The children of `node` are wanted; a line says that they are loading."""

    class Highlighted(NodeMessage):
        """The cursor is on another node."""

    class Chosen(NodeMessage):
        """Enter or a double click on a node."""

    def __init__(self, *, id: str | None = None, empty: str = "loading", title: str = "Objects") -> None:  # noqa: A002
        super().__init__(id=id, empty=empty)
        self.set_title(title)
        self._known: dict[Path, tuple[Node, ...]] = {}  # path → its children, in order
        self._open: set[Path] = set()
        self._waiting: set[Path] = set()
        self._failures: dict[Path, str] = {}
        self._lines: list[Line] = []
        self._goal: Path = ()
        self._unfold_goal = False

    # ── what others ask and tell
    @property
    def cursor_node(self) -> Node | None:
        """The node under the cursor."""
        return self._lines[self.view.cursor].node if self._lines else None

    def node(self, path: Path) -> Node | None:
        """A node that is loaded, by its path."""
        return next((node for node in self._known.get(path[:-1], ()) if node.path == path), None)

    def set_children(self, path: Path, nodes: Sequence[Node]) -> None:
        """Put the children of `path` (the top level for `()`) into the tree, in place of any there are."""
        self._known[path] = tuple(nodes)
        self._settle(path)

    def failed(self, path: Path, message: str) -> None:
        """The children of `path` could not be had: a line says why; opening the node again asks again."""
        self._failures[path] = message
        self._known.pop(path, None)
        if not path:
            self.empty = text.printable(message)
        self._settle(path)

    def clear(self) -> None:
        """Forget everything: another server, or a refresh from the top."""
        for store in (self._known, self._open, self._waiting, self._failures):
            store.clear()
        self._lines = []
        self.set_count(0)

    def reload(self) -> None:
        """Forget all but the top level, and open the way to the cursor's node again."""
        node = self.cursor_node
        top = self._known.get((), ())
        self.clear()
        self.set_children((), top)
        if node is not None:
            self.reveal(node.path)

    def reveal(self, path: Path) -> bool:
        """Open the tree down to a path and put the cursor there; asks for levels that are not loaded.

        Returns whether the cursor is there already.
        """
        self._goal, self._unfold_goal = path, False
        return self._pursue()

    def unfold(self, path: Path) -> None:
        """Open the tree down to a path, put the cursor there, and open it too."""
        self._goal, self._unfold_goal = path, True
        self._pursue()

    def _pursue(self) -> bool:
        goal = self._goal
        if not goal:
            return False
        at: Path = ()
        while at != goal:
            ahead = [n for n in self._known.get(at, ()) if n.path == goal[: len(n.path)]]
            if not ahead:
                return False
            node = max(ahead, key=lambda n: len(n.path))
            at = node.path
            if at != goal and at not in self._open:
                self._unfold(node)
                if at not in self._known:
                    return False
        self._goal = ()
        index = self._index(goal)
        if index is None:
            return False
        self.move_cursor(index)
        arrived = self.node(goal)
        if self._unfold_goal and arrived is not None:
            self._unfold(arrived)
        return True

    # ── the flat list
    def _settle(self, path: Path) -> None:
        """An answer for a path has come: draw what is below it anew, and go on with a jump."""
        self._waiting.discard(path)
        if path in self._known:
            self._failures.pop(path, None)
        if not path or path in self._open:
            self._redraw_below(path)
        if self._goal:
            self._pursue()

    def _redraw_below(self, path: Path) -> None:
        kept = self._lines[self.view.cursor] if self._lines else None
        start = 0 if not path else self._after(path)
        if start is None:
            return
        depth = self._lines[start - 1].depth if path else -1
        end = start
        while end < len(self._lines) and self._lines[end].depth > depth:
            end += 1
        self._lines[start:end] = self._below(path, depth + 1)
        cursor = self.view.cursor
        if kept is not None and not (cursor < len(self._lines) and self._lines[cursor][:2] == kept[:2]):
            found = self._index(kept.path)
            cursor = found if found is not None else cursor
        self.view.cursor = cursor
        self.set_count(len(self._lines))
        now = self._lines[self.view.cursor] if self._lines else None
        if (now and now.node) != (kept and kept.node):
            self.cursor_settled()

    def _after(self, path: Path) -> int | None:
        index = self._index(path)
        return None if index is None else index + 1

    def _index(self, path: Path) -> int | None:
        return next(
            (i for i, line in enumerate(self._lines) if line.path == path and line.node is not None), None
        )

    def _below(self, path: Path, depth: int) -> list[Line]:
        """The lines below a path that is open."""
        if path in self._failures:
            said = f"{glyphs().high} {text.printable(self._failures[path])}"
            return [Line(depth, path, None, said, Role.BAD)] if path else []
        if path not in self._known:
            return [Line(depth, path, None, f"loading{glyphs().ellipsis}")] if path in self._waiting else []
        nodes = self._known[path]
        if not nodes and path:
            return [Line(depth, path, None, "nothing here")]
        if not any(node.path in self._open for node in nodes):
            return [Line(depth, node.path, node) for node in nodes]
        lines: list[Line] = []
        for node in nodes:
            lines.append(Line(depth, node.path, node))
            if node.path in self._open:
                lines += self._below(node.path, depth + 1)
        return lines

    # ── opening and closing
    def _unfold(self, node: Node) -> None:
        path = node.path
        if node.leaf or path in self._open:
            return
        self._open.add(path)
        if path not in self._known:
            self._failures.pop(path, None)
            self._waiting.add(path)
            self.post_message(self.Expand(self, node))
        self._redraw_below(path)

    def _fold(self, node: Node) -> None:
        self._open.discard(node.path)
        start = self._after(node.path)
        if start is None:
            return
        depth, end = self._lines[start - 1].depth, start
        while end < len(self._lines) and self._lines[end].depth > depth:
            end += 1
        del self._lines[start:end]
        if self.view.cursor >= end:
            self.view.cursor -= end - start
        elif self.view.cursor >= start:
            self.view.cursor = start - 1
        self.set_count(len(self._lines))

    def action_unfold(self) -> None:
        node = self.cursor_node
        if node is None or node.leaf:
            return
        if node.path in self._open:
            self.action_cursor(1)
        else:
            self._unfold(node)

    def action_fold(self) -> None:
        if not self._lines:
            return
        line = self._lines[self.view.cursor]
        if line.node is not None and line.path in self._open:
            self._fold(line.node)
            return
        above = (i for i in range(self.view.cursor - 1, -1, -1) if self._lines[i].depth < line.depth)
        if (parent := next(above, None)) is not None:
            self.move_cursor(parent)

    def action_turn(self) -> None:
        node = self.cursor_node
        if node is not None and node.path in self._open:
            self._fold(node)
        elif node is not None:
            self._unfold(node)

    def action_select(self) -> None:
        if (node := self.cursor_node) is not None:
            self.post_message(self.Chosen(self, node))

    def cursor_settled(self) -> None:
        if (node := self.cursor_node) is not None:
            self.post_message(self.Highlighted(self, node))

    def clicked_at(self, x: int, line: int, chain: int) -> None:
        self.clicked(line, chain)
        index = self.view.top + line
        if chain == 1 and 0 <= line < self.body_height and index < len(self._lines):
            hit = self._lines[index]
            if hit.node is not None and not hit.node.leaf and x <= 2 * hit.depth + 2:
                self.action_turn()

    # ── drawing
    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        line = self._lines[index]
        indent = " " * (1 + 2 * line.depth)
        if line.node is None:
            return ((indent + "  ", Role.TEXT), (fit(line.say, max(0, width - len(indent) - 2)), line.role))
        node, signs = line.node, glyphs()
        sign = " " if node.leaf else signs.opened if node.path in self._open else signs.closed
        head = [(indent, Role.TEXT), (f"{sign} ", Role.MUTED)]
        if mark := MARKS.get(node.kind, ""):
            head.append((f"{mark} ".rjust(3) if node.kind in _OBJECTS else f"{mark} ", Role.MUTED))
        room = width - sum(len(piece[0]) for piece in head)
        right = self._right(node, width, room - width_of(tidy(node.name, room)) - 1)
        room = max(1, room - sum(width_of(piece[0]) for piece in right))
        name = tidy(node.name, room)
        if width_of(name) >= room:
            name = fit(name, room)
        detail_room = room - width_of(name) - bool(right)
        detail = f" {tidy(node.detail, detail_room)}" if node.detail and detail_room > 3 else ""
        if width_of(detail) > detail_room:
            detail = fit(detail, detail_room)
        gap = room - width_of(name) - width_of(detail)
        role = Role.MUTED if node.kind is Kind.FOLDER else Role.TEXT
        return (*head, (name, role), (detail + " " * gap, Role.MUTED), *right)

    def _right(self, node: Node, width: int, left: int) -> list[Piece]:
        """What is at the right: the note, in the room that the name leaves but readable still, and the size. A note
        that leaves no room for both takes the place of the size.
        """
        pieces: list[Piece] = []
        if node.note:
            room = min(width_of(tidy(node.note, NOTE_WIDTH[1])), max(NOTE_WIDTH[0], min(left, NOTE_WIDTH[1])))
            pieces.append((" " + fit(node.note, room), Role.WARN))
            left -= room + 1
            if left < SIZE_WIDTH:
                return pieces
        if width >= SIZES and node.size is not None:
            pieces.append((text.size(node.size).rjust(SIZE_WIDTH), Role.MUTED))
        return pieces


_OBJECTS = frozenset(
    {Kind.TABLE, Kind.PARTITIONED, Kind.FOREIGN, Kind.VIEW, Kind.MATERIALIZED, Kind.SEQUENCE, Kind.FUNCTION}
)
