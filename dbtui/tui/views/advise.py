"""Pane 8: a statement, what could be otherwise, and its plans as it is and as it would be, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from dbtui import text
from dbtui.model.nouns import Nouns
from dbtui.model.plan import Plan
from dbtui.tui.keys import bindings
from dbtui.tui.messages import AdviseWish, Copy, PlanChange
from dbtui.tui.screens.texts import TextScreen
from dbtui.tui.views.base import View
from dbtui.tui.widgets.frame import Frame
from dbtui.tui.widgets.grid import Grid, GridColumn, GridRow
from dbtui.tui.widgets.plan_tree import PlanTree
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.sql_area import SqlArea

COLUMNS = (
    GridColumn("on", "Try", 4, "left", 100, False),
    GridColumn("saves", "Cost", 7, "right", 90, False),
    GridColumn("size", "Size", 8, "right", 60, False),
    GridColumn("writes", "Writes", 7, "right", 50, False),
    GridColumn("what", "What", None, "left", 95, False),
)
KEYS = (  # each with what an engine may lack for it
    ("g", "which indexes would help it, and which are there", ""),
    ("W", "which would help all {statements} that the server has counted", "statements"),
    ("R", "whether it could be written otherwise", "rewrite"),
    ("P", "which tables should be split into partitions", "partition"),
    ("space", "tries an index, or hides one that is there", "what if"),
    ("e", "plans again with what is written as What if:", "what if"),
    ("", "CREATE INDEX, CREATE STATISTICS, DROP INDEX, SET, another query", "what if"),
)


def how(nouns: Nouns, lacks: Mapping[str, str]) -> str:
    """What stands in place of the options until there are some."""
    if "advise" in lacks:
        return lacks["advise"]
    keys = [
        f"  {key:<6} {what.format(statements=nouns.statements)}"
        for key, what, need in KEYS
        if need not in lacks
    ]
    article = "an" if nouns.statement[0] in "aeiou" else "a"
    begin = (
        f"Write {article} {nouns.statement} above, or bring one with A from a plan or the {nouns.statements}."
    )
    return "\n".join([begin, "", *keys])


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be tried with a key: an index that is advised, or one that is there, to be hidden; the
    statement in other words. Partitions are only told of.
    """

    sql: str  # what would make it so: CREATE INDEX, DROP INDEX, a query, or a script
    label: str
    on: bool = False
    there: bool = False  # an index of the server's own
    saved: float | None = None  # share of the cost, 0 to 1
    size: int | None = None
    write_overhead: float | None = None
    note: str = ""
    told: str = ""  # what is to be read about it, where it cannot be tried
    change: bool = True  # whether it can be handed on as a change of schema


@dataclass(frozen=True, slots=True)
class Taken:
    """An index that was handed on to the migration pane, and what the server planned before."""

    index: str
    query: str
    before: Plan | None
    scans: int | None = None  # of the index, when it was last looked at


def rows(options: Sequence[Option]) -> list[GridRow]:
    """One row an option, in the order they came."""
    marks = glyphs()
    made = []
    for number, one in enumerate(options):
        used = one.on is not one.there
        mark = "" if one.told else marks.dot if used else marks.ring
        sign = (f" {mark}", Role.ACCENT if one.on else Role.MUTED)
        saves = (f"-{one.saved:.0%}", Role.OK) if one.saved is not None else ""
        writes = f"+{one.write_overhead:.0%}" if one.write_overhead is not None else ""
        label = text.one_line(f"{one.label} · {one.note}" if one.note else one.label, 300)
        made.append(GridRow(str(number), (sign, saves, text.size(one.size), writes, label)))
    return made


def change(before: Plan | None, after: Plan | None) -> tuple[str, Role]:
    """What became of the cost, for the title of the second plan."""
    old = before.nodes[0].total_cost if before is not None else None
    new = after.nodes[0].total_cost if after is not None else None
    if old is None or new is None:
        return "", Role.MUTED
    if new <= old * 0.995:
        return f"cost {new:,.2f}, {1 - new / old:.1%} less", Role.OK
    if new >= old * 1.005:
        return f"cost {new:,.2f}, {new / max(old, 0.01):,.1f} times as much", Role.BAD
    return f"cost {new:,.2f}, the same", Role.MUTED


def index_name(sql: str) -> str:
    """The name in a CREATE INDEX, DROP INDEX or ALTER TABLE … ALTER INDEX of ours."""
    words = sql.partition(" ON ")[0].split()
    altered = words[0] == "ALTER"
    name = words[-2 if altered else -1].rpartition(".")[2]
    return name.strip('"`')


