"""Relations of the size that they have elsewhere, without their pages: sparse files, and trees without keys.

The planner takes a relation's size from its file, and a B-tree's height from its first page. Files are divided into
segments of 1 GB, `N`, `N.1`, `N.2`, … (https://www.postgresql.org/docs/18/storage-file-layout.html); the pages are
those of https://www.postgresql.org/docs/18/storage-page-layout.html and of PostgreSQL's access/nbtree.h.
"""

from __future__ import annotations

import itertools
import os
import struct
from pathlib import Path

BLOCK = 8192  # bytes
SEGMENT_BLOCKS = (1 << 30) // BLOCK
_BTREE_MAGIC = 0x053162
_META = 24  # where the content of a B-tree's first page begins
_SPECIAL = BLOCK - 16
_LEAF, _ROOT = 1, 2
_WITHOUT_KEY = 8 | 0x2000  # an index tuple of 8 bytes, a pivot with no attributes: minus infinity


def resize(file: Path, blocks: int) -> None:
    """Give a relation's main fork `blocks` blocks. New segments belong to the owner of the first one."""
    owner = file.stat()
    for number in itertools.count():
        part = file if number == 0 else Path(f"{file}.{number}")
        left = blocks - number * SEGMENT_BLOCKS
        if number > 0 and left <= 0:
            if not part.exists():
                return
            part.unlink()
            continue
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(handle, min(left, SEGMENT_BLOCKS) * BLOCK)
            if number > 0:
                os.fchown(handle, owner.st_uid, owner.st_gid)
        finally:
            os.close(handle)


def plant(file: Path, level: int) -> None:
    """Make an empty B-tree one of `level` levels above an empty leaf: as high as a full one, and as valid.

    Nothing may have its pages in memory. A file that is no empty B-tree is left as it is.
    """
    with file.open("r+b") as pages:
        head = pages.read(_META + 24)
        if len(head) < _META + 24 or level <= 0:
            return
        magic, version, root = struct.unpack_from("=3I", head, _META)
        if magic != _BTREE_MAGIC or root != 0:
            return
        pages.seek(_META)
        pages.write(struct.pack("=6I", magic, version, 1, level, 1, level))
        for number in range(1, level + 2):
            pages.seek(number * BLOCK)
            pages.write(_tree_page(number, level + 1 - number, is_root=number == 1))


def _tree_page(number: int, level: int, *, is_root: bool) -> bytes:
    """A page without neighbours, whose one item, if it is no leaf, leads to the next block."""
    items = b"" if level == 0 else struct.pack("=4H", 0, number + 1, 0, _WITHOUT_KEY)
    upper = _SPECIAL - len(items)
    pointers = b"" if level == 0 else struct.pack("=I", upper | 1 << 15 | len(items) << 17)
    head = struct.pack("=QHHHHHHI", 0, 0, 0, 24 + len(pointers), upper, _SPECIAL, BLOCK | 4, 0)
    flags = (_ROOT if is_root else 0) | (_LEAF if level == 0 else 0)
    opaque = struct.pack("=IIIHH", 0, 0, level, flags, 0)
    return (head + pointers).ljust(upper, b"\0") + items + opaque
