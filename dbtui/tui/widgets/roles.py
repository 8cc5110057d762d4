"""The seven colours of meaning, and the signs that say the same without colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.content import Span as ContentSpan

from dbtui.text import printable


class Role(StrEnum):
    """What a piece of text means; a theme gives each a colour. Neutral is the default."""

    TEXT = "text"
    MUTED = "muted"
    ACCENT = "accent"
    CURSOR = "cursor"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


# Role → the theme variable that colours it. A theme may also state `role-muted`.
_VARIABLES = {
    Role.TEXT: "foreground",
    Role.ACCENT: "accent",
    Role.OK: "success",
    Role.WARN: "warning",
    Role.BAD: "error",
}
_OTHERS = (
    "background",
    "role-muted",
    "border-blurred",
    "block-cursor-foreground",
    "block-cursor-background",
    "block-cursor-blurred-background",
)
READABLE = 3.0  # the contrast below which a role's colour gives way to the cursor's own text colour


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, and the terminal styles made of them."""

    colours: Mapping[Role, Color]
    background: Color
    border: Color
    cursor_text: Color
    cursor: Color
    cursor_blurred: Color
    _styles: dict[tuple[object, ...], Style] = field(default_factory=dict, compare=False, repr=False)

    def style(
        self,
        role: Role = Role.TEXT,
        background: Color | None = None,
        *,
        cursor: bool = False,
        focused: bool = True,
        faded: bool = False,
        bold: bool = False,
        soft: bool = False,
    ) -> Style:
        """Foreground and background for a text.

        `cursor` is the row under the cursor, `faded` old data, `soft` an area rather than a text.
        """
        ground = self.background if background is None else background
        key = (role, ground, cursor, focused, faded, bold, soft)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._make(role, ground, cursor, focused, faded, bold, soft)
        return style

    def _make(
        self, role: Role, ground: Color, cursor: bool, focused: bool, faded: bool, bold: bool, soft: bool
    ) -> Style:
        colour = self.colours[role]
        if cursor or role is Role.CURSOR:
            ground = self.cursor if focused else _over(ground, self.cursor_blurred)
            if role is Role.CURSOR or contrast(colour, ground) < READABLE:
                colour = _text_on(ground, self.cursor_text)
            if contrast(colour, ground) < READABLE:
                colour = _text_on(ground, Color.automatic())
        dim = role is Role.MUTED and colour.ansi is not None
        if faded:
            if colour.ansi is not None or ground.ansi is not None:
                dim = True
            else:
                colour = colour.blend(ground, 0.45)
        if soft and colour.ansi is None and ground.ansi is None:
            colour = colour.blend(ground, 0.3)
        return Style(
            color=colour.rich_color,
            bgcolor=ground.rich_color,
            bold=bold or (role is Role.BAD and not faded and not soft) or None,
            dim=dim or None,
        )

    def edge(self, background: Color, *, focused: bool) -> Style:
        """The style of a frame's lines."""
        colour = self.colours[Role.ACCENT] if focused else self.border
        return Style(color=_over(background, colour).rich_color, bgcolor=background.rich_color)


def contrast(one: Color, other: Color) -> float:
    """WCAG 2 contrast ratio of two opaque colours, 1 to 21; 21 where a terminal decides a colour."""
    if one.ansi is not None or other.ansi is not None:
        return 21.0
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def _parse(value: str) -> Color:
    """A theme variable: a colour, perhaps followed by its opacity in percent, or `auto`."""
    name, _, opacity = value.partition(" ")
    alpha = float(opacity.strip().removesuffix("%")) / 100 if opacity.strip().endswith("%") else 1.0
    if name == "auto":
        return Color.automatic(alpha * 100)
    colour = Color.parse(name)
    return colour if colour.ansi is not None else colour.multiply_alpha(alpha)


def _over(ground: Color, colour: Color) -> Color:
    """A colour with its transparency resolved against what is below it."""
    if colour.ansi is not None or colour.a >= 1:
        return colour
    if ground.ansi is not None:
        return colour.with_alpha(1)
    return ground.blend(colour.with_alpha(1), colour.a)


