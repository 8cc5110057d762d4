"""The keymap as Textual bindings."""

from __future__ import annotations

from textual.app import App
from textual.binding import Binding, BindingType
from textual.keys import format_key

from dbtui.errors import ConfigError
from dbtui.keymap import Action, actions_of, keymap_file, read_keymap

_user: dict[str, str] = {}


def bindings(group: str) -> list[BindingType]:
    """The bindings of a pane or screen."""
    return [
        Binding(
            action.keys, action.action, action.label, show=action.shown, tooltip=action.help, id=action.id
        )
        for action in actions_of(group)
    ]


def load_keymap(app: App[int]) -> list[str]:
    """Take the user's own keys; returns what is wrong with them, in which case the defaults stay."""
    try:
        keys = dict(read_keymap(keymap_file()))
    except ConfigError as error:
        return [str(error)]
    if keys:
        app.set_keymap(keys)
        _user.update(keys)
    return []


def keys_of(action: Action) -> str:
    """The keys of an action as a person reads them."""
    return " ".join(format_key(key.strip()) for key in _user.get(action.id, action.keys).split(","))
