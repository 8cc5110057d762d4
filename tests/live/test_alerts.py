"""When alerts begin and end, what their file may say, and whom they tell."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbtui import policy
from dbtui.errors import ConfigError
from dbtui.live.alerts import Alert, AlertRule, Alerts, read_alerts
from dbtui.live.notify import notify
from dbtui.model.finding import Finding, Severity
from dbtui.model.snapshot import Link, Section, Snapshot
from dbtui.policy import Feature, Policy
from dbtui.secrets import Secret

BEHIND = AlertRule("behind", "lag", above=30.0, seconds=10.0, severity=Severity.ERROR)


def at(seconds: float, lag: float | None, **more: Any) -> Snapshot:
    return Snapshot(at=seconds, link=Link.LIVE, metrics={"lag": lag}, **more)


def course(rule: AlertRule, *points: tuple[float, float | None]) -> list[tuple[float, bool]]:
    """When it fired or ended."""
    alerts = Alerts([rule], "postgres")
    return [(alert.at, alert.firing) for when, lag in points for alert in alerts.take(at(when, lag))]


def test_it_fires_once_after_its_time_and_ends_once() -> None:
    points = ((0, 10), (5, 40), (10, 50), (15, 60), (20, 60), (25, 5), (30, 5))
    assert course(BEHIND, *points) == [(15, True), (25, False)]


def test_a_break_begins_its_time_anew() -> None:
    assert course(BEHIND, (0, 40), (8, 20), (9, 40), (15, 40), (19, 40)) == [(19, True)]


def test_what_is_not_known_neither_begins_nor_ends_it() -> None:
    assert course(BEHIND, (0, 40), (5, None), (10, 40), (15, None), (20, 1)) == [(10, True), (20, False)]


def test_a_lost_server_says_nothing_of_its_figures() -> None:
    alerts = Alerts([replace(BEHIND, seconds=0.0)], "postgres")
    assert alerts.take(at(0, 99)) and not alerts.take(replace(at(5, 1), link=Link.LOST))
    assert [alert.rule.name for alert in alerts.firing] == ["behind"]


def test_a_clock_that_was_set_back_waits_again() -> None:
    assert course(BEHIND, (1000, 40), (0, 40), (5, 40), (10, 40)) == [(10, True)]


def test_counters_rules_and_limits_below_are_figures_too() -> None:
    rules = [
        AlertRule("slots", "slots_inactive", above=0.0),
        AlertRule("blocked", "any-blocked-sessions", above=0.0),
        AlertRule("cold", "cache", below=0.5),
        AlertRule("other", "lag", above=0.0, engine="mysql"),
        AlertRule("nonsense", "no_such_figure", above=0.0),
    ]
    alerts = Alerts(rules, "postgres")
    finding = Finding("any-blocked-sessions", Severity.ERROR, "2 wait")
    snapshot = Snapshot(
        at=0.0, link=Link.LIVE, metrics={"cache": 0.4, "lag": 5.0}, counters=Section({"slots_inactive": 1.0}, 0.0),
        activity=Section(object(), 0.0),  # type: ignore[arg-type]
    )  # fmt: skip
    assert {alert.rule.name for alert in alerts.take(snapshot, [finding])} == {"slots", "blocked", "cold"}
    assert {alert.rule.name for alert in alerts.take(snapshot, [])} == {"blocked"}


def test_an_alert_that_can_never_ring_is_known() -> None:
    lost = AlertRule("typo", "conections", above=1.0)
    alerts = Alerts([BEHIND, lost], "postgres")
    for second in (0, 10, 20):
        alerts.take(at(second, 1))
        assert alerts.blind == ()
    alerts.take(at(31, 1))
    assert alerts.blind == (lost,)
    assert alerts.meant(lost) == "connections"


@pytest.mark.parametrize(
    ("engine", "metric", "near"),
    [
        ("postgres", "any-blocked-session", "any-blocked-sessions"),
        ("redis", "evictedkeys", "evicted_keys"),  # as only the server tells it
        ("postgres", "lag", ""),  # there is one, but this server has none to tell
        ("postgres", "zzz", ""),
    ],
)
def test_a_name_that_no_figure_has_is_told_the_nearest(engine: str, metric: str, near: str) -> None:
    rule = AlertRule("typo", metric, above=1.0)
    alerts = Alerts([rule], engine)
    alerts.take(at(0, None, counters=Section({"evicted_keys": 1.0}, 0.0)))
    assert alerts.meant(rule) == near


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "alerts.toml"
    assert read_alerts(file) == ()
    file.write_text(
        '[behind]\nmetric = "lag"\nabove = 30\nfor = "1.5m"\nseverity = "error"\nengine = "postgres"\n'
        'notify = ["osc9", "webhook", "command"]\n'
        'webhook = "https://hooks.example.com/T0/secret"\ncommand = ["x", "y"]\n'
    )
    (rule,) = read_alerts(file)
    assert (rule.seconds, rule.severity, rule.command) == (90.0, Severity.ERROR, ("x", "y"))
    assert "secret" not in repr(rule)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('metric = "lag"', "needs one limit"),
        ('metric = "lag"\nabove = 1\nbelow = 2', "needs one limit"),
        ("above = 1", "no metric"),
        ('metric = "lag"\nabove = "1"', "wrong type"),
        ('metric = "lag"\nabove = 1\nfor = "soon"', "length of time"),
        ('metric = "lag"\nabove = 1\nnotify = ["pigeon"]', "pigeon"),
        ('metric = "lag"\nabove = 1\nnotify = ["command"]', "has none"),
        ('metric = "lag"\nabove = 1\nwebhook = "file:///etc/passwd"', "not an http address"),
        ('metric = "lag"\nabove = 1\nseverity = "loud"', "severity"),
        ('metrik = "lag"', "metrik"),
        ('metric = "lag"\nabove = 1\nengine = "postgre"', "engine postgre"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "alerts.toml"
    file.write_text(f"[a]\n{text}\n")
    with pytest.raises(ConfigError, match=words):
        read_alerts(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of rules that nobody else may write."""
    made = tmp_path / "config" / "alerts.toml"
    made.parent.mkdir(mode=0o700)
    made.touch(0o600)
    return made


