"""Every key of the console: what it does, where it works, and how a user changes it.

One table is the source of the bindings, the footer, the help screen and the ids in `keymap.toml`:

    [keys]
    "live.cancel" = "c"
    "app.quit" = "q,ctrl+q"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbtui.config import config_folder
from dbtui.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a key does. `keys` is a comma list in Textual's names; `action` is the method's name."""

    id: str
    keys: str
    action: str
    label: str  # for the footer: one or two words
    help: str  # for the help screen: one sentence
    shown: bool = True  # whether the footer offers it

    @property
    def group(self) -> str:
        return self.id.partition(".")[0]


def _pane(number: int, name: str, what: str) -> Action:
    return Action(f"main.{name}", str(number), f"pane('{name}')", name.capitalize(), what, shown=False)


ACTIONS: tuple[Action, ...] = (
    Action("app.help", "question_mark", "help_keys", "Help", "show all keys"),
    Action(
        "app.palette", "ctrl+p,colon", "command_palette", "Commands", "find a command by name", shown=False
    ),
    Action("app.quit", "q,ctrl+q", "quit", "Quit", "leave the console"),
    _pane(1, "live", "go to the live activity"),
    _pane(2, "statements", "go to the statement statistics"),
    _pane(3, "schema", "go to the schema"),
    _pane(4, "query", "go to the editor"),
    _pane(5, "plan", "go to the query plan"),
    _pane(6, "findings", "go to the findings"),
    _pane(7, "migrate", "go to the migration planner"),
    _pane(8, "advise", "go to what-if and index advice"),
    _pane(9, "health", "go to the health of the server, and to what runs for long"),
    Action("main.browser", "b", "browser", "Tree", "show or hide the object tree"),
    Action("main.find", "f", "find", "Find", "find a table by a few letters of its name"),
    Action("main.pause", "p", "pause", "Pause", "pause sampling, or resume it"),
    Action(
        "main.refresh",
        "r",
        "refresh",
        "Refresh",
        "sample now, and reload the tree from the server",
        shown=False,
    ),
    Action("main.faster", "plus", "faster", "Faster", "sample twice as often", shown=False),
    Action("main.slower", "minus", "slower", "Slower", "sample half as often", shown=False),
    Action(
        "main.zoom",
        "z",
        "zoom",
        "Zoom",
        "give the focused box the whole screen, or the panes back",
        shown=False,
    ),
    Action(
        "main.lift",
        "L",
        "lift",
        "Lift",
        "lift read-only for one statement or ten minutes, or end that",
        shown=False,
    ),
    Action(
        "main.handover",
        "H",
        "hand_over",
        "Hand over",
        "write an incident note, without literals, to the clipboard and a file",
        shown=False,
    ),
    Action("main.servers", "ctrl+o", "servers", "Servers", "go back to the connections", shown=False),
    Action(
        "live.detail", "enter", "detail", "Detail", "show the whole statement of the session", shown=False
    ),
    Action("live.explain", "e", "explain", "Explain", "show the plan of the session's statement"),
    Action("live.cancel", "x", "cancel", "Cancel", "cancel the session's statement, after a question"),
    Action("live.terminate", "X", "terminate", "Terminate", "end the session, after a question"),
    Action("time.back", "left_square_bracket", "scrub(-1)", "Back", "show the sample before, as it was"),
    Action("time.forward", "right_square_bracket", "scrub(1)", "On", "show the next sample", shown=False),
    Action(
        "time.leap_back", "left_curly_bracket", "scrub(0, -60)", "-1 min", "go back a minute", shown=False
    ),
    Action("time.leap", "right_curly_bracket", "scrub(0, 60)", "+1 min", "go forward a minute", shown=False),
    Action("time.present", "escape", "present", "Present", "show the present again", shown=False),
    Action("live.changes", "w", "changes", "Changed", "what changed: the last minute against the ten before"),
    Action("live.filter", "slash", "filter", "Filter", "show only rows that contain these words"),
    Action("live.idle", "i", "idle", "Idle", "show or hide idle sessions"),
    Action("live.mark", "space", "mark", "Mark", "mark the session: x and X then act on all marked ones"),
    Action("live.take", "t", "take", "Take", "mark sessions by user, application, state or age", shown=False),
    Action("live.unmark", "u", "unmark", "Unmark", "clear all marks", shown=False),
    Action(
        "live.deadlock",
        "D",
        "deadlock",
        "Deadlock",
        "show the last deadlock with its statements",
        shown=False,
    ),
    Action(
        "live.background", "B", "background", "System", "show or hide the server's own processes", shown=False
    ),
    Action("live.sort", "o", "sort_next(1)", "Sort", "sort by the next column"),
    Action("live.sort_back", "O", "sort_next(-1)", "Sort back", "sort by the column before", shown=False),
    Action("live.reverse", "v", "sort_reverse", "Reverse", "reverse the sort order", shown=False),
    Action("live.edit", "E", "edit", "Edit", "put the session's statement into the editor", shown=False),
    Action("live.copy", "y", "copy", "Copy", "copy the session's statement", shown=False),
    Action("statements.detail", "enter", "detail", "Text", "show the whole statement", shown=False),
    Action("statements.explain", "e", "explain", "Explain", "show the statement's plan"),
    Action(
        "statements.base",
        "d",
        "base",
        "Since…",
        "count since the last sample, since the pane was opened, or since the server's reset",
    ),
    Action("statements.begin", "D", "begin", "From now", "count from now on", shown=False),
    Action("statements.group", "w", "group", "By whom", "group by user, application, host or database"),
    Action("statements.filter", "slash", "filter", "Filter", "show only rows that contain these words"),
    Action("statements.sort", "o", "sort_next(1)", "Sort", "sort by the next column"),
    Action(
        "statements.sort_back", "O", "sort_next(-1)", "Sort back", "sort by the column before", shown=False
    ),
    Action("statements.reverse", "v", "sort_reverse", "Reverse", "reverse the sort order", shown=False),
    Action("statements.edit", "E", "edit", "Edit", "put the statement into the editor"),
    Action("statements.advise", "A", "advise", "Advise", "ask which indexes would help it", shown=False),
    Action("statements.copy", "y", "copy", "Copy", "copy the statement"),
    Action("schema.rows", "s", "schema_rows", "Rows", "read up to 100 rows of the table"),
    Action("schema.next", "right_square_bracket", "schema_tab(1)", "Next tab", "turn to the next tab"),
    Action(
        "schema.previous",
        "left_square_bracket",
        "schema_tab(-1)",
        "Tab back",
        "turn to the tab before",
        shown=False,
    ),
    Action(
        "schema.vacuum",
        "V",
        "schema_maintain('vacuum')",
        "Vacuum",
        "vacuum the table, after a question",
        shown=False,
    ),
    Action(
        "schema.analyze",
        "A",
        "schema_maintain('analyze')",
        "Analyze",
        "analyze the table, after a question",
        shown=False,
    ),
    Action("schema.copy", "y", "schema_copy", "Copy DDL", "copy the object's DDL"),
    Action("query.run", "ctrl+r", "run", "Run", "run the statement under the cursor, read-only"),
    Action(
        "query.explain", "ctrl+g", "explain", "Explain", "show the plan of the statement under the cursor"
    ),
    Action("query.stop", "ctrl+c", "stop", "Stop", "stop the running statement"),
    Action("query.editor", "i", "editor", "Editor", "go to the editor"),
    Action("query.copy", "y", "copy", "Copy", "copy the row", shown=False),
    Action("plan.analyze", "a", "analyze", "Analyze", "run the statement and measure, after a question"),
    Action("plan.explain", "e", "explain", "Again", "ask for the plan again"),
    Action("plan.original", "o", "original", "Original", "show the plan as the server gave it"),
    Action("plan.compare", "c", "wish('compare')", "Compare", "compare with earlier plans of the statement"),
    Action("plan.icicle", "i", "icicle", "Icicle", "turn from the tree to the icicle and back"),
    Action("plan.hottest", "n", "hottest", "Hottest", "go to the hottest node, then to the next"),
    Action("plan.why", "w", "wish('why')", "Why not", "show what every rule flags, or why it flags nothing"),
    Action(
        "plan.values",
        "v",
        "wish('values')",
        "Values",
        "the plan for common, rare and out-of-range values",
    ),
    Action(
        "plan.statistics",
        "d",
        "wish('statistics')",
        "Doctor",
        "test the statistics behind wrong row estimates; only reads",
    ),
    Action("plan.open", "O", "wish('open_plan')", "Open", "open a plan from a file or a paste"),
    Action("plan.edit", "E", "edit", "Edit", "put the statement into the editor"),
    Action("plan.copy", "y", "copy", "Copy", "copy the plan as the server gave it"),
    Action("plan.advise", "A", "advise", "Advise", "ask which indexes would help the statement"),
    Action("advise.advise", "g", "wish('advise')", "Advise", "ask which indexes would help the statement"),
    Action("advise.plan", "e", "wish('plan')", "Plan", "plan the statement as it is and as it would be"),
    Action("advise.try", "space", "try", "Try", "try what is under the cursor, or leave it as it is"),
    Action("advise.take", "m", "take", "Migrate", "hand what is ticked on to the migration pane"),
    Action(
        "advise.workload",
        "W",
        "wish('workload')",
        "Workload",
        "ask which indexes would help the whole load, as the server counted it",
    ),
    Action(
        "advise.rewrite",
        "R",
        "wish('rewrite')",
        "Rewrite",
        "ask whether the statement could be written otherwise, and what its plan would be",
        shown=False,
    ),
    Action(
        "advise.partition",
        "P",
        "wish('partition')",
        "Partition",
        "ask which tables should be split into partitions, for all statements that were counted",
        shown=False,
    ),
    Action(
        "advise.verify",
        "v",
        "wish('verify')",
        "Verify",
        "look whether the server uses what was handed on: its plans, and how often the index was scanned",
    ),
    Action("advise.editor", "i", "editor", "Statement", "go to the statement"),
    Action("advise.other", "o", "other", "What if", "write what else to try", shown=False),
    Action("advise.copy", "y", "copy", "Copy", "copy the statement of the row", shown=False),
    Action("list.down", "down,j", "cursor(1)", "Down", "the next row", shown=False),
    Action("list.up", "up,k", "cursor(-1)", "Up", "the row before", shown=False),
    Action("list.page_down", "pagedown,ctrl+f", "page(1)", "Page down", "a screen further", shown=False),
    Action("list.page_up", "pageup,ctrl+b", "page(-1)", "Page up", "a screen back", shown=False),
    Action("list.first", "home", "edge(-1)", "First", "the first row", shown=False),
    Action("list.last", "end,G", "edge(1)", "Last", "the last row", shown=False),
    Action("list.select", "enter", "select", "Detail", "open or take the row", shown=False),
    Action("tree.open", "right,l", "unfold", "Open", "open the node, or go to its first child", shown=False),
    Action("tree.close", "left,h", "fold", "Close", "close the node, or go to its parent", shown=False),
    Action("tree.turn", "space", "turn", "Open or close", "open or close the node", shown=False),
    Action("editor.leave", "escape", "leave", "Leave", "leave the editor: the pane's keys work again"),
    Action("editor.open", "ctrl+t", "open_outside", "$EDITOR", "write the text in $VISUAL or $EDITOR"),
    Action("findings.node", "enter", "node", "Node", "go to the node of the plan that it is about"),
    Action("findings.docs", "d", "docs", "Why", "read what the rule looks for, and why"),
    Action("findings.copy", "y", "copy", "Copy fix", "copy the statements that fix it"),
    Action("health.docs", "d", "docs", "Why", "read what the check looks for, and why"),
    Action("health.copy", "y", "copy", "Copy fix", "copy the statement that fixes it"),
    Action("health.cancel", "x", "cancel", "Cancel", "cancel the operation, or the session that is named"),
    Action("health.deadlock", "D", "deadlock", "Deadlock", "show the last deadlock with its statements"),
    Action("migrate.plan", "ctrl+r", "wish('plan')", "Plan", "plan the SQL of the editor"),
    Action(
        "migrate.run",
        "n",
        "wish('run')",
        "Run step",
        "run the steps that are not done, each after a question",
    ),
    Action("migrate.rehearse", "t", "wish('rehearse')", "Rehearse", "try the plan where it can do no harm"),
    Action("migrate.editor", "i", "editor", "SQL", "go to the SQL"),
    Action("migrate.open", "o", "wish('open_file')", "Open", "plan a file or folder of SQL, or a plan"),
    Action(
        "migrate.stop",
        "x",
        "wish('stop')",
        "Stop",
        "take back what waits, finish the batch, journal and stop",
    ),
    Action("migrate.pause", "space", "wish('pause')", "Pause", "pause a backfill, or resume it"),
    Action(
        "migrate.slower",
        "less_than_sign",
        "wish('slower')",
        "Slower",
        "slow a backfill down: longer pauses between batches",
        shown=False,
    ),
    Action(
        "migrate.faster",
        "greater_than_sign",
        "wish('faster')",
        "Faster",
        "speed a backfill up: shorter pauses between batches",
        shown=False,
    ),
    Action(
        "migrate.rollback",
        "u",
        "wish('rollback')",
        "Undo",
        "undo the steps that are done, each after a question",
        shown=False,
    ),
    Action(
        "migrate.limits",
        "l",
        "wish('limits')",
        "Limits",
        "say where a run holds, takes back or stops itself",
        shown=False,
    ),
    Action("migrate.save", "w", "wish('save')", "Write", "write the plan to a file", shown=False),
    Action(
        "migrate.status",
        "s",
        "wish('status')",
        "Status",
        "ask the server how far the plan has come",
        shown=False,
    ),
    Action("migrate.copy", "y", "copy", "Copy", "copy the step's statements", shown=False),
    Action("fleet.open", "enter", "open", "Open", "open the server's console"),
    Action("fleet.servers", "ctrl+o,escape", "servers", "Servers", "go to the connections"),
    Action(
        "connect.fleet", "ctrl+t", "fleet", "Watch all", "watch the servers that are listed, one line each"
    ),
    Action("connect.down", "down", "down", "Down", "the next connection", shown=False),
    Action("connect.up", "up", "up", "Up", "the connection before", shown=False),
    Action("find.down", "down,ctrl+n", "down", "Down", "the next match", shown=False),
    Action("find.up", "up", "up", "Up", "the match before", shown=False),
    Action("find.leave", "escape", "leave", "Leave", "close without choosing"),
    Action("dialog.leave", "escape", "leave", "Leave", "close without doing anything"),
    Action("icicle.before", "left", "sibling(-1)", "Left", "the node to the left", shown=False),
    Action("icicle.after", "right", "sibling(1)", "Right", "the node to the right", shown=False),
    Action("compare.older", "left_square_bracket", "turn(1)", "Older", "compare with an older plan"),
    Action("compare.newer", "right_square_bracket", "turn(-1)", "Newer", "compare with a newer plan"),
    Action("compare.close", "escape,q", "close", "Close", "close the comparison"),
    Action("rules.close", "escape,q", "close", "Close", "close the list"),
    Action("text.close", "escape,q,enter", "close", "Close", "close the text"),
    Action("text.copy", "y", "copy", "Copy", "copy the text"),
)


