"""The connection browser: lazy levels, fifty thousand children, jumps, failures."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult

from dbtui.model.catalog import Kind, Node
from dbtui.tui.widgets.object_tree import ObjectTree
from tests.tui.golden import assert_golden, screen_text

TOP = (Node(Kind.DATABASE, "shop", ("shop",), size=2_400_000_000), Node(Kind.DATABASE, "log", ("log",)))
SCHEMAS = (Node(Kind.SCHEMA, "public", ("shop", "public")), Node(Kind.SCHEMA, "audit", ("shop", "audit")))
COLUMNS = (
    Node(Kind.COLUMN, "id", ("shop", "public", "orders", "id"), detail="bigint not null", leaf=True),
    Node(Kind.INDEX, "orders_pkey", ("shop", "public", "orders", "orders_pkey"), size=81_000_000, leaf=True),
)


def tables(*names: str) -> Sequence[Node]:
    return [Node(Kind.TABLE, name, ("shop", "public", name), size=1_000_000) for name in names]


class OneTree(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, tuple[str, ...]]] = []

    def compose(self) -> ComposeResult:
        yield ObjectTree()

    def on_mount(self) -> None:
        self.tree.focus()

    @property
    def tree(self) -> ObjectTree:
        return self.query_one(ObjectTree)

    def on_object_tree_expand(self, event: ObjectTree.Expand) -> None:
        self.said.append(("expand", event.node.path))

    def on_object_tree_highlighted(self, event: ObjectTree.Highlighted) -> None:
        self.said.append(("highlighted", event.node.path))

    def on_object_tree_chosen(self, event: ObjectTree.Chosen) -> None:
        self.said.append(("chosen", event.node.path))


async def test_golden() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 14)) as pilot:
        tree = app.tree
        tree.set_children((), TOP)
        await pilot.press("right")
        tree.set_children(("shop",), SCHEMAS)
        await pilot.press("right", "right")
        tree.set_children(("shop", "public"), tables("customers", "orders", "日本語"))
        await pilot.press("right", "down", "right")
        tree.set_children(("shop", "public", "orders"), COLUMNS)
        await pilot.pause()
        assert_golden(app, "object-tree")


async def test_asks_once_says_that_it_waits_and_keeps_what_it_got() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 10)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.press("l")
        assert app.said == [("highlighted", ("shop",)), ("expand", ("shop",))]
        assert "loading…" in screen_text(app)
        app.tree.set_children(("shop",), SCHEMAS)
        await pilot.pause()
        assert "loading…" not in screen_text(app)
        assert app.tree.node(("shop", "public")) is not None
        await pilot.press("h")
        assert "public" not in screen_text(app)
        await pilot.press("space")
        assert "public" in screen_text(app)
        assert app.said.count(("expand", ("shop",))) == 1


async def test_left_goes_to_the_parent_and_right_to_the_first_child() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 10)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.press("l")
        app.tree.set_children(("shop",), SCHEMAS)
        await pilot.press("l")
        assert app.tree.cursor_node == SCHEMAS[0]
        await pilot.press("j", "left")
        assert app.tree.cursor_node == TOP[0]
        await pilot.press("enter")
        assert app.said[-1] == ("chosen", ("shop",))


async def test_a_refusal_is_shown_in_its_place_and_asked_again() -> None:
    app = OneTree()
    async with app.run_test(size=(60, 10)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.press("l")
        app.tree.failed(("shop",), "permission denied: GRANT CONNECT ON DATABASE shop")
        await pilot.pause()
        assert "▲ permission denied: GRANT CONNECT" in screen_text(app)
        await pilot.press("h", "l")
        assert app.said.count(("expand", ("shop",))) == 2
        assert "permission denied" not in screen_text(app)


async def test_nothing_at_all() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 10)) as pilot:
        await pilot.press("l", "h", "space", "enter", "j", "end")
        app.tree.failed((), "the server does not answer")
        await pilot.pause()
        assert "the server does not answer" in screen_text(app)
        app.tree.set_children((), TOP)
        await pilot.press("l")
        app.tree.set_children(("shop",), ())
        await pilot.pause()
        assert "nothing here" in screen_text(app)


async def test_fifty_thousand_children_are_lines_not_widgets() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 20)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.press("l")
        app.tree.set_children(("shop",), SCHEMAS)
        await pilot.press("l", "l")
        names = [f"table_{number:05}" for number in range(50_000)]
        app.tree.set_children(("shop", "public"), tables(*names))
        await pilot.pause()
        assert app.tree.view.count == 50_004
        assert len(app.tree.query("*")) < 20
        assert app.tree.reveal(("shop", "public", "table_49000"))
        await pilot.pause()
        assert "table_49000" in screen_text(app)
        await pilot.press("h", "h")  # to the schema, and close it
        assert app.tree.view.count == 4


async def test_a_jump_opens_what_is_not_loaded_yet() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 20)) as pilot:
        app.tree.set_children((), TOP)
        goal = ("shop", "public", "orders")
        assert not app.tree.reveal(goal)
        await pilot.pause()
        assert app.said[-1] == ("expand", ("shop",))
        app.tree.set_children(("shop",), SCHEMAS)
        await pilot.pause()
        assert app.said[-1] == ("expand", ("shop", "public"))
        app.tree.set_children(("shop", "public"), tables("customers", "orders"))
        await pilot.pause()
        assert app.tree.cursor_node is not None
        assert app.tree.cursor_node.path == goal
        assert app.tree.node(goal) == app.tree.cursor_node


async def test_the_cursor_stays_on_its_node_when_a_level_above_is_read_anew() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 20)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.press("l")
        app.tree.set_children(("shop",), SCHEMAS)
        await pilot.press("j", "j")
        assert app.tree.cursor_node == SCHEMAS[1]
        first = Node(Kind.SCHEMA, "a_new_one", ("shop", "a_new_one"))
        app.tree.set_children(("shop",), (first, *SCHEMAS))
        await pilot.pause()
        assert app.tree.cursor_node == SCHEMAS[1]


async def test_a_click_on_the_mark_opens_and_a_double_click_chooses() -> None:
    app = OneTree()
    async with app.run_test(size=(40, 20)) as pilot:
        app.tree.set_children((), TOP)
        await pilot.pause()
        await pilot.click(offset=(2, 1))
        assert app.said[-1] == ("expand", ("shop",))
        await pilot.click(offset=(12, 1), times=2)
        assert ("chosen", ("shop",)) in app.said


async def test_where_name_note_and_size_have_no_room_the_size_gives_way() -> None:
    app = OneTree()
    async with app.run_test(size=(32, 6)) as pilot:
        noted = Node(Kind.TABLE, "products", ("products",), size=5_000_000, note="yellow")
        app.tree.set_children((), (noted, Node(Kind.TABLE, "p", ("p",), size=5_000_000, note="red")))
        await pilot.pause()
        wide, narrow = (line for line in screen_text(app).splitlines() if " t " in line)
        assert "products" in wide and "yellow" in wide and "MB" not in wide
        assert "red" in narrow and "MB" in narrow
