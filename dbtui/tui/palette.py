"""The command palette: every action of the keymap that works here, the panes, and the themes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from textual.actions import parse
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import Screen


def commands_for(app: App[int], screen: Screen[object]) -> Iterable[SystemCommand]:
    """Commands of the focused widget, its pane and the screen; then the theme chooser."""
    seen: set[str] = set()
    for node, binding in _bindings(screen):
        if not binding.description or binding.description in seen or binding.system:
            continue
        _, name, parameters = parse(binding.action)
        if node.check_action(name, parameters) is not True:
            continue
        seen.add(binding.description)
        yield SystemCommand(
            binding.description,
            binding.tooltip or f"key {binding.key}",
            lambda action=binding.action, namespace=node: app.run_worker(
                app.run_action(action, default_namespace=namespace), exit_on_error=False
            ),
        )
    yield SystemCommand("Theme", "Change the colours", app.action_change_theme)


def _bindings(screen: Screen[object]) -> Iterator[tuple[DOMNode, Binding]]:
    """Those of the focused widget and of all around it, from the inside out.

    Not `screen.active_bindings`, which leaves out what an editor takes as text: panes are reached from there too.
    """
    for node in (screen.focused or screen).ancestors_with_self:
        for _, binding in node._bindings:
            yield node, binding
        if node.is_modal:
            return
