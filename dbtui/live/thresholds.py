"""The user's own thresholds of the rules about running servers: `health.toml` in the configuration folder.

[pg-slot-retains-wal]
bytes = 50e9
room = 200e9          # bytes that the log may still take on its disk

[any-long-transaction]
off = true
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path

from dbtui.config import config_folder
from dbtui.errors import ConfigError
from dbtui.rules.live import Changes, rules


def thresholds_file() -> Path:
    """Where a user's own thresholds are."""
    return config_folder() / "health.toml"


def read_thresholds(path: Path) -> Changes:
    """What the user has changed, by rule and threshold. An absent file changes nothing; raises ConfigError."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}", "fix or remove it") from None
    known = {one.rule.id: {threshold.name for threshold in one.thresholds} for one in rules()}
    return {rule: _limits(rule, table, known, path.name) for rule, table in tables.items()}


def _limits(rule: str, table: object, known: Mapping[str, set[str]], file: str) -> dict[str, float]:
    if rule not in known:
        near = difflib.get_close_matches(rule, known, 1)
        raise ConfigError(
            f"{file} names {rule}, which is no rule",
            f"did you mean {near[0]}?" if near else "see dbtui rules",
        )
    if not isinstance(table, Mapping):
        raise ConfigError(f"{rule} in {file} is no table", f"write [{rule}] above its thresholds")
    for name, value in table.items():
        if name not in known[rule] | {"off"}:
            names = ", ".join(sorted(known[rule] | {"off"}))
            raise ConfigError(f"{rule} in {file} has no threshold {name}", f"it has {names}")
        if not isinstance(value, int | float) or value < 0:
            raise ConfigError(f"{name} of {rule} in {file} is no number", "write a number of at least 0")
    return {name: float(value) for name, value in table.items()}
