"""How large an index would be that nobody has built."""

from __future__ import annotations

from math import ceil

from dbtui.shadow.files import BLOCK

_PAGE = BLOCK - 24 - 16  # header, and what a B-tree page has at its end
_FILL = 0.9  # fillfactor of B-tree leaves
_INNER_FILL = 0.7  # of the pages above them
_POINTER = 4  # line pointer of an item
_HEADER = 8  # of an index tuple
_TID = 6  # bytes of a row's place
_BRIN_RANGE = 128  # blocks


def aligned(width: int) -> int:
    """Bytes as they are laid out, in steps of 8."""
    return -(-width // 8) * 8


def blocks(method: str, rows: float, distinct: float, width: int, table_blocks: int) -> int:
    """Blocks of an index over `rows` rows with `distinct` different keys of `width` bytes.

    B-tree: leaf items of header, aligned key and pointer; equal keys share one item that lists their rows, as
    version 13 and later do (https://www.postgresql.org/docs/18/btree.html#BTREE-DEDUPLICATION). The others are
    rough: one entry for each block range for BRIN, the bytes of the keys for GIN and GiST.
    """
    if method == "brin":
        return 3 + ceil(table_blocks / _BRIN_RANGE * 40 / BLOCK)
    if method == "btree":
        item = _HEADER + aligned(width) + _POINTER
        shared = distinct * item + rows * _TID if distinct * 2 < rows else rows * item
        leaves = ceil(shared / (_PAGE * _FILL))
        return 1 + leaves + ceil(leaves / fan_out(width))
    return 2 + ceil(rows * (_TID + width) / BLOCK)


def fan_out(width: int) -> float:
    """How many pages one inner page of a B-tree points to."""
    return _PAGE * _INNER_FILL / (_HEADER + aligned(width) + _POINTER)


def level(index_blocks: int, width: int) -> int:
    """The levels above the leaves of a B-tree of so many blocks (its first one is no part of the tree)."""
    found, pages = 0, float(index_blocks - 1)
    while pages > 1:
        pages /= fan_out(width)
        found += 1
    return found
