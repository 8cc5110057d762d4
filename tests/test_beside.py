"""Work that a child process does: what it returns, what it raises, and that it ends with whoever waits for it."""

from __future__ import annotations

import asyncio
import os
import time

import pytest

from dbtui import beside
from dbtui.errors import InputError
from dbtui.plans import parse
from dbtui.urls import short_name


async def test_a_function_returns_and_raises_as_it_would_here() -> None:
    assert await beside.call(short_name, "postgresql://db/shop") == "db/shop"
    with pytest.raises(InputError) as here:
        parse("no plan")
    with pytest.raises(InputError) as there:
        await beside.call(parse, "no plan")
    assert str(there.value) == str(here.value)


async def test_a_child_that_ends_without_a_word() -> None:
    with pytest.raises(InputError, match="could not be read"):
        await beside.call(os._exit, 3)


async def test_whoever_is_cancelled_ends_the_child() -> None:
    waiting = asyncio.create_task(beside.call(time.sleep, 600))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
