"""A queue in a table: it grows in bursts, and its workers drain it with SKIP LOCKED, at times too slowly."""

from __future__ import annotations

import asyncio

from dbtui.demo.workload.session import Shop

_ADD = """
insert into ops.jobs (kind, payload)
select (array['email', 'invoice_pdf', 'reindex_product', 'webhook'])[1 + i % 4],
       jsonb_build_object('product', i)
from generate_series(1, $1::int) as i
"""
_TAKE = """
update ops.jobs set state = 'running', attempts = attempts + 1, locked_by = 'worker ' || pg_backend_pid()
where id in (select id from ops.jobs where state = 'queued' order by run_at limit 4 for update skip locked)
returning id
"""
_DONE = "update ops.jobs set state = 'done', finished_at = now() where id = any($1::bigint[])"
_ORPHANS = """
update ops.jobs set state = 'queued', locked_by = null
where state = 'running' and locked_by not in (select 'worker ' || pid from pg_stat_activity)
"""
_CYCLE = 120  # seconds: a burst, and the time it takes to catch up
_BURST = 35


async def produce(shop: Shop) -> None:
    """A few jobs a second, and for half a minute of every two four times as many as the workers manage."""
    async with shop.session("app_rw", "checkout") as session:
        second = 0
        while True:
            burst = 20 <= second % _CYCLE < 20 + _BURST
            await session.execute(_ADD, shop.chance.randint(20, 30) if burst else shop.chance.randint(0, 4))
            await asyncio.sleep(1)
            second += 1


async def consume(shop: Shop) -> None:
    """Take four jobs, work on them, mark them done. Nothing to do: look again in a second."""
    async with shop.session("worker", "queue-worker") as session:
        while True:
            jobs = [row["id"] for row in await session.fetch(_TAKE)]
            if jobs:
                await asyncio.sleep(shop.chance.uniform(0.4, 1.2))
                await session.execute(_DONE, jobs)
            else:
                await asyncio.sleep(1)


async def sweep(shop: Shop) -> None:
    """Take jobs back from workers that are gone, forget what is done, refresh the daily sales."""
    async with shop.session("worker", "queue-worker") as session:
        await session.execute(_ORPHANS)
        await session.execute("call ops.forget_done_jobs('10 minutes')")
        await session.execute("refresh materialized view concurrently analytics.daily_sales")
