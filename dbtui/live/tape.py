"""What a server did, moment after moment, compressed: in memory under a cap, or read from a file.

A tape is a row of gzip members, one for each line of `live.frames`. In memory they are the very bytes of a
recording, so that a history is saved by writing them down.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dbtui.errors import InputError
from dbtui.live import frames
from dbtui.live.plain import freeze, thaw
from dbtui.model.snapshot import Metric, Snapshot

FORMAT, VERSION = "dbtui-recording", 1
SPAN, CAPACITY = 1800.0, 32 << 20  # seconds and bytes of a history in memory
MOST_LINE = 64 << 20  # bytes of one line that is read
MOST_FILE = 512 << 20  # bytes of a recording that is read
MOST_MEMBERS = 2_000_000
MOST_DAMAGE = 100  # parts that are left out until a file counts as no recording
_CHUNK = 1 << 16
_MAGIC = b"\x1f\x8b\x08"
_AT = re.compile(rb'\{"at":\s*(-?[\d.eE+]+),\s*"whole":\s*(true|false)')


@dataclass(frozen=True, slots=True)
class Header:
    """What a recording says of itself. Times are epoch seconds; `metrics` are those that its engine draws."""

    engine: str
    server: str  # the name of the connection
    started: float
    version: int = VERSION
    needs: int = VERSION  # the oldest reader that understands it
    environment: str = "production"
    literals: bool = False  # whether statements kept theirs
    expires: float | None = None
    metrics: tuple[Metric, ...] = ()
    format: str = FORMAT

    def member(self) -> bytes:
        """The first member of a recording."""
        said = {"format": FORMAT, "version": VERSION, **freeze(self)}
        return packed(json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"))


def header_of(line: bytes) -> Header:
    """Raises InputError for what begins no recording, or one that only newer versions read."""
    said = frames.parsed(line)
    if said.get("format") != FORMAT:
        raise InputError("this is not a recording", "dbtui record URL -o FILE makes one")
    header = thaw(Header, said)
    if header.needs > VERSION:
        raise InputError(f"this recording needs a newer dbtui (its form is {header.version})", "update dbtui")
    return header


def packed(line: bytes) -> bytes:
    """One member."""
    return gzip.compress(line + b"\n", 3, mtime=0)


@dataclass(frozen=True, slots=True)
class Member:
    """One line: when it was taken, whether it stands alone, and its bytes as they lie in a file."""

    at: float
    whole: bool
    data: bytes


@dataclass(slots=True)
class Tape:
    """Members in the order of their time. `cap` in bytes and `span` in seconds drop the oldest; None keeps all."""

    header: Header
    cap: int | None = None
    span: float | None = None
    note: str = ""  # what a reader should know: a torn end, damaged parts
    size: int = 0
    _members: list[Member] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _state: tuple[int, Mapping[str, Any]] | None = None  # the line that was read last, and what held then

    def __len__(self) -> int:
        return len(self._members)

    @property
    def times(self) -> Sequence[float]:
        """The time of each line."""
        return self._times

    @property
    def members(self) -> Sequence[Member]:
        return self._members

    def add(self, member: Member) -> None:
        """Append a line. One that is older than the last (the clock was set back) is given the last one's time."""
        at = max(member.at, self._times[-1]) if self._times else member.at
        self._members.append(member)
        self._times.append(at)
        self.size += len(member.data)
        while (gone := self._superfluous()) > 0:
            self.size -= sum(len(one.data) for one in self._members[:gone])
            del self._members[:gone], self._times[:gone]
            self._state = None

    def _superfluous(self) -> int:
        """How many of the first lines go: up to the next one that stands alone, when they are too old or too much."""
        too_much = self.cap is not None and self.size > self.cap
        too_old = self.span is not None and self._times[0] < self._times[-1] - self.span
        if not too_much and not too_old:
            return 0
        follows = (n for n in range(1, len(self._members)) if self._members[n].whole)
        gone = next(follows, 0)
        if (
            gone
            and not too_much
            and self.span is not None
            and self._times[gone] > self._times[-1] - self.span
        ):
            return 0  # what lies before would be missed
        return gone

    def index_at(self, at: float) -> int:
        """The last line not after a time; the first one where there is none."""
        return max(0, bisect_right(self._times, at) - 1)

    def before(self, at: float) -> int | None:
        """The last line before a time."""
        index = bisect_left(self._times, at) - 1
        return index if index >= 0 else None

    def after(self, at: float) -> int | None:
        """The first line after a time."""
        index = bisect_right(self._times, at)
        return index if index < len(self._times) else None

    def state(self, index: int) -> Mapping[str, Any]:
        """What held after a line, merged from the last one that stands alone. Raises InputError."""
        start, state = index, {}
        if self._state is not None and self._state[0] <= index:
            start, state = self._state[0], dict(self._state[1])
        known = start if state else None
        while start > 0 and start != known and not self._members[start].whole:
            start -= 1
        for number in range(start if known is None or start != known else start + 1, index + 1):
            state = frames.merged(state, frames.parsed(unpacked(self._members[number].data)))
        self._state = (index, state)
        return state

    def snapshot(self, index: int) -> Snapshot:
        """The snapshot of a line. Raises InputError."""
        return frames.snapshot_of(self.state(index))

    def metrics(self, first: int, last: int) -> Iterator[tuple[float, Mapping[str, float | None]]]:
        """The figures of the lines from `first` to `last`, without making snapshots of them."""
        known: Mapping[str, float | None] = {}
        load: Mapping[str, float | None] = {}
        for number in range(first, last + 1):
            frame = frames.parsed(unpacked(self._members[number].data))
            known = _figures(frame.get("metrics"), known)
            load = _figures(frame.get("load"), load, "load:")
            yield self._times[number], {**known, **load}


