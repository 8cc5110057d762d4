"""Clusters of PostgreSQL, whose programs are given: made once as an archive, unpacked for each server, and started."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.servers.places import SERVERS, as_unprivileged, private_folder
from tests.servers.process import Process, ServerFailed


def archive(name: str, recipe: object, make: Callable[[Path], None]) -> Path:
    """An archive of the folder `data` that `make` makes in a folder: unpacking takes a tenth of the time of initdb.

    `recipe` is all that it is made of: another one has another archive.
    """
    made_by = hashlib.sha256(repr(recipe).encode()).hexdigest()[:8]
    file = SERVERS / "templates" / f"{name}-{made_by}.tar"
    if file.exists():
        return file
    work = private_folder("initdb")
    try:
        make(work)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        subprocess.run(["tar", "-cf", partial, "-C", work, "--owner=0", "--group=0", "data"], check=True)
        partial.rename(file)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return file


def unpack(file: Path, folder: Path) -> None:
    """The cluster of an archive as `data` in a folder of the servers' user."""
    with file.open("rb") as packed:
        subprocess.run(["tar", "-xf", "-"], stdin=packed, cwd=folder, check=True, **as_unprivileged())


def configure(folder: Path, settings: Mapping[str, str]) -> None:
    """Add settings to a cluster's configuration."""
    with (folder / "data/postgresql.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())


def run(argv: Sequence[str | Path], folder: Path) -> None:
    """Run a program as the servers' user. Raises ServerFailed with what it said."""
    done = subprocess.run(
        [str(a) for a in argv], cwd=folder, capture_output=True, text=True, **as_unprivileged()
    )
    if done.returncode:
        raise ServerFailed(f"{Path(argv[0]).name} failed:\n{done.stderr[-2000:]}")


def start(programs: Path, folder: Path, port: int) -> Process:
    """Start the cluster of a folder, on a socket in it and on `port`; it ends at once: its data is thrown away."""
    return Process(
        [programs / "postgres", "-D", folder / "data", "-k", folder, "-p", str(port)],
        log=folder / "log",
        cwd=folder,
        quit_signal=signal.SIGQUIT,
    )


def is_ready(folder: Path) -> bool:
    """Whether the server of a folder takes connections."""
    with contextlib.suppress(OSError):
        lines = (folder / "data/postmaster.pid").read_text().splitlines()
        return len(lines) >= 8 and lines[7].strip() == "ready"
    return False
