"""The load on the search: documents that are indexed, and searches of them."""

from __future__ import annotations

import asyncio
import json
import random

import httpx

_WORDS = (
    "lamp",
    "chair",
    "table",
    "mirror",
    "shelf",
    "clock",
    "vase",
    "sofa",
    "oak",
    "steel",
    "red",
    "small",
)


async def play(url: str) -> None:
    """Until something fails."""
    chance = random.Random(7)
    place = f"http://{url.partition('://')[2]}"
    headers = {"Accept-Encoding": "gzip"}
    async with httpx.AsyncClient(base_url=place, timeout=20, headers=headers) as shop:
        (await shop.get("/_cluster/health?wait_for_status=yellow&timeout=15s")).raise_for_status()
        number = 0
        while True:
            lines = []
            for _ in range(chance.randint(5, 40)):
                number += 1
                lines += [
                    json.dumps({"index": {"_id": str(number % 20_000)}}),
                    json.dumps(_product(chance, number)),
                ]
            lines_of_json = {"Content-Type": "application/x-ndjson"}
            (
                await shop.post("/products/_bulk", content="\n".join(lines) + "\n", headers=lines_of_json)
            ).raise_for_status()
            for _ in range(chance.randint(1, 6)):
                wanted = {"query": {"match": {"name": chance.choice(_WORDS)}}, "size": 10}
                await shop.post("/products/_search", json=wanted)
            dear = {
                "size": 0,
                "query": {"wildcard": {"name": "*a*"}},
                "aggs": {"p": {"avg": {"field": "price"}}},
            }
            await shop.post("/products/_search", json=dear)
            await asyncio.sleep(0.5)


def _product(chance: random.Random, number: int) -> dict[str, object]:
    return {"name": " ".join(chance.choices(_WORDS, k=3)), "price": chance.randint(1, 900), "number": number}
