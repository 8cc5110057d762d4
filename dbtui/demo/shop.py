"""The shop's rows: loaded once by psql, then copied from a template in the user's cache folder.

A template is a data folder of a server that was shut down. Its name holds the server's version, the
seed's own text, the scale and the week, so that a change of any makes a new one; old ones are removed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from platformdirs import user_cache_path

from dbtui.engines.postgres.embedded import EmbeddedServer

DATABASE = "shop"
_SCRIPTS = sorted((Path(__file__).parent / "sql").glob("*.sql"))
_LOADING = {  # safe here: what goes wrong is thrown away and loaded again
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_recycle": "off",
    "max_wal_size": "4GB",
    "autovacuum": "off",
    "shared_preload_libraries": "",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "log_min_duration_statement": "-1",
    "log_statement": "none",
}


@dataclass(frozen=True, slots=True)
class Seed:
    """How much there is, and the day after the last order. The same seed gives the same rows."""

    scale: float = 1.0  # 1 is about 665,000 rows
    anchor: date = date(2026, 1, 5)  # a Monday

    def rows(self) -> int:
        """About how many rows it loads."""
        return round(665 * self.scale) * 1000


def prepare(server: EmbeddedServer, seed: Seed, *, fresh: bool, progress: Callable[[str], None]) -> None:
    """Fill the data folder of a server that is not running. Raises ConnectError, QueryError."""
    name = _template_name(server.version, seed)
    if not fresh and _copy_from_cache(name, server):
        progress("copied the shop from the cache")
        return
    progress(f"making a shop of about {seed.rows():,} rows; the next start finds it in the cache")
    load(server, seed)
    if not _copy_to_cache(name, server.data):
        progress("the cache folder cannot be written: the next start makes the shop again")


def load(server: EmbeddedServer, seed: Seed) -> None:
    """Make the cluster, run the seed's scripts in it, and shut it down. Raises ConnectError, QueryError."""
    server.initdb()
    server.start(_LOADING)
    try:
        variables = {"scale": seed.scale, "anchor": seed.anchor.isoformat()}
        for script in _SCRIPTS:
            server.psql(script, "postgres" if script is _SCRIPTS[0] else DATABASE, variables)
    except BaseException:
        server.stop()
        raise
    server.stop(clean=True)


def _template_name(version: str, seed: Seed) -> str:
    digest = hashlib.sha256("\0".join((version, platform.machine(), repr(_LOADING))).encode())
    for script in _SCRIPTS:
        digest.update(script.read_bytes())
    return f"{digest.hexdigest()[:12]}-{seed.anchor.isoformat()}-{seed.scale:g}"


def _cache() -> Path:
    return user_cache_path("dbtui") / "demo"


@contextlib.contextmanager
def _locked(kind: int) -> Iterator[Path]:
    """The cache folder, with a lock on it: shared to copy from it, exclusive to change it. Raises OSError."""
    cache = _cache()
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    cache.chmod(0o700)
    handle = os.open(cache, os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, kind)
        yield cache
    finally:
        os.close(handle)


def _copy_from_cache(name: str, server: EmbeddedServer) -> bool:
    try:
        with _locked(fcntl.LOCK_SH) as cache:
            if not (cache / name).exists():
                return False
            server.adopt(cache / name)
    except OSError:  # shutil.Error is one too: half a template is no template
        shutil.rmtree(server.data, ignore_errors=True)
        return False
    return True


def _copy_to_cache(name: str, data: Path) -> bool:
    partial = None
    try:
        with _locked(fcntl.LOCK_SH) as cache:
            partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=cache))
            shutil.copytree(data, partial, dirs_exist_ok=True, copy_function=shutil.copyfile)
        with _locked(fcntl.LOCK_EX) as cache:
            week = name.rsplit("-", 1)[0]
            for old in cache.iterdir():
                if old.name == name or not (old == partial or old.name.startswith(week)):
                    shutil.rmtree(old, ignore_errors=True)
            partial.rename(cache / name)
    except OSError:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
        return False
    return True


def forget(server: EmbeddedServer, seed: Seed) -> None:
    """Remove a template from the cache, since a server did not start on its copy."""
    with contextlib.suppress(OSError), _locked(fcntl.LOCK_EX) as cache:
        shutil.rmtree(cache / _template_name(server.version, seed), ignore_errors=True)