class AdviseView(View):
    """The two editors over the options, and the two plans."""

    noun = "Advise"
    BINDINGS: ClassVar[list[BindingType]] = bindings("advise")

    def __init__(self) -> None:
        super().__init__()
        self.options: tuple[Option, ...] = ()
        self.noun_of_options = "Indexes"
        self.database = ""
        self.before: Plan | None = None
        self.own: Plan | None = None  # the server's, when advice was given without a plan to show
        self.taken: Taken | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="advise-top"):
            written = SqlArea(id="advise-sql", dialect=self.nouns.dialect)
            yield Frame(self.nouns.statement.capitalize(), written, id="advise-sql-box")
            yield Frame("What if", SqlArea(id="advise-if", dialect=self.nouns.dialect), id="advise-if-box")
        yield Grid(COLUMNS, id="advise-options", empty=how(self.nouns, self.lacks))
        with Horizontal(id="advise-plans"):
            yield PlanTree(id="advise-before")
            yield PlanTree(id="advise-after")
        yield Static("", id="advise-note", markup=False)

    def on_mount(self) -> None:
        self.grid.set_title(self.noun_of_options)
        self.query_one("#advise-top").display = "advise" not in self.lacks
        self.query_one("#advise-if-box").display = "what if" not in self.lacks
        self._arrange()

    @property
    def sql(self) -> SqlArea:
        return self.query_one("#advise-sql", SqlArea)

    @property
    def what_if(self) -> SqlArea:
        return self.query_one("#advise-if", SqlArea)

    @property
    def grid(self) -> Grid:
        return self.query_one("#advise-options", Grid)

    def focus_main(self) -> None:
        (self.grid if self.options or "advise" in self.lacks else self.sql).focus()

    def load(self, sql: str, database: str) -> None:
        """Take up a statement in place of the one before."""
        self.sql.text = text.printable(sql, keep_newlines=True)
        self.database = database
        self.own = None
        self.show_options((), "Indexes")
        self.clear_plans()

    @property
    def wishes(self) -> str:
        """All that is to be otherwise, as SQL: what is ticked, and what is written."""
        chosen = [option.sql for option in self.options if option.on]
        return ";\n".join([*chosen, self.what_if.text])

    # what is shown

    def say(self, line: str, role: Role = Role.MUTED) -> None:
        """What is going on, or who it was that planned."""
        self.grid.set_subtitle(text.one_line(line, 110), role)

    def show_options(self, options: Sequence[Option], noun: str = "") -> None:
        """List what could be otherwise; `noun` says what it is when it is no longer what it was."""
        self.noun_of_options = noun or self.noun_of_options
        self.options = tuple(options)
        self.grid.set_rows(rows(self.options))
        tried = [option.on for option in self.options if not option.told]
        self.grid.set_title(self.noun_of_options, f"{sum(tried)} tried" if tried else "")
        self._arrange()

    def show_plans(
        self,
        before: Plan | None,
        after: Plan | None,
        verified: str,
        titles: tuple[str, str] = ("As it is", "As it would be"),
    ) -> None:
        """Draw both plans; None leaves a side as it is."""
        if before is not None:
            self.before = before
            tree, cost = self.query_one("#advise-before", PlanTree), before.nodes[0].total_cost
            tree.set_plan(before)
            tree.set_title(titles[0], f"cost {cost:,.2f}" if cost is not None else "")
        if after is not None:
            tree = self.query_one("#advise-after", PlanTree)
            tree.set_plan(after)
            tree.set_title(titles[1], *change(self.before, after))
        self.query_one("#advise-note", Static).update(text.one_line(verified, 300))
        self._arrange()

    def clear_plans(self) -> None:
        self.before = None
        self._arrange()

    def _arrange(self) -> None:
        """Plans have their room once there are some."""
        self.set_class(self.before is not None, "-planned")

    # keys

    @on(SqlArea.Leave)
    def _leave(self, event: SqlArea.Leave) -> None:
        event.stop()
        self.grid.focus()

    @on(SqlArea.Run)
    @on(SqlArea.ExplainRequested)
    def _asked(self, event: SqlArea.AreaMessage) -> None:
        event.stop()
        self.action_wish("plan")

    @on(Grid.Selected)
    def _selected(self, event: Grid.Selected) -> None:
        event.stop()
        self.action_try()

    def action_editor(self) -> None:
        self.sql.focus()

    def action_other(self) -> None:
        self.what_if.focus()

    def action_try(self) -> None:
        """Try what is under the cursor, or leave it as it is; read about what cannot be tried."""
        at = self._cursor()
        if at is None:
            return
        option = self.options[at]
        if option.told:
            self.app.push_screen(TextScreen(option.label, text.printable(option.told, keep_newlines=True)))
            return
        self.show_options([*self.options[:at], replace(option, on=not option.on), *self.options[at + 1 :]])
        if self.sql.text.strip():
            self.action_wish("plan")

    def _cursor(self) -> int | None:
        key = self.grid.cursor_key
        return int(key) if key is not None and int(key) < len(self.options) else None

    def action_wish(self, wish: str) -> None:
        """Ask for what needs the server or the shadow."""
        self.post_message(AdviseWish(wish))

    def action_take(self) -> None:
        """Hand on what is ticked, or what is under the cursor, to the migration pane."""
        chosen = [option for option in self.options if option.on]
        at = self._cursor()
        if not chosen and at is not None:
            chosen = [self.options[at]]
        statements = [option.sql for option in chosen if option.change and option.sql]
        if statements:
            if not chosen[0].told:
                query = self.sql.text.strip().rstrip(";")
                self.taken = Taken(index_name(statements[0]), query, self.before or self.own)
            self.post_message(PlanChange(";\n".join(statements) + ";", self.database))

    def action_copy(self) -> None:
        at = self._cursor()
        if at is not None:
            self.post_message(Copy(self.options[at].sql, "statement"))
