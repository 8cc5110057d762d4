"""The command palette: every action of the keymap that works here, the panes, and the themes."""

from __future__ import annotations

from collections.abc import Iterable

from textual.app import App, SystemCommand
from textual.screen import Screen


def commands_for(app: App[int], screen: Screen[object]) -> Iterable[SystemCommand]:
    """Commands of the focused widget, its pane and the screen; then the theme chooser."""
    seen: set[str] = set()
    for active in screen.active_bindings.values():
        binding = active.binding
        if not active.enabled or not binding.description or binding.description in seen or binding.system:
            continue
        seen.add(binding.description)
        namespace, action = active.node, binding.action
        yield SystemCommand(
            binding.description,
            binding.tooltip or f"key {binding.key}",
            lambda action=action, namespace=namespace: app.run_worker(
                app.run_action(action, default_namespace=namespace), exit_on_error=False
            ),
        )
    yield SystemCommand("Theme", "Change the colours", app.action_change_theme)
