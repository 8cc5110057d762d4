"""Reports that take seconds because an index, or a better question, is missing."""

from __future__ import annotations

import asyncio

from dbtui.demo.workload.session import Shop

_REPORTS = (
    # payments.order_id has neither index nor foreign key: a scan of the table for every order
    """
    select o.id, o.total, (select p.status from billing.payments as p where p.order_id = o.id) as payment
    from (select * from shop.orders where status <> 'cancelled' order by placed_at desc limit 1200) as o
    order by payment, o.total desc
    limit 100
    """,
    # bought together: a join of the items with themselves
    """
    select a.product_id, b.product_id as bought_with, count(*) as times
    from shop.order_items as a join shop.order_items as b
      on b.order_id = a.order_id and b.product_id > a.product_id
    group by a.product_id, b.product_id
    order by times desc
    limit 20
    """,
    # the key of a jsonb document, though the index is on something else
    """
    select payload ->> 'device' as device, payload ->> 'experiment' as experiment, count(*),
           count(distinct customer_id) as customers, avg((payload ->> 'ms')::int) as ms
    from analytics.events
    where payload ->> 'device' in ('phone', 'tablet')
    group by 1, 2
    order by 3 desc
    """,
    # every customer's orders summed up, to show fifty of them
    "select * from analytics.customer_value order by revenue desc limit 50",
    # the last movement of each product, with a scan for each
    """
    select p.id, p.name,
           (select max(m.moved_at) from warehouse.movements as m where m.product_id = p.id) as last_moved
    from shop.products as p
    where p.active and p.id <= 1500
    order by last_moved nulls first
    limit 50
    """,
)


async def report(shop: Shop) -> None:
    """Run one report after the other, with a pause in between."""
    async with shop.session("reporting", "reports") as session:
        while True:
            for sql in _REPORTS:
                await session.fetch(sql)
                await asyncio.sleep(shop.chance.uniform(4, 8))


async def look_around(shop: Shop) -> None:
    """An administrator's session that is idle nearly always."""
    async with shop.session("shop_admin", "admin") as session:
        while True:
            await session.fetch("select state, count(*) from ops.jobs group by state")
            await asyncio.sleep(shop.chance.uniform(15, 40))


async def pooled(shop: Shop) -> None:
    """A connection that a pool keeps open for seldom use."""
    async with shop.session("app_ro", "storefront") as session:
        while True:
            await session.fetch("select count(*) from shop.open_orders")
            await asyncio.sleep(shop.chance.uniform(20, 60))