def fired(**more: Any) -> Alert:
    return Alert(replace(BEHIND, **more), 42.0, 0.0, firing=True)


async def test_a_command_is_told_by_its_environment(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    alert = fired(notify=("command",), command=f"env > '{out}'")
    assert await notify(alert, "prod", file) == []
    told = out.read_text().splitlines()
    assert {"DBTUI_ALERT=behind", "DBTUI_STATE=firing", "DBTUI_SERVER=prod", "DBTUI_VALUE=42"} <= set(told)


async def test_a_command_is_not_run_from_a_file_that_others_may_write(file: Path, tmp_path: Path) -> None:
    file.chmod(0o666)
    witness = tmp_path / "ran"
    (trouble,) = await notify(fired(notify=("command",), command=("touch", str(witness))), "prod", file)
    assert "others may write" in trouble and not witness.exists()


async def test_a_command_that_fails_or_hangs_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dbtui.live.notify.TIMEOUT", 0.2)
    for command, words in (
        ("exit 3", "code 3"),
        (("no-such-program",), "cannot be run"),
        ("sleep 60", "longer"),
    ):
        (trouble,) = await notify(fired(notify=("command",), command=command), "prod", file)
        assert words in trouble


async def test_the_policy_can_forbid_both(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rail = Policy(forbidden=frozenset({Feature.ALERT_COMMAND, Feature.ALERT_WEBHOOK}))
    monkeypatch.setattr(policy, "current", lambda: rail)
    alert = fired(notify=("command", "webhook"), command="true", webhook=Secret("http://127.0.0.1:1/x"))
    assert ["forbidden" in trouble for trouble in await notify(alert, "prod", file)] == [True, True]


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """An HTTP server that takes what is posted; /moved points elsewhere."""
    posted: list[dict[str, str]] = []

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(302 if self.path == "/moved" else 204)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Taker)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    thread.join()
    server.server_close()


async def test_a_webhook_gets_a_document(hook: tuple[str, list[dict[str, str]]], file: Path) -> None:
    address, posted = hook
    assert await notify(fired(notify=("webhook",), webhook=Secret(f"{address}/in?key=s")), "prod", file) == []
    assert posted[0]["text"].startswith("prod: behind fires: lag is 42, above 30 alerts")
    assert (posted[0]["severity"], posted[0]["state"]) == ("error", "firing")


async def test_a_webhook_that_moved_or_is_gone_is_told_without_its_address(
    hook: tuple[str, list[dict[str, str]]], file: Path
) -> None:
    address, posted = hook
    (moved,) = await notify(fired(notify=("webhook",), webhook=Secret(f"{address}/moved")), "prod", file)
    assert "answered 302" in moved and len(posted) == 1
    (gone,) = await notify(
        fired(notify=("webhook",), webhook=Secret("http://127.0.0.1:1/secret")), "prod", file
    )
    assert "cannot be reached" in gone and "secret" not in gone
