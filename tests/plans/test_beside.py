from __future__ import annotations

import asyncio
import json

import pytest

from dbtui.errors import InputError
from dbtui.plans import beside, parse


def plan_of(nodes: int) -> str:
    scans = [
        {"Node Type": "Seq Scan", "Relation Name": f"part_{n}", "Plan Rows": n, "Total Cost": 1.0}
        for n in range(nodes)
    ]
    return json.dumps([{"Plan": {"Node Type": "Append", "Total Cost": 9.0, "Plan Rows": 1, "Plans": scans}}])


@pytest.mark.parametrize("nodes", [3, 1_500, 4_000])
async def test_a_plan_of_any_size_is_the_same_wherever_it_is_read(nodes: int) -> None:
    text = plan_of(nodes)
    found = await beside.parse_beside(text)
    assert found == parse(text)
    assert len(found.nodes) == nodes + 1


async def test_what_is_no_plan_is_told_in_one_line_from_the_child_too() -> None:
    with pytest.raises(InputError, match="this is not a plan"):
        await beside.parse_beside("no plan " * 50_000)


async def test_keys_are_answered_while_a_large_plan_is_read_and_leaving_ends_the_child() -> None:
    text = plan_of(60_000)
    reading = asyncio.create_task(beside.parse_beside(text))
    turns = 0
    while not reading.done() and turns < 3:
        await asyncio.sleep(0)
        turns += 1
    assert not reading.done()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
