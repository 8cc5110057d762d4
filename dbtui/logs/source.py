"""Where the lines of a log come from: a file, a compressed one, standard input, or a file that grows and is rotated."""

from __future__ import annotations

import gzip
import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

LONGEST = 16 << 20  # bytes of a line: what is longer is cut
PAUSE = 0.5  # seconds between two looks at a file that is followed
_GZIP = b"\x1f\x8b"


def lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream, without their ends; bytes that are no UTF-8 are replaced."""
    while line := stream.readline(LONGEST):
        if not line.endswith(b"\n"):
            while (rest := stream.readline(LONGEST)) and not rest.endswith(b"\n"):
                continue  # the rest of a line that is too long
        yield line.rstrip(b"\r\n").decode("utf-8", "replace")


def opened(path: Path) -> BinaryIO:
    """A log file, unpacked when it is gzip. Raises OSError."""
    file = path.open("rb")
    if file.read(2) == _GZIP:
        file.close()
        return cast("BinaryIO", io.BufferedReader(gzip.GzipFile(path)))
    file.seek(0)
    return file


def followed(path: Path, ended: Callable[[], bool], pause: float = PAUSE) -> Iterator[str | None]:
    """The lines of a file that grows, as they come; None while none do. A rotated or emptied file is begun anew.

    Ends when `ended` says so. Raises OSError when the file cannot be opened at first.
    """
    file = path.open("rb")
    held = b""
    try:
        while True:
            data = file.readline(LONGEST)
            if data.endswith(b"\n"):
                yield (held + data)[:LONGEST].rstrip(b"\r\n").decode("utf-8", "replace")
                held = b""
                continue
            held = (held + data)[:LONGEST]
            if data:
                continue
            if ended():
                return
            yield None
            time.sleep(pause)
            if _is_another(path, file):
                file.close()
                file, held = path.open("rb"), b""
    finally:
        file.close()


def _is_another(path: Path, file: BinaryIO) -> bool:
    """Whether the name now leads to another file, or the file has become shorter."""
    try:
        state, own = path.stat(), os.fstat(file.fileno())
    except OSError:
        return False  # between the two steps of a rotation
    return (state.st_ino, state.st_dev) != (own.st_ino, own.st_dev) or own.st_size < file.tell()
