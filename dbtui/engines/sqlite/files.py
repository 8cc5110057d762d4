"""What the files of a database say without a question to SQLite: sizes, and the counters in their headers.

Layout: https://sqlite.org/fileformat2.html#the_database_header and https://sqlite.org/walformat.html. The bytes
are read through the descriptors that SQLite itself has open here: opening and closing the file a second time
would drop the locks of this process (https://sqlite.org/howtocorrupt.html, 2.2).
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from dbtui.engines.sqlite.place import Identity, Place, identity_of, size_of

_HEADER = 48  # bytes of a WAL index header, which is there twice
_INDEX = 2 * _HEADER + 24


@dataclass(frozen=True, slots=True)
class WalIndex:
    """The WAL as its readers see it, in frames of one page."""

    changes: int  # grows by one with each transaction
    frames: int
    checkpointed: int
    marks: tuple[int, ...]  # the frame up to which each of the five read marks reads


@dataclass(frozen=True, slots=True)
class Header:
    """What the first page says without a lock. In WAL mode newer figures may stand in the WAL."""

    page_size: int
    changes: int  # grows by one with each transaction outside WAL mode
    pages: int | None  # None where an old SQLite wrote last
    free_pages: int
    in_wal: bool


@dataclass(frozen=True, slots=True)
class Files:
    """Bytes of each file, None for one that is not there."""

    size: int | None
    wal: int | None
    shm: int | None


def sizes(place: Place) -> Files:
    return Files(size_of(place.path), size_of(place.wal), size_of(place.shm))


def header(identity: Identity) -> Header | None:
    """The header of the file; None when it is not open here, or is empty."""
    data = _read(identity, 100, 0)
    return None if data is None else parse_header(data)


def parse_header(data: bytes) -> Header | None:
    """The header in the first 100 bytes of a database."""
    if len(data) < 100 or not data.startswith(b"SQLite format 3\0"):
        return None
    size, _, read_version = struct.unpack_from(">HBB", data, 16)
    changes, pages, _, free = struct.unpack_from(">4I", data, 24)
    (valid_for,) = struct.unpack_from(">I", data, 92)
    return Header(
        65536 if size == 1 else size,
        changes,
        pages if valid_for == changes else None,
        free,
        read_version == 2,
    )


def wal_index(place: Place) -> WalIndex | None:
    """The header of the WAL index; None outside WAL mode, or while a writer is changing it."""
    identity = identity_of(place.shm)
    data = _read(identity, _INDEX, 0) if identity is not None else None
    return None if data is None else parse_index(data)


def parse_index(data: bytes) -> WalIndex | None:
    """The WAL index in the first bytes of a `-shm` file."""
    if len(data) < _INDEX or data[:_HEADER] != data[_HEADER : 2 * _HEADER] or not data[12]:
        return None
    (changes,) = struct.unpack_from("=I", data, 8)
    (frames,) = struct.unpack_from("=I", data, 16)
    checkpointed, *marks = struct.unpack_from("=6I", data, 2 * _HEADER)
    return WalIndex(changes, frames, checkpointed, tuple(marks))


def _read(identity: Identity, count: int, offset: int) -> bytes | None:
    """Bytes of a file that is open in this process."""
    try:
        descriptors = [int(one.name) for one in Path("/dev/fd").iterdir()]
    except OSError:
        return None
    for descriptor in descriptors:
        try:
            if _is(descriptor, identity):
                data = os.pread(descriptor, count, offset)
                if _is(descriptor, identity):  # still: another thread may have closed it
                    return data
        except OSError:
            continue
    return None


def _is(descriptor: int, identity: Identity) -> bool:
    found = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == identity
