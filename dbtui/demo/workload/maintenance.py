"""Long maintenance whose progress can be watched: a slow VACUUM, an index built concurrently, statistics."""

from __future__ import annotations

import asyncio

from dbtui.demo.workload.session import Shop

_PAUSE = 20.0  # seconds between two


async def maintain(shop: Shop) -> None:
    """One after the other, throttled as a careful DBA would, so that each takes a while and costs little."""
    async with shop.session("shop_admin", "admin") as session:
        await session.execute("set vacuum_cost_delay = '50ms'")
        await session.execute("set vacuum_cost_limit = 20")
        await session.execute("vacuum (disable_page_skipping, parallel 0) analytics.events")
        await asyncio.sleep(_PAUSE)
        await session.execute("drop index concurrently if exists shop.order_items_product_id_idx")
        await session.execute(
            "create index concurrently order_items_product_id_idx on shop.order_items (product_id)"
        )
        await asyncio.sleep(_PAUSE)
        await session.execute("drop index concurrently if exists shop.order_items_product_id_idx")
        await session.execute("analyze shop.order_items")
        await asyncio.sleep(_PAUSE)
