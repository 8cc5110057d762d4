from __future__ import annotations

import asyncio
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from dbtui import secrets
from dbtui.errors import ConfigError, ConnectError
from dbtui.secrets import Secret, forget, from_command, from_keyring, recall, store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "config"
    folder.mkdir(mode=0o700)
    made = folder / "connections.toml"
    made.touch(0o600)
    return made


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {secret:>20} {[secret]} {secret.__reduce_ex__}"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    assert secret.reveal() == "hunter2"


async def test_a_command_runs_each_time(file: Path, tmp_path: Path) -> None:
    count = tmp_path / "count"
    source = from_command(f"echo x >> '{count}'; wc -l < '{count}'; echo second line", file, "shop")
    assert [await source(), await source()] == [Secret("1"), Secret("2")]


async def test_a_command_as_a_list_needs_no_shell(file: Path) -> None:
    assert await from_command(("printf", "%s", "$HOME; x"), file, "shop")() == Secret("$HOME; x")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo hunter2 >&2; exit 3", "code 3"),
        ("true", "printed nothing"),
        (("no-such-program-here", "hunter2"), "cannot be run"),
    ],
)
async def test_a_command_that_fails_says_so_without_what_it_said(
    command: str | tuple[str, ...], words: str, file: Path
) -> None:
    with pytest.raises(ConnectError, match=words) as refusal:
        await from_command(command, file, "shop")()
    assert "hunter2" not in str(refusal.value)


async def test_a_command_that_hangs_is_ended_with_its_children(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_TIMEOUT", 0.3)
    pid = tmp_path / "pid"
    with pytest.raises(ConnectError, match="took longer"):
        await from_command(f"sleep 60 & echo $! > '{pid}'; wait", file, "shop")()
    state = Path(f"/proc/{int(pid.read_text())}/stat")
    async with asyncio.timeout(5):
        while state.exists() and " Z " not in state.read_text():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("of_file", "of_folder"), [(0o620, 0o700), (0o602, 0o700), (0o600, 0o770), (0o600, 0o707)]
)
async def test_no_command_runs_from_a_file_that_others_may_write(
    of_file: int, of_folder: int, file: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    source = from_command(f"touch '{ran}'; echo x", file, "shop")
    file.chmod(of_file)
    file.parent.chmod(of_folder)
    with pytest.raises(ConfigError, match="others may write"):
        await source()
    assert not ran.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
async def test_no_command_runs_from_somebody_elses_file(file: Path) -> None:
    os.chown(file, 65534, -1)
    with pytest.raises(ConfigError, match="somebody else"):
        await from_command("echo x", file, "shop")()


class Memory(dict[tuple[str, str], str]):
    """A keyring backend's functions over a dictionary."""

    def get_password(self, service: str, name: str) -> str | None:
        return self.get((service, name))

    def set_password(self, service: str, name: str, value: str) -> None:
        self[service, name] = value

    def delete_password(self, service: str, name: str) -> None:
        del self[service, name]


async def test_the_keyring_holds_one_password_per_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    monkeypatch.setitem(secrets.sys.modules, "keyring", memory)  # type: ignore[arg-type]
    store("shop", Secret("a"))
    store("other", Secret("b"))
    assert await from_keyring("shop")() == Secret("a")
    forget("shop")
    assert recall("shop") is None
    assert list(memory) == [("dbtui", "other")]


async def test_a_keyring_that_crashes_or_is_missing_is_not_fatal(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: str) -> str:
        raise RuntimeError("D-Bus says hunter2")

    broken = SimpleNamespace(get_password=crash, set_password=crash, delete_password=crash)
    monkeypatch.setitem(secrets.sys.modules, "keyring", broken)  # type: ignore[arg-type]
    assert await from_keyring("shop")() is None
    forget("shop")
    with pytest.raises(ConfigError) as refusal:
        store("shop", Secret("x"))
    assert "hunter2" not in str(refusal.value)
    monkeypatch.setitem(secrets.sys.modules, "keyring", None)  # type: ignore[arg-type]
    assert recall("shop") is None
    with pytest.raises(ConfigError, match="no keyring package"):
        store("shop", Secret("x"))


async def test_a_keyring_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(secrets, "_KEYRING_TIMEOUT", 0.1)
    slow = SimpleNamespace(get_password=lambda *_: release.wait(10) and None)
    monkeypatch.setitem(secrets.sys.modules, "keyring", slow)  # type: ignore[arg-type]
    assert await from_keyring("shop")() is None
    release.set()
