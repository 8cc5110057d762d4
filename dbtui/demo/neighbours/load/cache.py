"""The load on the cache: sessions and carts, a queue with a worker that waits, and a dear command now and then."""

from __future__ import annotations

import asyncio
import json
import random

import redis.asyncio as driver


async def play(url: str) -> None:
    """Until something fails."""
    chance = random.Random(7)
    path = url.partition("://")[2]

    def client(name: str, database: int = 0) -> driver.Redis:
        return driver.Redis(unix_socket_path=path, db=database, client_name=name)

    async with (
        client("storefront") as shop,
        client("worker") as worker,
        client("report") as report,
        asyncio.TaskGroup() as stage,
    ):
        stage.create_task(_sell(shop, chance))
        stage.create_task(_work(worker))
        stage.create_task(_report(report))


async def _sell(shop: driver.Redis, chance: random.Random) -> None:
    while True:
        user, product = chance.randint(1, 4_000), chance.randint(1, 600)
        async with shop.pipeline(transaction=False) as sent:
            sent.set(
                f"session:{user}", json.dumps({"user": user, "seen": product}), ex=chance.randint(60, 900)
            )
            for _ in range(chance.randint(2, 12)):
                sent.get(f"product:{chance.randint(1, 900)}")
            sent.hincrby(f"cart:{user % 300}", f"product:{product}", 1)
            sent.zincrby("bestsellers", 1, f"product:{product}")
            sent.set(f"product:{product}", "x" * chance.randint(100, 2_000), ex=600)
            if chance.random() < 0.2:
                sent.lpush("queue:mail", json.dumps({"to": user}))
            await sent.execute()
        await asyncio.sleep(chance.uniform(0.002, 0.03))


async def _work(worker: driver.Redis) -> None:
    while True:
        await worker.blpop(["queue:mail"], timeout=5)
        await asyncio.sleep(0.05)


async def _report(report: driver.Redis) -> None:
    while True:
        await report.keys("session:*")
        await report.sort("bestsellers", by="nosort", start=0, num=10)
        await asyncio.sleep(6)
