"""Alerts: rules of the user over any sampled figure, in `alerts.toml` in the configuration folder.

    [replica-behind]
    engine = "postgres"            # left out: every engine
    metric = "lag"                 # any that `dbtui monitoring --figures` lists; of a rule, how many findings it has
    above = 30                     # or below
    for = "1m"                     # so long without a break; default at once
    severity = "error"             # info, warning (default), error
    notify = ["osc9", "command"]   # any of bell, osc9, command, webhook; default bell
    command = ["notify-oncall", "--urgent"]
    webhook = "https://hooks.example.com/T0"

Each is shown in the header while it holds. What cannot be known at a moment neither raises an alert nor ends one.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbtui.config import config_folder
from dbtui.engines import ENGINES, metrics
from dbtui.errors import ConfigError
from dbtui.live.figures import figure, figures
from dbtui.model.finding import Finding, Severity
from dbtui.model.snapshot import Link, Snapshot
from dbtui.secrets import Secret

PATIENCE = 30.0  # seconds in which every figure has been asked for
WAYS = ("bell", "osc9", "command", "webhook")
_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_KEYS: Mapping[str, type | tuple[type, ...]] = {
    "engine": str, "metric": str, "above": (int, float), "below": (int, float), "for": (str, int, float),
    "severity": str, "notify": list, "command": (str, list), "webhook": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One table of alerts.toml. `seconds` is how long the figure has to be beyond its limit."""

    name: str
    metric: str
    above: float | None = None
    below: float | None = None
    seconds: float = 0.0
    severity: Severity = Severity.WARNING
    engine: str = ""
    notify: tuple[str, ...] = ("bell",)
    command: str | tuple[str, ...] = ""
    webhook: Secret | None = None  # such an address is a key to the channel behind it

    def crossed(self, value: float) -> bool:
        """Whether the figure is beyond the limit."""
        return (self.above is not None and value > self.above) or (
            self.below is not None and value < self.below
        )

    @property
    def limit(self) -> str:
        """The condition in words."""
        return f"above {self.above:g}" if self.above is not None else f"below {self.below:g}"


@dataclass(frozen=True, slots=True)
class Alert:
    """What has just begun or ended. `at` is in epoch seconds."""

    rule: AlertRule
    value: float
    at: float
    firing: bool

    @property
    def text(self) -> str:
        """One line."""
        verb = "fires" if self.firing else "is over"
        return f"{self.rule.name} {verb}: {self.rule.metric} is {self.value:,.6g}, {self.rule.limit} alerts"


class Alerts:
    """Watches the figures of one server. `engine` is the folder's name."""

    def __init__(self, rules: Iterable[AlertRule], engine: str) -> None:
        self._rules = tuple(rule for rule in rules if rule.engine in ("", engine))
        self._since: dict[str, float] = {}  # rule → since when its figure is beyond the limit
        self._firing: dict[str, Alert] = {}
        self._blind = {rule.name: rule for rule in self._rules}  # those whose figure was never known
        self._watched: float | None = None  # since when
        self._waited = 0.0
        self._engine = engine
        self._counters: Mapping[str, float] = {}

    @property
    def firing(self) -> tuple[Alert, ...]:
        """Those that hold now, the gravest first."""
        order = list(reversed(Severity))
        return tuple(sorted(self._firing.values(), key=lambda alert: -order.index(alert.rule.severity)))

    @property
    def blind(self) -> tuple[AlertRule, ...]:
        """Those that can never ring: what they compare has not been told since long enough."""
        return tuple(self._blind.values()) if self._waited >= PATIENCE else ()

    def meant(self, rule: AlertRule) -> str:
        """The known figure whose name is nearest to that of a rule that can never ring; "" where none is near."""
        known = {one.name for one in figures(self._engine, metrics(self._engine), self._counters)}
        near = () if rule.metric in known else difflib.get_close_matches(rule.metric, known, 1)
        return next(iter(near), "")

    def take(self, snapshot: Snapshot, findings: Sequence[Finding] = ()) -> tuple[Alert, ...]:
        """What begins or ends with this snapshot."""
        if snapshot.link is not Link.LIVE:
            return ()
        if self._watched is None:
            self._watched = snapshot.at
        self._waited = snapshot.at - self._watched
        self._counters = snapshot.counters.value or {}
        news = []
        for rule in self._rules:
            value = figure(rule.metric, snapshot, findings)
            if value is None:
                continue
            self._blind.pop(rule.name, None)
            if (alert := self._judge(rule, value, snapshot.at)) is not None:
                news.append(alert)
        return tuple(news)

    def _judge(self, rule: AlertRule, value: float, at: float) -> Alert | None:
        if not rule.crossed(value):
            self._since.pop(rule.name, None)
            held = self._firing.pop(rule.name, None)
            return Alert(rule, value, at, firing=False) if held is not None else None
        since = self._since[rule.name] = min(at, self._since.get(rule.name, at))
        if at - since < rule.seconds:
            return None
        alert = Alert(rule, value, at, firing=True)
        new = rule.name not in self._firing
        self._firing[rule.name] = alert
        return alert if new else None


