"""Themes as TOML files: ours, and those of the user's config folder. A bad file is reported, never fatal."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from textual.app import App
from textual.color import ColorParseError
from textual.theme import Theme

from dbtui.config import config_folder
from dbtui.errors import ConfigError
from dbtui.tui.widgets.roles import palette_of

DEFAULT_THEME = "dbtui-night"
_PLAIN = {"name": str, "dark": bool, "ansi": bool, "luminosity_spread": float, "text_alpha": float}
_COLOURS = frozenset(f.name for f in fields(Theme)) - set(_PLAIN) - {"variables"}


def builtin_folder() -> Path:
    """Where our own themes are: beside the package in a wheel, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    packaged = package / "themes"
    return packaged if packaged.is_dir() else package.parent / "themes"


def user_folder() -> Path:
    """Where the user's own themes are."""
    return config_folder() / "themes"


def read_theme(path: Path) -> Theme:
    """A theme from its file. Raises ConfigError in one line that names the file and what is wrong with it.

    The keys are the fields of Textual's `Theme`, colours as CSS writes them; `[variables]` overrides single
    variables, among them our own: `role-muted`, `sql-keyword`, `-string`, `-number`, `-comment`, `-name`.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"theme {path.name} cannot be read", str(error)) from error
    theme = _theme_of(data, path)
    try:  # what Textual or a widget of ours would stumble over later, it stumbles over here
        palette_of({**theme.to_color_system().generate(), **theme.variables})
    except (ColorParseError, ValueError, KeyError) as error:
        raise ConfigError(
            f"theme {path.name} has a colour that is none", str(error).splitlines()[0]
        ) from error
    return theme


def _theme_of(data: dict[str, Any], path: Path) -> Theme:
    """Check names and types, so that a typing error is named instead of ignored."""
    variables = data.pop("variables", {})
    for key, value in data.items():
        expected = str if key in _COLOURS else _PLAIN.get(key)
        if expected is None:
            raise ConfigError(
                f"theme {path.name} has the unknown key {key}", "see the themes that come with dbtui"
            )
        if not isinstance(value, expected) and not (expected is float and type(value) is int):
            raise ConfigError(f"theme {path.name}: {key} must be a {expected.__name__}")
    if "primary" not in data:
        raise ConfigError(f"theme {path.name} has no primary colour", 'write primary = "#7aa2f7" or the like')
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise ConfigError(f"theme {path.name}: [variables] holds texts only")
    return Theme(name=data.pop("name", path.stem), variables=variables, **data)


def load_themes(app: App[Any]) -> list[str]:
    """Register our themes, then the user's, which may replace them; returns what is wrong with which file."""
    troubles = []
    for folder in (builtin_folder(), user_folder()):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            try:
                app.register_theme(read_theme(path))
            except ConfigError as error:
                troubles.append(str(error))
    return troubles
