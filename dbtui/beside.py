"""Work that the interpreter's lock would let stall the keys, done by a child process: `python -m dbtui.beside`.

A function of a module and its arguments go to the child's standard input, pickled; what it returns comes back from its
standard output. A thread would not do: decoding JSON, for one, never lets go of the lock.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from dbtui.errors import DbtuiError, InputError

SMALL = 256 * 1024  # characters or bytes, about what is worth a child
P = ParamSpec("P")
T = TypeVar("T")


async def call(function: Callable[P, T], *arguments: P.args, **more: P.kwargs) -> T:
    """What a function returns. Who is cancelled ends the child. Raises the console's own errors only.

    The function is found by its name, so it stands on the outermost level of a module that is cheap to import.
    """
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dbtui.beside", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        said, _ = await child.communicate(pickle.dumps((function, arguments, more)))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if not said:
        raise InputError("it could not be read", "it may be too large for this machine's memory")
    kind, found = pickle.loads(said)  # noqa: S301 - of our own child
    if kind is None:
        result: T = found
        return result
    raise kind(*found)


def _child() -> None:
    function, arguments, more = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own parent
    answer: tuple[type[DbtuiError] | None, object]
    try:
        answer = None, function(*arguments, **more)
    except DbtuiError as error:
        answer = type(error), (error.message, error.hint)
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    _child()