def _text_on(ground: Color, colour: Color) -> Color:
    if colour.auto:
        if ground.ansi is not None:
            return Color.parse("ansi_default")
        return _over(ground, ground.get_contrast_text(colour.a))
    return _over(ground, colour)


_palettes: dict[tuple[str, ...], Palette] = {}


def palette(app: App[object]) -> Palette:
    """The palette of the app's theme now; the same object until the theme's colours change."""
    variables = app.theme_variables
    key = tuple(variables.get(name, "") for name in (*_VARIABLES.values(), *_OTHERS))
    found = _palettes.get(key)
    if found is None:
        if len(_palettes) > 64:  # somebody is editing a theme
            _palettes.clear()
        found = _palettes[key] = palette_of(variables)
    return found


def palette_of(variables: Mapping[str, str]) -> Palette:
    """The palette of a theme's generated variables."""
    background = _parse(variables["background"])
    colours = {role: _over(background, _parse(variables[name])) for role, name in _VARIABLES.items()}
    text = colours[Role.TEXT]
    colours[Role.MUTED] = (
        _parse(variables["role-muted"])
        if "role-muted" in variables
        else text
        if text.ansi is not None or background.ansi is not None
        else text.blend(background, 0.42)
    )
    cursor = _over(background, _parse(variables["block-cursor-background"]))
    cursor_text = _parse(variables["block-cursor-foreground"])
    colours[Role.CURSOR] = _text_on(cursor, cursor_text)
    return Palette(
        colours=colours,
        background=background,
        border=_over(background, _parse(variables["border-blurred"])),
        cursor_text=cursor_text,
        cursor=cursor,
        cursor_blurred=_parse(variables["block-cursor-blurred-background"]),
    )


def plain(text: str, style: str = "") -> Content:
    """Text for a label, title or toast, exactly as it is: no markup is read in it, no control code leaves it.

    A `str` given to Textual's own widgets is markup; whatever may hold server text goes through here.
    """
    shown = printable(text, keep_newlines=True)
    return Content(shown, spans=[ContentSpan(0, len(shown), style)] if style else None)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs in use. All are one cell wide and are in the fonts that people use in terminals."""

    ascii: bool
    dot: str
    ring: str
    mark: str
    high: str
    low: str
    root: str
    right: str
    left: str
    opened: str
    closed: str
    up: str
    down: str
    arrow: str
    middot: str
    ellipsis: str
    times: str
    refresh: str
    cursor: str
    thumb: str
    rail: str
    branch: str
    corner: str
    line: str
    corners: tuple[str, str, str, str]  # top left, top right, bottom left, bottom right
    bars: str  # eight heights, lowest first
    eighths: str  # eight widths, narrowest first


UNICODE = Glyphs(
    ascii=False, dot="●", ring="○", mark="◆", high="▲", low="▼", root="▶", right="▶", left="◀", opened="▼",
    closed="▶", up="↑", down="↓", arrow="→", middot="·", ellipsis="…", times="×", refresh="⟳",
    cursor="▌", thumb="┃", rail="│", branch="├", corner="└", line="─", corners=("╭", "╮", "╰", "╯"),
    bars="▁▂▃▄▅▆▇█", eighths="▏▎▍▌▋▊▉█",
)  # fmt: skip
ASCII = Glyphs(
    ascii=True, dot="*", ring="o", mark="#", high="!", low="v", root=">", right=">", left="<", opened="-",
    closed="+", up="^", down="v", arrow=">", middot="|", ellipsis="~", times="x", refresh="@",
    cursor=">", thumb="#", rail="|", branch="|", corner="`", line="-", corners=("+", "+", "+", "+"),
    bars="_.:-=+*#", eighths=".:-=+*##",
)  # fmt: skip

_glyphs = UNICODE


def glyphs() -> Glyphs:
    """The signs chosen at the start of the console."""
    return _glyphs


def use_glyphs(chosen: Glyphs) -> None:
    """Choose the signs: `UNICODE` or `ASCII`. Called once, before the first widget is made."""
    global _glyphs
    _glyphs = chosen
