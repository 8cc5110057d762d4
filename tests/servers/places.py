"""Where fetched servers live, and what a run does when one is missing."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest
from platformdirs import user_cache_path


def _default() -> Path:
    # Servers that refuse to run as root must be able to read their programs, and root's home is closed.
    base = Path("/var/cache/dbtui") if os.geteuid() == 0 else user_cache_path("dbtui")
    return base / "servers"


SERVERS = Path(os.environ.get("DBTUI_TEST_SERVERS") or _default()).resolve()
REQUIRED = frozenset(os.environ.get("DBTUI_REQUIRE_SERVERS", "").replace(",", " ").split())


def missing(engine: str, what: str) -> NoReturn:
    """Skip the test with one line, or fail it where `DBTUI_REQUIRE_SERVERS` names the engine."""
    if engine in REQUIRED:
        pytest.fail(f"{what} (required by DBTUI_REQUIRE_SERVERS)", pytrace=False)
    pytest.skip(what)


@cache
def unprivileged() -> pwd.struct_passwd | None:
    """The existing user that servers run as when the tests run as root; None when they do not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError(
        "running as root, and there is neither a user 'postgres' nor 'nobody' to run servers as"
    )


def as_unprivileged() -> dict[str, object]:
    """Arguments for `subprocess` that make a child run as the unprivileged user."""
    user = unprivileged()
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def private_folder(name: str) -> Path:
    """A new folder of mode 0700 of the servers' user. Its path is short: sockets have a limit."""
    _remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=f"dbtui-test-{os.getpid()}-{name}-"))
    user = unprivileged()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


@cache
def _remove_abandoned() -> None:
    """Folders of runs that were killed; their servers died with them."""
    for folder in Path(tempfile.gettempdir()).glob("dbtui-test-*"):
        owner = folder.name.split("-")[2]
        if owner.isdigit() and not Path("/proc", owner).exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


def reachable(folder: Path, name: str) -> Path:
    """The folder itself, or a copy of it in the cache when the servers' user may not read it where it is."""
    if unprivileged() is None or _may_read(folder):
        return folder
    copy = SERVERS / name
    if not copy.exists():
        SERVERS.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=SERVERS))
        shutil.copytree(folder, partial, symlinks=True, dirs_exist_ok=True)
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another worker was first
            shutil.rmtree(partial)
    return copy


def _may_read(folder: Path) -> bool:
    return (
        subprocess.run(["/bin/ls", folder], capture_output=True, cwd="/", **as_unprivileged()).returncode == 0
    )