def actions_of(group: str) -> tuple[Action, ...]:
    """The actions of a pane or screen, in the order of the footer."""
    return tuple(action for action in ACTIONS if action.group == group)


def keymap_file() -> Path:
    """Where a user's own keys are."""
    return config_folder() / "keymap.toml"


def read_keymap(path: Path) -> Mapping[str, str]:
    """A user's keys: action id → comma list of keys. An absent file is empty; raises ConfigError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}", "fix or remove it") from error
    keys = data.get("keys", {})
    if set(data) - {"keys"} or not isinstance(keys, dict):
        raise ConfigError(
            f"{path.name} has something besides [keys]", 'write lines such as "live.cancel" = "c"'
        )
    for id_, key in keys.items():
        if not isinstance(key, str) or not all(_KEY.fullmatch(part.strip()) for part in key.split(",")):
            raise ConfigError(
                f"{path.name}: {id_} = {key!r} is no key",
                'write "c", "f5", "ctrl+s", "ctrl+shift+a" or "c,ctrl+s"',
            )
    check(keys)
    return keys


# Modifiers in lower case, then a key's name or one sign; Textual wants `ctrl+shift+a` for ctrl+A.
_KEY = re.compile(r"[^\s+]|(?:(?:ctrl|shift|alt|super|hyper|meta)\+)*(?:[a-z0-9_]+|[^\sA-Z])")


def check(overrides: Mapping[str, str]) -> None:
    """Raise ConfigError for an unknown id, or for a key that would do two things in one place."""
    known = {action.id for action in ACTIONS}
    unknown = sorted(set(overrides) - known)
    if unknown:
        raise ConfigError(
            f"keymap.toml names {unknown[0]}, which no action has", "`?` in the console lists the ids"
        )
    merged = {action.id: overrides.get(action.id, action.keys) for action in ACTIONS}
    everywhere = _taken(merged, ("app",))
    for group in dict.fromkeys(action.group for action in ACTIONS):
        beside = (
            "tree" if group == "schema" else "time"
        )  # the tree's keys work in its pane, scrubbing elsewhere
        _clash(
            merged, everywhere if group == "app" else _taken(merged, ("app", "main", "list", beside, group))
        )


def _taken(merged: Mapping[str, str], groups: Iterable[str]) -> list[str]:
    wanted = set(groups)
    return [action.id for action in ACTIONS if action.group in wanted and action.id in merged]


def _clash(merged: Mapping[str, str], ids: Iterable[str]) -> None:
    owner: dict[str, str] = {}
    for id_ in ids:
        for key in merged[id_].split(","):
            other = owner.setdefault(key.strip(), id_)
            if other != id_ and not _may_share(other, id_):
                raise ConfigError(
                    f"the key {key.strip()} would do both {other} and {id_}", "give one of them another"
                )


_DEFAULTS = {action.id: action.keys for action in ACTIONS}


def _may_share(one: str, other: str) -> bool:
    """Dialogs and texts lie over everything else, so that their keys hide those below."""
    over = {"text", "dialog", "find", "connect", "fleet", "editor", "compare", "rules"}
    if "list.select" in (one, other) and _DEFAULTS[one] == _DEFAULTS[other]:
        return True  # what a list calls its choice, its pane calls by what it leads to
    groups = {one.partition(".")[0], other.partition(".")[0]}
    if groups == {"tree", "migrate"}:
        return True  # whichever has the focus
    return bool(groups & over)
