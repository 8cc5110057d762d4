"""The load on the catalogue of documents: finds, changes, and an aggregation that reads them all."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient

_MOST_SEEN: list[dict[str, Any]] = [
    {"$group": {"_id": "$product", "visits": {"$sum": 1}}},
    {"$sort": {"visits": -1}},
    {"$limit": 10},
]


async def play(url: str) -> None:
    """Until something fails."""
    chance = random.Random(7)
    client: AsyncIOMotorClient[dict[str, object]]
    client = AsyncIOMotorClient(url, appname="catalogue", serverSelectionTimeoutMS=5000)
    shop = client["catalogue"]
    products, visits = shop["products"], shop["visits"]
    if not await products.estimated_document_count():
        await products.insert_many(
            {
                "_id": n, "name": f"product {n}", "price": n % 90 + 0.99, "tags": [f"t{n % 7}", f"t{n % 11}"],
                "stock": {"main": n % 40, "outlet": n % 9}, **({"discontinued": True} if n % 23 == 0 else {}),
            }
            for n in range(1, 3_001)
        )  # fmt: skip
        await products.create_index("tags")
    second = 0
    while True:
        for _ in range(chance.randint(2, 8)):
            await products.find_one({"_id": chance.randint(1, 3_000)})
        await products.find({"tags": f"t{chance.randint(0, 10)}"}).limit(20).to_list(20)
        await products.update_one({"_id": chance.randint(1, 3_000)}, {"$inc": {"stock.main": -1}})
        await visits.insert_one({"product": chance.randint(1, 3_000), "ms": chance.randint(1, 400)})
        if second % 10 == 0:
            await visits.aggregate(_MOST_SEEN).to_list(10)
        await asyncio.sleep(0.2)
        second += 1
