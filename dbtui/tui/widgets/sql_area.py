"""The SQL editor, and the area that shows DDL: Textual's editor with colours for the visible lines only."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.color import Color, ColorParseError
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widgets import TextArea

from dbtui.text import printable
from dbtui.tui.keys import bindings
from dbtui.tui.messages import EditOutside
from dbtui.tui.widgets.roles import Role, palette
from dbtui.tui.widgets.sql_spans import START, Part, State, dialect_of, spans

LONGEST = 5_000  # characters of a line that are coloured; the rest of such a line stays plain
_WISHES = ("query.run", "query.explain")  # keys of the pane that the editor, too, must know
_ROLES = {
    Part.KEYWORD: Role.ACCENT, Part.STRING: Role.OK, Part.NUMBER: Role.WARN, Part.COMMENT: Role.MUTED,
    Part.NAME: Role.TEXT,
}  # fmt: skip


class SqlArea(TextArea):
    """An editor of SQL, or with `read_only` a view of it. Without `runs`, the keys for that are left to its pane.

    `text` is what was typed, pasted or loaded, unchanged; what is drawn is made harmless, sign for sign, so
    that a control code in it is a visible sign that the cursor can stand on. Whoever loads a server's text
    passes it through `printable(keep_newlines=True)` first, so that nobody runs what they cannot see.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *(key for key in bindings("query") if isinstance(key, Binding) and key.id in _WISHES),
        *bindings("editor"),
    ]

    class AreaMessage(Message):
        """A wish about the text."""

        def __init__(self, area: SqlArea) -> None:
            super().__init__()
            self.area = area

        @property
        def control(self) -> SqlArea:
            return self.area

    class Run(AreaMessage):
        """The statement under the cursor is to be run."""

    class ExplainRequested(AreaMessage):
        """Its plan is wanted."""

    class Leave(AreaMessage):
        """The keys are to work for the pane again."""

    def __init__(
        self,
        text: str = "",
        *,
        read_only: bool = False,
        runs: bool = True,
        dialect: str = "postgres",
        show_line_numbers: bool = False,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        self._runs = runs and not read_only
        self._dialect = dialect_of(dialect)
        self._states: list[State] = [START]  # what each line starts in, as far as it is known
        self._seen: list[str] = []  # the lines that `_states` was made of
        super().__init__(
            text,
            read_only=read_only,
            id=id,
            tab_behavior="focus" if read_only else "indent",
            show_line_numbers=show_line_numbers,
            placeholder=placeholder,
            highlight_cursor_line=False,
        )
        self.cursor_blink = False

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._recolour())

    def _recolour(self) -> None:
        self._line_cache.clear()
        self.refresh()

    @property
    def dialect(self) -> str:
        """The lexer's name."""
        return self._dialect.lexer

    @dialect.setter
    def dialect(self, engine: str) -> None:
        self._dialect = dialect_of(engine)
        self._states, self._seen = [START], []
        self._recolour()

    # ── colours
    def render_lines(self, crop: Region) -> list[Strip]:
        self._forget_changed()
        return super().render_lines(crop)

    def _forget_changed(self) -> None:
        """Drop what is known of the lines from the first changed one on."""
        lines = self.document.lines
        if lines == self._seen:
            return
        same = 0
        for old, new in zip(self._seen, lines, strict=False):
            if old != new:
                break
            same += 1
        del self._states[same + 1 :]
        self._seen = list(lines)

    def _state_at(self, line_index: int) -> State:
        while len(self._states) <= line_index:
            at = len(self._states) - 1
            self._states.append(
                spans(self.document.get_line(at)[:LONGEST], self._states[at], self._dialect)[1]
            )
        return self._states[line_index]

    def get_line(self, line_index: int) -> Text:
        """A line with its colours, every control code in it drawn as a sign."""
        raw = self.document.get_line(line_index)
        shown = raw if raw.isprintable() else "\t".join(map(printable, raw.split("\t")))
        line = Text(shown, end="", no_wrap=True)
        found, _ = spans(raw[:LONGEST], self._state_at(line_index), self._dialect)
        for start, end, part in found:
            line.stylize(self._style(part), start, end)
        return line

    def _style(self, part: Part) -> Style:
        stated: str | None = self.app.theme_variables.get(f"sql-{part.value}")
        colours = palette(self.app).colours
        try:
            colour = Color.parse(stated) if stated else colours[_ROLES[part]]
        except ColorParseError:
            colour = colours[_ROLES[part]]
        return Style(color=colour.rich_color, bold=(part is Part.KEYWORD and not stated) or None)

    # ── keys
    def on_key(self, event: events.Key) -> None:
        # The editor would take escape to mean "focus the next widget". No statement begins with a digit: as long as
        # the editor is empty, digits lead to the panes.
        if event.key == "escape" or (event.key.isdigit() and not self.text):
            event.prevent_default()

    def check_consume_key(self, key: str, character: str | None = None) -> bool:
        return super().check_consume_key(key, character) and not (key.isdigit() and not self.text)

    def action_run(self) -> None:
        self.post_message(self.Run(self))

    def action_explain(self) -> None:
        self.post_message(self.ExplainRequested(self))

    def action_open_outside(self) -> None:
        self.post_message(EditOutside(self))

    def action_leave(self) -> None:
        self.post_message(self.Leave(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if not self._runs and action in ("run", "explain"):
            return False
        if self.read_only and action == "open_outside":
            return False
        answer: Any = super().check_action(action, parameters)
        return bool(answer) if answer is not None else None
