"""What the rules and the alerts of the user say of one server: for the top bar, and for the panes that list it.

Imported in the background: nothing of it is needed to paint.
"""

from __future__ import annotations

from dataclasses import dataclass

from dbtui import text
from dbtui.errors import ConfigError
from dbtui.live.alerts import Alert, AlertRule, Alerts, alerts_file, read_alerts
from dbtui.live.health import HealthWatch
from dbtui.live.progress import Pace, Paces
from dbtui.live.thresholds import read_thresholds, thresholds_file
from dbtui.model.finding import Finding, Severity
from dbtui.model.snapshot import Snapshot
from dbtui.rules.live import Changes
from dbtui.tui.views.findings import numbered
from dbtui.tui.widgets.roles import Role, glyphs
from dbtui.tui.widgets.status import Piece


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a server at one moment: what the panes show."""

    engine: str
    changes: Changes
    findings: tuple[Finding, ...]  # the gravest first
    paces: tuple[Pace, ...] = ()


class Watching:
    """Judges each snapshot of one server. `troubles` tells of files that could not be used."""

    def __init__(self, engine: str) -> None:
        self.troubles: list[str] = []
        self._changes = self._thresholds()
        self._health = HealthWatch(engine, self._changes)
        self._alerts = Alerts(self._rules(), engine)
        self._paces = Paces()
        self._paced_at: float | None = None
        self._engine = engine
        self._running: tuple[Pace, ...] = ()

    def _thresholds(self) -> Changes:
        try:
            return read_thresholds(thresholds_file())
        except ConfigError as error:
            self.troubles.append(f"{error}: the thresholds are our own")
            return {}

    def _rules(self) -> tuple[AlertRule, ...]:
        try:
            return read_alerts(alerts_file())
        except ConfigError as error:
            self.troubles.append(f"{error}: no alert is watched for")
            return ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules find now, the gravest first."""
        return self._health.findings

    @property
    def said(self) -> Said:
        """What is said now."""
        return Said(self._engine, self._changes, self._health.findings, self._running)

    def of_past(self, snapshot: Snapshot) -> Said:
        """What can be said of a moment that is past, by itself: without the speed of anything."""
        return Said(self._engine, self._changes, HealthWatch(self._engine, self._changes).take(snapshot))

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that hold now, the gravest first."""
        return self._alerts.firing

    def take(self, snapshot: Snapshot) -> tuple[Alert, ...]:
        """Judge a snapshot; the alerts that begin or end with it."""
        findings = self._health.take(snapshot)
        health = snapshot.health
        if health.value is not None and health.taken_at is not None and health.taken_at != self._paced_at:
            self._paced_at = health.taken_at
            self._running = self._paces.take(health.taken_at, health.value.progress)
        return self._alerts.take(snapshot, findings)

    def notice(self) -> tuple[Piece, ...]:
        """For the top bar: the alert that holds, else how many findings there are of the gravest kind.

        An alert that can never ring is told beside the findings.
        """
        if self.firing:
            first, *others = self.firing
            more = f" +{len(others)}" if others else ""
            return (
                (f" {glyphs().high} {text.printable(first.rule.name)}{more}  ", _ROLES[first.rule.severity]),
            )
        counts = {
            severity: sum(f.severity is severity for f in self._health.findings) for severity in Severity
        }
        for severity in (Severity.ERROR, Severity.WARNING):
            if counts[severity]:
                found: Piece = (
                    f" {glyphs().high} {numbered(counts[severity], severity)}  ",
                    _ROLES[severity],
                )
                return (found, *self._blind())
        return self._blind()

    def _blind(self) -> tuple[Piece, ...]:
        blind = self._alerts.blind
        if not blind:
            return ()
        near = self._alerts.meant(blind[0])
        said = f" alert {blind[0].name}: no figure {blind[0].metric} here{f', {near}?' if near else ''}  "
        return ((text.printable(said), Role.WARN),)


_ROLES = {Severity.ERROR: Role.BAD, Severity.WARNING: Role.WARN, Severity.INFO: Role.MUTED}
