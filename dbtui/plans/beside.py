"""Reading a plan of any size beside an event loop that must go on answering keys."""

from __future__ import annotations

import asyncio

from dbtui import beside
from dbtui.model.plan import Plan
from dbtui.plans import parse

SMALL = 64 * 1024  # characters that are read at once
MIDDLE = beside.SMALL  # characters up to which a thread reads


async def parse_beside(text: str) -> Plan:
    """See `plans.parse`. Nobody waits for it but the caller; who is cancelled ends the child."""
    if len(text) <= SMALL:
        return parse(text)
    if len(text) <= MIDDLE:
        return await asyncio.to_thread(parse, text)
    return await beside.call(parse, text)
