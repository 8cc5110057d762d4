"""How much room is left where a server keeps its files, when that is a disk of this machine."""

from __future__ import annotations

import os


def free_bytes(address: str, *folders: str, tunnelled: bool) -> int | None:
    """Bytes that are left, of the first of these folders that can be looked at; None for a server over a network.

    A socket's address is its path, here or at the other end of a tunnel. The folder itself is closed to others, but
    not how full its disk is. Raises nothing.
    """
    if tunnelled or not address.startswith("/"):
        return None
    for folder in filter(None, folders):
        try:
            seen = os.statvfs(folder)
        except OSError:
            continue
        return seen.f_bavail * seen.f_frsize
    return None
