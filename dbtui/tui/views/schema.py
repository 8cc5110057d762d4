"""Pane 3: the object under the tree's cursor: its facts, columns, indexes, constraints, DDL and rows."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import ContentSwitcher, Static, Tab, Tabs

from dbtui import text
from dbtui.model.catalog import Detail, Kind, Node, Table
from dbtui.model.result import Page
from dbtui.model.server import Server
from dbtui.tui.views.base import View
from dbtui.tui.views.pages import PageGrid
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.roles import Role
from dbtui.tui.widgets.sql_area import SqlArea

# what SQL writes with its schema in front; any other name is whole by itself
_DOTTED = frozenset(
    {
        Kind.SCHEMA, Kind.TABLE, Kind.PARTITIONED, Kind.FOREIGN, Kind.VIEW, Kind.MATERIALIZED, Kind.SEQUENCE,
        Kind.FUNCTION, Kind.COLUMN, Kind.INDEX, Kind.CONSTRAINT, Kind.TRIGGER,
    }
)  # fmt: skip
CHOOSE = "choose an object in the tree · b shows and hides it · f finds one by a few letters"
TABS = ("columns", "indexes", "constraints", "ddl", "rows")
COLUMN_COLUMNS = (
    GridColumn("name", "Column", 24, "left", 100),
    GridColumn("type", "Type", None, "left", 90),
    GridColumn("null", "Null", 8, "left", 80),
    GridColumn("default", "Default", 26, "left", 70),
)
INDEX_COLUMNS = (
    GridColumn("name", "Index", 30, "left", 100),
    GridColumn("kind", "Kind", 12, "left", 80),
    GridColumn("size", "Size", 8, "right", 60),
    GridColumn("scans", "Scans", 8, "right", 70),
    GridColumn("definition", "Definition", None, "left", 90),
)
CONSTRAINT_COLUMNS = (
    GridColumn("name", "Constraint", 30, "left", 100),
    GridColumn("kind", "Kind", 12, "left", 80),
    GridColumn("definition", "Definition", None, "left", 90),
)

BODIES = {"columns": COLUMN_COLUMNS, "indexes": INDEX_COLUMNS, "constraints": CONSTRAINT_COLUMNS}


def column_rows(table: Table) -> list[GridRow]:
    made = []
    for column in table.columns:
        default = column.default or ""
        if column.generated:
            default = f"generated: {column.generated}"
        elif column.identity:
            default = f"identity, {column.identity}"
        null = ("", Role.MUTED) if column.nullable else ("not null", Role.MUTED)
        made.append(GridRow(column.name, (column.name, column.type, null, text.one_line(default, 300))))
    return made


def index_rows(table: Table) -> list[GridRow]:
    made = []
    for index in table.indexes:
        kind = "primary" if index.primary else "unique" if index.unique else index.method
        shown = (kind, Role.MUTED) if index.valid else ("invalid", Role.BAD)
        scans = (text.count(index.scans), Role.WARN if index.scans == 0 and not index.unique else Role.TEXT)
        cells = (index.name, shown, text.size(index.size), scans, _keys_of(index.definition))
        made.append(GridRow(index.name, cells))
    return made


def _keys_of(definition: str) -> str:
    """What differs between indexes of a table: method, columns and condition."""
    return text.one_line(definition.partition(" USING ")[2] or definition, 300)


def constraint_rows(table: Table) -> list[GridRow]:
    return [
        GridRow(
            c.name,
            (
                c.name,
                c.kind if c.validated else (f"{c.kind}, not valid", Role.WARN),
                text.one_line(c.definition, 300),
            ),
        )
        for c in table.constraints
    ]


class SchemaView(View):
    """What the tree's cursor is on."""

    def __init__(self) -> None:
        super().__init__()
        self.add_class("-alone")  # until there is more to show than a sentence
        self.node: Node | None = None
        self.detail: Detail | None = None
        self._turned_from = ""  # the tab that was open before an object with DDL alone

    def compose(self) -> ComposeResult:
        with Frame("Object", id="facts"):
            yield Static(CHOOSE, id="facts-text", markup=False)
        tabs = [Tab(label, id=name) for name in TABS if (label := self._label(name))]
        yield Tabs(*tabs)
        with ContentSwitcher(initial=f"{tabs[0].id}-body"):
            for name, columns in BODIES.items():
                empty = f"it has no {self._label(name).lower()}"
                yield Grid(self.headed("schema", columns), id=f"{name}-body", empty=empty)
            none = f"it has no {self.nouns.definition}"
            yield SqlArea(read_only=True, id="ddl-body", dialect=self.nouns.dialect, placeholder=none)
            rows = self._label("rows")
            yield PageGrid(rows, id="rows-body", empty=f"s reads up to 100 {rows.lower()}: never by itself")

    def _label(self, tab: str) -> str:
        """What the engine calls a tab, "" where it has no such thing."""
        usual = self.nouns.definition if tab == "ddl" else tab.capitalize()
        return self.nouns.heading(f"schema.{tab}", usual)

    def _kind(self, node: Node) -> str:
        """What the engine calls this kind of thing."""
        return self.nouns.heading(f"kind.{node.kind}", node.kind)

    def on_tabs_tab_activated(self, event: Tabs.TabActivated) -> None:
        event.stop()
        self.query_one(ContentSwitcher).current = f"{event.tab.id}-body"

    def focus_main(self) -> None:
        current = self.query_one(ContentSwitcher).current
        self.query_one(f"#{current}").focus()

    def show_loading(self, node: Node) -> None:
        """The node under the cursor changed; its detail is on its way."""
        self.node, self.detail = node, None
        self.remove_class("-alone")
        self.query_one("#facts", Frame).set_title(f"{self._kind(node)} {node.name}")
        self.query_one("#facts-text", Static).update("loading…")

    def show_closed(self, node: Node) -> None:
        """A node of which nothing is to be told but what is in it: a folder, or a server that is not open."""
        self.show_loading(node)
        self.add_class("-alone")
        self.query_one("#facts", Frame).set_title(node.name)
        held = "" if node.rows is None else f"{text.count(node.rows)} in it · "
        key = "enter" if node.kind is Kind.SERVER else "space"
        self.query_one("#facts-text", Static).update(text.printable(f"{held}{key} opens it"))

    def show_server(self, node: Node, server: Server) -> None:
        """Who answered, and what there is to know about it: a server has facts alone."""
        self.show_loading(node)
        self.add_class("-alone")
        pooler = f"through {server.pooler}" if server.pooler else ""
        who = (f"{server.product} {server.version}", server.role, server.address, server.cloud, pooler)
        user = f"{server.user}, who may do everything" if server.superuser else server.user
        self.query_one("#facts-text", Static).update(server_text(who, user, server.notes))

    def show_trouble(self, message: str) -> None:
        """The detail could not be had."""
        self.query_one("#facts-text", Static).update(text.printable(message, keep_newlines=True))

    def show_detail(self, detail: Detail) -> None:
        """Draw a node's detail, if it is still the one under the cursor."""
        self.node, self.detail = detail.node, detail
        path = detail.node.path[2:]  # without server and database; a key's name is whole by itself
        name = ".".join(path if detail.node.kind in _DOTTED else path[-1:]) or detail.node.name
        self.query_one("#facts", Frame).set_title(f"{self._kind(detail.node)} {name}")
        self.query_one("#facts-text", Static).update(_facts(detail.facts))
        table = detail.table
        self.query_one("#columns-body", Grid).set_rows(column_rows(table) if table else [])
        self.query_one("#indexes-body", Grid).set_rows(index_rows(table) if table else [])
        self.query_one("#constraints-body", Grid).set_rows(constraint_rows(table) if table else [])
        self.query_one("#ddl-body", SqlArea).text = text.printable(detail.ddl, keep_newlines=True)
        self.query_one("#rows-body", PageGrid).say()
        tabs = self.query_one(Tabs)
        if table is None and detail.ddl and tabs.active != "ddl":
            self._turned_from, tabs.active = tabs.active, "ddl"
        elif table is not None and self._turned_from:
            tabs.active, self._turned_from = self._turned_from, ""

    async def show_rows(self, page: Page) -> None:
        """Draw sample rows, and turn to them."""
        await self.query_one("#rows-body", PageGrid).show_page(page)
        self.query_one(Tabs).active = "rows"

    def turn_tab(self, step: int) -> None:
        """Turn to the next tab, or the one before."""
        tabs = self.query_one(Tabs)
        (tabs.action_next_tab if step > 0 else tabs.action_previous_tab)()


def server_text(who: Sequence[str], user: str, notes: Sequence[str]) -> str:
    """Who answered, who asks, and a paragraph for each note; no line of a server's breaks another."""
    paragraphs = [" · ".join(part for part in who if part), f"as {user}" if user else "", *notes]
    return "\n\n".join(text.one_line(one, 1000) for one in paragraphs if one)


def _facts(facts: tuple[tuple[str, str], ...]) -> Content:
    """Facts as `label value` pairs that wrap like words; no markup in them is obeyed."""
    pairs = [
        Content.assemble((label, "$text-muted"), " ", text.one_line(value, 120))
        for label, value in facts
        if value
    ]
    return Content("   ").join(pairs)
