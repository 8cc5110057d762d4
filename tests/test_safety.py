"""The audit line: who, from where, through whom; to a file that nobody else reads, and to syslog when asked."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from dbtui import policy, safety
from dbtui.config import state_folder
from dbtui.safety import audit


@pytest.fixture
def syslog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """Listens where syslog would."""
    path = tmp_path / "log"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(path))
    listener.settimeout(5)
    monkeypatch.setattr(safety, "SYSLOG", str(path))
    return listener


def test_a_line_says_who_did_it_from_where_and_through_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ada")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.7 50022 10.0.0.1 22")
    assert audit("prod", "terminate", "7 app@shop", "stuck", "done", role="dba")
    file = state_folder() / "audit.jsonl"
    line = json.loads(file.read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert line["by"].startswith("ada→") and line["sudo_user"] == "ada"
    assert line["ssh"] == "10.0.0.7 50022 10.0.0.1 22" and line["role"] == "dba"
    assert [line[key] for key in ("connection", "action", "target", "reason", "result")] == [
        "prod", "terminate", "7 app@shop", "stuck", "done",
    ]  # fmt: skip


def test_syslog_hears_it_only_when_asked(syslog: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    assert audit("prod", "cancel", "7", "", "done")
    monkeypatch.setenv("DBTUI_AUDIT_SYSLOG", "1")
    assert audit("prod", "cancel", "8", "\x1b[31m", "done")
    said = syslog.recv(9000).decode()
    assert said.startswith("<85>dbtui[") and '"target": "8"' in said and "\x1b" not in said
    syslog.close()


def test_the_policy_can_ask_for_syslog(syslog: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "current", lambda: policy.Policy(syslog=True))
    assert audit("prod", "cancel", "9", "", "done")
    assert b'"target": "9"' in syslog.recv(9000)
    syslog.close()


def test_a_line_that_could_not_be_written_is_told_and_undoes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(safety, "SYSLOG", str(tmp_path / "nobody"))
    monkeypatch.setenv("DBTUI_AUDIT_SYSLOG", "1")
    assert not audit("prod", "cancel", "7", "", "done")
    assert '"7"' in (state_folder() / "audit.jsonl").read_text()
    monkeypatch.delenv("DBTUI_AUDIT_SYSLOG")
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    assert not audit("prod", "cancel", "7", "", "done")
