"""Reading a plan of any size beside an event loop that must go on answering keys.

What the interpreter's lock would stall is read by a child process, `python -m dbtui.plans.beside`: the text on its
standard input, a pickle on its standard output.
"""

from __future__ import annotations

import asyncio
import pickle
import sys

from dbtui.errors import InputError
from dbtui.model.plan import Plan
from dbtui.plans import parse

SMALL = 64 * 1024  # characters that are read at once
MIDDLE = 256 * 1024  # characters up to which a thread reads


async def parse_beside(text: str) -> Plan:
    """See `plans.parse`. Nobody waits for it but the caller; who is cancelled ends the child."""
    if len(text) <= SMALL:
        return parse(text)
    if len(text) <= MIDDLE:
        return await asyncio.to_thread(parse, text)
    return await _by_a_child(text)


async def _by_a_child(text: str) -> Plan:
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dbtui.plans.beside", stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        said, _ = await child.communicate(text.encode("utf-8", "surrogatepass"))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if not said:
        raise InputError("the plan could not be read", "it may be too large for this machine's memory")
    found: Plan | tuple[str, str] = pickle.loads(said)  # noqa: S301 - of our own child
    if isinstance(found, Plan):
        return found
    raise InputError(*found)


def _child() -> None:
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    try:
        found: Plan | tuple[str, str] = parse(text)
    except InputError as error:
        found = (error.message, error.hint)
    sys.stdout.buffer.write(pickle.dumps(found))


if __name__ == "__main__":
    _child()
