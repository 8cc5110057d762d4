"""Keeps what the sampler sees: the last half hour in memory, and all of it in a file where that is asked for."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from dbtui.errors import UsageError
from dbtui.live.frames import Encoder
from dbtui.live.masking import Masked, masker
from dbtui.live.tape import CAPACITY, SPAN, Header, Member, Tape, packed
from dbtui.model.snapshot import Snapshot

KEEP = 7 * 86_400.0  # seconds until a history expires
KEEP_RECORDING = 30 * 86_400.0


class RecordingFile:
    """A recording that grows: each member is on its way to the disk before the next is made.

    A disk that is full loses the members that come until there is room again, and no others; `lost` counts them.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Raises UsageError where a file is there already, OSError where none can be made."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._handle = os.open(path, flags, 0o600)
        except FileExistsError as error:
            raise UsageError(
                f"{path} is there already", "name another file: recordings are not overwritten"
            ) from error
        self.path = path
        self.size = 0
        self.lost = 0
        self.trouble = ""
        self._write(header.member())

    def add(self, member: Member) -> bool:
        """Append a member. False when there is no room: what was written of it is taken back.

        Only a member that stands alone may follow on one that was lost.
        """
        try:
            self._write(member.data)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            self.lost += 1
            self.trouble = f"{self.path.name}: {os.strerror(error.errno)}, {self.lost} samples lost"
            os.ftruncate(self._handle, self.size)
            return False
        self.trouble = ""
        return True

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        self.size += len(data)

    def close(self) -> None:
        """End it."""
        os.close(self._handle)


class Recorder:
    """Takes snapshots, and keeps the last half hour of them under a fixed number of bytes."""

    def __init__(self, header: Header, *, span: float | None = SPAN, cap: int | None = CAPACITY) -> None:
        self.tape = Tape(header, cap, span)
        self.file: RecordingFile | None = None
        self._encoder = Encoder(Masked(None if header.literals else masker(header.engine)))
        self._group = 0  # bytes since the last line that stands alone

    def take(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, where anything of it is new. Raises OSError where a file fails for good."""
        if snapshot.server is None and snapshot.activity.value is None:
            return
        made = self._encoder.line(snapshot)
        if made is None:
            return
        line, whole = made
        member = Member(snapshot.at, whole, packed(line))
        self.tape.add(member)
        self._group = len(member.data) if whole else self._group + len(member.data)
        if self.tape.cap is not None and self._group > self.tape.cap // 8:
            self._encoder.begin_anew()  # only whole groups can be dropped
        if self.file is not None and not self.file.add(member):
            self._encoder.begin_anew()
