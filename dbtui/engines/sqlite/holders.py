"""Which processes of this machine hold a database file, and with which locks: what the kernel says of it.

SQLite locks ranges of bytes: of the file itself beyond its first GB (https://sqlite.org/lockingv3.html), of the
`-shm` file in WAL mode from byte 120 on (https://sqlite.org/walformat.html). Everybody may read /proc/locks;
who merely has the file open is known of one's own processes, and to root of all.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dbtui.engines.sqlite.place import Identity, Place, identity_of

VISIBLE = Path("/proc/locks").exists()

_PENDING, _RESERVED, _SHARED = 0x40000000, 0x40000001, 0x40000002
_WRITE, _CHECKPOINT, _RECOVER, _FIRST_READ, _LAST_READ = 120, 121, 122, 123, 127
DELETED = "holds the replaced file"
IDLE = "idle"
WRITING = frozenset({"reserved", "pending", "exclusive", "writing", "recovering"})
READING = frozenset({"shared", "reading"})


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock as the kernel lists it. `shm` tells of which file; `end` is inclusive, None for the end of file."""

    pid: int
    shm: bool
    write: bool
    start: int
    end: int | None

    def covers(self, byte: int) -> bool:
        return self.start <= byte and (self.end is None or byte <= self.end)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that holds the file. `started` is its start in clock ticks since boot."""

    pid: int
    started: str
    user: str
    command: str
    state: str
    marks: tuple[int, ...] = ()  # of WAL read locks, 0 to 4


@dataclass(frozen=True, slots=True)
class Seen:
    """The holders, and the number of processes of other users that could not be looked into."""

    processes: tuple[Process, ...]
    unseen: int


def locks_of(text: str, main: Identity | None, shm: Identity | None) -> tuple[Lock, ...]:
    """The locks on the two files in a text of /proc/locks."""
    found = []
    for line in text.splitlines():
        parts = line.split()
        if (
            len(parts) != 8 or parts[1] != "POSIX"
        ):  # a waiting one has "->" in second place, and holds nothing
            continue
        _, _, _, kind, pid, place, start, end = parts
        identity = _identity(place)
        if identity is None or identity not in (main, shm):
            continue
        last = None if end == "EOF" else int(end)
        found.append(Lock(int(pid), identity == shm, kind == "WRITE", int(start), last))
    return tuple(found)


def _identity(place: str) -> Identity | None:
    try:
        major, minor, inode = place.split(":")
        return os.makedev(int(major, 16), int(minor, 16)), int(inode)
    except ValueError:
        return None


def state_of(locks: Iterable[Lock]) -> tuple[str, tuple[int, ...]]:
    """What a process does, by the strongest of its locks, in SQLite's own words; and its WAL read marks."""
    mine = tuple(locks)
    shm = [lock for lock in mine if lock.shm]
    marks = tuple(
        byte - _FIRST_READ
        for byte in range(_FIRST_READ, _LAST_READ + 1)
        if any(lock.covers(byte) for lock in shm)
    )
    for byte, state in ((_RECOVER, "recovering"), (_WRITE, "writing"), (_CHECKPOINT, "checkpointing")):
        if any(lock.write and lock.covers(byte) for lock in shm):
            return state, marks
    main = [lock for lock in mine if not lock.shm]
    if any(lock.write and lock.covers(_SHARED) for lock in main):
        return "exclusive", marks
    for byte, state in ((_PENDING, "pending"), (_RESERVED, "reserved")):
        if any(lock.write and lock.covers(byte) for lock in main):
            return state, marks
    if shm:  # in WAL mode every connection keeps a shared lock on the file itself
        return ("reading" if marks else IDLE), marks
    return ("shared" if any(lock.covers(_SHARED) for lock in main) else IDLE), marks


def locks_on(place: Place) -> tuple[Lock, ...]:
    """The locks on a database now, those of this process too; none where the kernel does not tell."""
    try:
        text = Path("/proc/locks").read_text("ascii", "replace")
    except OSError:
        return ()
    return locks_of(text, identity_of(place.path), identity_of(place.shm))


def look(place: Place, opened: Mapping[int, str], unseen: int) -> Seen:
    """The holders now: who has locks, and who was seen to have the file open (see `openers`)."""
    own = os.getpid()
    by_process: dict[int, list[Lock]] = {pid: [] for pid in opened}
    for lock in locks_on(place):
        by_process.setdefault(lock.pid, []).append(lock)
    found = []
    for pid, locks in sorted(by_process.items()):
        if pid == own:
            continue
        state, marks = state_of(locks)
        process = _process(pid, opened.get(pid, "") or state, marks)
        if process is not None:
            found.append(process)
    return Seen(tuple(found), unseen)


def openers(place: Place) -> tuple[dict[int, str], int]:
    """Processes that have the file open, each with DELETED or ""; and how many could not be looked into."""
    names = {Path(name).name for name in (place.path, place.wal, place.shm)}
    identity = identity_of(place.path)
    found: dict[int, str] = {}
    unseen = 0
    for pid in _pids():
        try:
            descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
        except PermissionError:
            unseen += _is_program(pid)
            continue
        except OSError:
            continue
        for descriptor in descriptors:
            note = _opened(descriptor, place, names, identity)
            if note is not None:
                found[pid] = found.get(pid, note) and note
    return found, unseen


def _pids() -> list[int]:
    try:
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()]
    except OSError:
        return []


def _opened(link: Path, place: Place, names: set[str], identity: Identity | None) -> str | None:
    """Whether a descriptor is the database: "" for yes, DELETED for a file that was there before, else None."""
    try:
        target = str(link.readlink())
    except OSError:
        return None
    if target == f"{place.path} (deleted)":
        return DELETED
    if Path(target).name not in names:  # only then is the file asked: another one may hang
        return None
    if target in (place.path, place.wal, place.shm) or identity_of(str(link)) == identity:
        return ""
    return None


def _is_program(pid: int) -> bool:
    """Whether it is no thread of the kernel."""
    fields = _fields(pid)
    return fields is not None and pid != 2 and fields[1] != "2"


def _fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat behind the name: state, parent, …"""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None


def _process(pid: int, state: str, marks: tuple[int, ...]) -> Process | None:
    fields = _fields(pid)
    if fields is None:
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ")
        owner = Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:
        user = str(owner)
    return Process(pid, fields[19], user, command.decode("utf-8", "replace"), state, marks)


def blame(place: Place) -> str:
    """Who is in the way, as the end of a sentence; "" where it cannot be told."""
    opened = {lock.pid: "" for lock in locks_on(place)}
    writers = [one for one in look(place, opened, 0).processes if one.state in WRITING]
    others = writers or [one for one in look(place, opened, 0).processes if one.state in READING]
    if not others:
        return ""
    who = ", ".join(f"{one.pid} ({_program(one.command)}, {one.state})" for one in others[:3])
    return f" by process {who}"


def _program(command: str) -> str:
    return command.partition(" ")[0].rpartition("/")[2]
