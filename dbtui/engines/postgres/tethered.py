"""Becomes another program, as another user, that is ended by the kernel when the starting process dies.

Run by path with `python -I -S tethered.py PARENT UID GID SIGNAL PROGRAM [ARGUMENT…]`; UID 0 keeps the user.
It is a process of its own, not a `preexec_fn`, because that may deadlock in a program with threads.
Where there is no prctl (macOS), the program runs on, and whoever started it has to end it.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, uid, gid, signal = map(int, sys.argv[1:5])
    program = sys.argv[5:]
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.umask(0o077)
    if prctl is not None:  # after the change of user, which would clear it
        prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the starting process is gone")
    os.execv(program[0], program)  # noqa: S606 - becoming the program keeps its pid known


if __name__ == "__main__":
    main()