def _figures(said: object, known: Mapping[str, float | None], prefix: str = "") -> Mapping[str, float | None]:
    """The numbers of an object, else those that are known."""
    if not isinstance(said, dict):
        return known
    return {f"{prefix}{k}": v for k, v in said.items() if v is None or isinstance(v, int | float)}


def unpacked(data: bytes) -> bytes:
    """The line of a member. Raises InputError."""
    reader = zlib.decompressobj(31)
    try:
        line = reader.decompress(data, MOST_LINE + 1)
    except zlib.error as error:
        raise InputError("a part of the recording is damaged") from error
    if len(line) > MOST_LINE:
        raise InputError(f"a line of the recording is longer than {MOST_LINE >> 20} MB")
    return line


# ---- files


def read(path: Path) -> Tape:
    """A recording, also one that is still being written. Raises InputError; an unreadable file an OSError.

    A torn last member is dropped, and a damaged one skipped with what leans on it.
    """
    with path.open("rb") as file:
        if path.stat().st_size > MOST_FILE:
            raise InputError(f"{path.name} is larger than {MOST_FILE >> 20} MB")
        return _read(file, path.name)


def _read(file: IO[bytes], name: str) -> Tape:
    pieces = _pieces(file)
    first = next(pieces, None)
    if first is None or first[1] is None:
        raise InputError(f"{name} is no recording", "dbtui record URL -o FILE makes one")
    tape = Tape(header_of(first[1]))
    damaged, torn, usable = 0, False, False
    for data, line in pieces:
        if line is None:
            usable, torn = False, data == b""
            damaged += data != b""
            if damaged > MOST_DAMAGE:
                raise InputError(f"{name} is damaged in more than {MOST_DAMAGE} places")
            continue
        at, whole = _key(line)
        if not (whole or usable):
            damaged += 1
            continue
        usable = True
        tape.add(Member(at, whole, data))
        if len(tape) > MOST_MEMBERS:
            raise InputError(f"{name} has more than {MOST_MEMBERS:,} lines")
    if not len(tape):
        raise InputError(f"{name} holds no sample", "it was ended before the first one")
    notes = ["its end is torn: the last interval is missing"] if torn else []
    if damaged:
        notes.append(f"{damaged} damaged parts were left out")
    if tape.header.version > VERSION:
        notes.append("a newer dbtui wrote it: what this one does not know is left out")
    tape.note = " · ".join(notes)
    return tape


def _key(line: bytes) -> tuple[float, bool]:
    """When a line was taken, and whether it stands alone. Raises InputError."""
    if found := _AT.match(line):
        try:
            return float(found[1]), found[2] == b"true"
        except ValueError as error:
            raise InputError("a line of the recording has no time") from error
    frame = frames.parsed(line)
    at = frame.get("at")
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise InputError("a line of the recording has no time")
    return float(at), frame.get("whole") is True


def _pieces(file: IO[bytes]) -> Iterator[tuple[bytes, bytes | None]]:
    """Each member with its line. A damaged one has no line; of a torn end neither bytes nor line are given."""
    rest = b""
    while rest := rest or file.read(_CHUNK):
        data, line, rest = _piece(file, rest)
        yield data, line
        if line is None and not rest and not data:
            return


def _piece(file: IO[bytes], rest: bytes) -> tuple[bytes, bytes | None, bytes]:
    """The member that `rest` begins: its bytes, its line, and what follows of what was read."""
    reader = zlib.decompressobj(31)
    data, line = bytearray(), bytearray()
    while not reader.eof:
        chunk = rest or file.read(_CHUNK)
        if not chunk:
            return b"", None, b""
        data += chunk
        try:
            line += reader.decompress(chunk, MOST_LINE + 1 - len(line))
        except zlib.error:
            return _skip(file, bytes(data))
        if len(line) > MOST_LINE:
            raise InputError(f"a line of the recording is longer than {MOST_LINE >> 20} MB")
        rest = b""
    left = reader.unused_data
    return bytes(data[: len(data) - len(left)]), bytes(line), left


def _skip(file: IO[bytes], data: bytes) -> tuple[bytes, bytes | None, bytes]:
    """Go on where the next member seems to begin, behind a damaged one."""
    at = data.find(_MAGIC, 1)
    while at < 0:
        chunk = file.read(_CHUNK)
        if not chunk:
            return data[-1:] or b"?", None, b""
        data = data[-2:] + chunk
        at = data.find(_MAGIC)
    return data[:1], None, data[at:]
