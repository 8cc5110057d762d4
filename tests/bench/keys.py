"""The bytes that a terminal sends for the key of an action."""

from __future__ import annotations

from dbtui.keymap import ACTIONS

_NAMED = {"enter": "\r", "escape": "\x1b", "slash": "/", "down": "\x1b[B", "up": "\x1b[A"}


def key_of(action_id: str) -> str:
    """What to press for an action, by its first key. Raises KeyError for an unknown action."""
    keys = {action.id: action.keys for action in ACTIONS}[action_id]
    name = keys.partition(",")[0]
    if name.startswith("ctrl+"):
        return chr(ord(name[-1]) & 0x1F)
    return _NAMED.get(name, name)
