"""The files that the README shows are read by the program as they stand there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from dbtui import policy
from dbtui.config import connections_file, load_connections
from dbtui.keymap import check, read_keymap
from dbtui.live.alerts import read_alerts
from dbtui.live.thresholds import read_thresholds
from dbtui.policy import Feature

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def shown(tmp_path: Path) -> dict[str, Path]:
    """The blocks of TOML as files, by the name in their first line; connections.toml has none."""
    blocks = re.findall(r"```toml\n(.*?)```", README.read_text("utf-8"), re.S)
    files = {}
    for block in blocks:
        named = re.match(r"# (\S+\.toml)", block)
        file = tmp_path / Path(named[1] if named else "connections.toml").name
        file.write_text(block)
        file.chmod(0o600)
        files[file.name] = file
    return files


def test_every_file_is_shown_and_read(shown: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (alert,) = read_alerts(shown["alerts.toml"])
    assert alert.engine == "postgres" and alert.seconds == 60
    assert read_thresholds(shown["health.toml"])["any-long-transaction"] == {"off": 1.0}
    keys = read_keymap(shown["keymap.toml"])
    check(keys)
    assert keys["live.cancel"] == "c"
    monkeypatch.setattr(policy, "PATH", shown["policy.toml"])
    monkeypatch.setattr(policy, "OWNER", os.getuid())
    rail = policy.current()
    assert not rail.trouble and rail.read_only and rail.syslog and rail.forbidden == frozenset(Feature)
    connections_file().parent.mkdir(parents=True)
    shown["connections.toml"].rename(connections_file())
    assert load_connections()["prod-orders"].ssh == "bastion"