# ---- the file


def alerts_file() -> Path:
    """Where a user's alerts are."""
    return config_folder() / "alerts.toml"


def read_alerts(path: Path) -> tuple[AlertRule, ...]:
    """The alerts of a file; none without it. Raises ConfigError with what has to change."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read: {error}", "fix or remove it") from None
    return tuple(_rule(name, table, f"[{name}] in {path.name}") for name, table in tables.items())


def _rule(name: str, table: object, where: str) -> AlertRule:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is no table", f"write [{name}] above metric = …")
    for key, value in table.items():
        if key not in _KEYS:
            raise ConfigError(f"{where} has an unknown key {key}", f"it knows {', '.join(_KEYS)}")
        if not isinstance(value, _KEYS[key]) or isinstance(value, bool):
            raise ConfigError(
                f"{key} of {where} has the wrong type", "text in quotes, numbers without, lists in [ ]"
            )
    if not table.get("metric"):
        raise ConfigError(f"{where} has no metric", 'write metric = "connections"')
    if ("above" in table) == ("below" in table):
        raise ConfigError(f"{where} needs one limit", "give above or below")
    notify = tuple(str(way) for way in table.get("notify", ["bell"]))
    for way in notify:
        if way not in WAYS:
            raise ConfigError(f"{where} notifies by {way}", f"use any of {', '.join(WAYS)}")
        if way in ("command", "webhook") and not table.get(way):
            raise ConfigError(f"{where} notifies by {way} but has none", f"give {way} = …")
    try:
        severity = Severity(table.get("severity", "warning"))
    except ValueError:
        raise ConfigError(f"{where} has no such severity", f"use one of {', '.join(Severity)}") from None
    command, webhook = table.get("command", ""), table.get("webhook", "")
    if webhook and not re.match(r"https?://[^\s/]+", webhook):
        raise ConfigError(f"the webhook of {where} is not an http address", "write https://HOST/PATH")
    return AlertRule(
        name, table["metric"], table.get("above"), table.get("below"), _seconds(table.get("for", 0), where),
        severity, _engine(table.get("engine", ""), where), notify,
        tuple(map(str, command)) if isinstance(command, list) else command, Secret(webhook) if webhook else None,
    )  # fmt: skip


def _engine(name: str, where: str) -> str:
    """The engine's folder, named as in a URL; "" is every engine."""
    if name and name not in ENGINES:
        raise ConfigError(f"{where} is for the engine {name}", f"it is one of {', '.join(sorted(ENGINES))}")
    return ENGINES.get(name, "")


def _seconds(value: str | float, where: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", str(value).strip())
    if match is None:
        raise ConfigError(f"`for` of {where} is not a length of time", 'write "90s", "5m" or "1h"')
    return float(match[1]) * _SECONDS[match[2]]
