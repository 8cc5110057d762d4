"""Our themes are readable, a user's are taken, and a bad one is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color

from dbtui.errors import ConfigError
from dbtui.tui import themes
from dbtui.tui.themes import DEFAULT_THEME, builtin_folder, load_themes, read_theme
from dbtui.tui.widgets.roles import Palette, Role, contrast, palette, palette_of
from tests.tui.showcase import LiveScreen

OURS = sorted(path.stem for path in builtin_folder().glob("*.toml"))
TEXTS = (Role.TEXT, Role.ACCENT, Role.OK, Role.WARN, Role.BAD)


def palette_named(name: str) -> Palette:
    theme = read_theme(builtin_folder() / f"{name}.toml")
    return palette_of({**theme.to_color_system().generate(), **theme.variables})


def test_what_comes_along() -> None:
    assert OURS == ["dbtui-day", "dbtui-gruvbox", "dbtui-night", "dbtui-nord", "high-contrast", "mono"]
    assert DEFAULT_THEME in OURS


@pytest.mark.parametrize("name", OURS)
def test_every_role_is_readable(name: str) -> None:
    """WCAG AA: 4.5 to 1 for text; the theme that is named for its contrast keeps AAA, 7 to 1."""
    least = 7.0 if name == "high-contrast" else 4.5
    colours = palette_named(name)
    theme = read_theme(builtin_folder() / f"{name}.toml")
    grounds = [colours.background, Color.parse(theme.surface or "")]
    for ground in grounds:
        for role in TEXTS:
            assert contrast(colours.colours[role], ground) >= least, (role, ground)
        assert contrast(colours.colours[Role.MUTED], ground) >= min(least, 4.5), ground
    for part in ("keyword", "string", "number", "comment", "name"):
        assert contrast(Color.parse(theme.variables[f"sql-{part}"]), colours.background) >= 4.5, part


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("focused", [True, False])
def test_the_row_under_the_cursor_is_readable_in_every_role(name: str, focused: bool) -> None:
    colours = palette_named(name)
    for role in Role:
        style = colours.style(role, colours.background, cursor=True, focused=focused)
        assert style.color is not None
        assert style.bgcolor is not None
        text, ground = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
        assert contrast(text, ground) >= 3.0, role
        assert ground != colours.background


@pytest.mark.parametrize(
    "theme", [*OURS, "textual-dark", "textual-light", "ansi-dark", "ansi-light", "nord", "dracula"]
)
async def test_a_whole_screen_in_every_theme(theme: str) -> None:
    app = LiveScreen()
    async with app.run_test(size=(120, 30)) as pilot:
        app.theme = theme
        await pilot.pause()
        assert app.theme == theme
        strips = app.screen._compositor.render_strips()
        assert all(segment.style is not None for strip in strips for segment in strip if segment.text.strip())


async def test_the_palette_is_made_once_a_theme() -> None:
    app = LiveScreen()
    async with app.run_test() as pilot:
        first = palette(app)
        assert palette(app) is first
        app.theme = "dbtui-day"
        await pilot.pause()
        assert palette(app) is not first
        app.theme = "dbtui-night"
        await pilot.pause()
        assert palette(app) is first


BAD = {
    "nothing.toml": ("", "has no primary colour"),
    "broken.toml": ("primary = ", "cannot be read"),
    "unknown.toml": ('primary = "#fff"\nprimry = "#000"', "unknown key primry"),
    "type.toml": ('primary = "#fff"\ndark = "yes"', "dark must be a bool"),
    "colour.toml": ('primary = "#ggg"', "colour"),
    "variable.toml": ('primary = "#fff"\n[variables]\nborder-blurred = "no colour"', "colour"),
    "variables.toml": ('primary = "#fff"\nvariables = 3', "[variables] holds texts only"),
    "numbers.toml": ('primary = "#fff"\n[variables]\nx = 3', "[variables] holds texts only"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_named_in_one_line(name: str, tmp_path: Path) -> None:
    content, said = BAD[name]
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        read_theme(path)
    assert said in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_users_themes_are_added_and_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(themes, "user_folder", lambda: tmp_path)
    (tmp_path / "mine.toml").write_text('primary = "#123456"')
    (tmp_path / "night.toml").write_text('name = "dbtui-night"\nprimary = "#654321"')
    (tmp_path / "bad.toml").write_text("primary = 3")
    (tmp_path / "latin.toml").write_bytes(b'primary = "\xe9"')
    app: App[None] = App()
    troubles = load_themes(app)
    assert len(troubles) == 2
    assert app.available_themes["mine"].primary == "#123456"
    assert app.available_themes["dbtui-night"].primary == "#654321"


def test_a_copied_theme_works_as_it_is(tmp_path: Path) -> None:
    for name in OURS:
        copied = tmp_path / f"{name}-copy.toml"
        shutil.copy(builtin_folder() / f"{name}.toml", copied)
        assert read_theme(copied).name == name
