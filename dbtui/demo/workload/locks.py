"""Who blocks whom: a checkout that forgot to commit, an ALTER TABLE that all queue behind, a deadlock."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import Any

import asyncpg

from dbtui.demo.workload.session import TROUBLE, Shop, report

_RESERVE = "update warehouse.inventory set reserved = reserved + 1 where warehouse_id = 1 and product_id = $1"
_RELEASE = (
    "update warehouse.inventory set reserved = greatest(reserved - 1, 0)"
    " where warehouse_id = 1 and product_id = $1"
)
_SEEN = "update shop.customers set last_seen_at = now() where id = $1"
_POINTS = "update shop.customers set loyalty_points = loyalty_points + 1 where id = $1"
_LOCK_CUSTOMER = "select id, email, full_name from shop.customers where id = $1 for update"
_DDL_HOLD = 12.0  # seconds
_PILE = itertools.cycle((4, 2, 5, 3))  # how many wait behind a forgotten commit
_STAGGER = 0.6  # seconds between two that come to wait


async def _all(who: str, waiting: list[Awaitable[None]]) -> None:
    """Wait for all; what was cancelled or ended by the DBA is a line in the log."""
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(outcome, TROUBLE):
            report(who, outcome)
        elif isinstance(outcome, BaseException):
            raise outcome


async def forgotten_commit(shop: Shop) -> None:
    """A checkout reserves stock and idles in its transaction for 20 s; two to five pile up behind it."""
    product, customer = shop.product(), shop.customer()
    victims = [_pay, _collect_points, _reserve, _look_closer, _release][: next(_PILE)]
    later = [_delayed(_STAGGER * (i + 1), act(shop, product, customer)) for i, act in enumerate(victims)]
    await _all("forgotten commit", [_hold(shop, product), *later])


async def _delayed(seconds: float, act: Awaitable[None]) -> None:
    await asyncio.sleep(seconds)
    await act


async def _hold(shop: Shop, product: int) -> None:
    async with shop.session("app_rw", "checkout") as session, session.transaction():
        await session.execute(_RESERVE, product)
        await session.fetch("select name, price from shop.products where id = $1", product)
        await asyncio.sleep(20.0)


async def _pay(shop: Shop, product: int, customer: int) -> None:
    async with shop.session("app_rw", "checkout") as session, session.transaction():
        await session.execute(_SEEN, customer)
        await session.execute(_RESERVE, product)


async def _collect_points(shop: Shop, _product: int, customer: int) -> None:
    async with shop.session("app_rw", "storefront") as session:
        await session.execute(_POINTS, customer)


async def _reserve(shop: Shop, product: int, _customer: int) -> None:
    async with shop.session("app_rw", "checkout") as session:
        await session.execute(_RESERVE, product)


async def _look_closer(shop: Shop, _product: int, customer: int) -> None:
    async with shop.session("shop_admin", "admin") as session, session.transaction():
        await session.fetch(_LOCK_CUSTOMER, customer)


async def _release(shop: Shop, product: int, _customer: int) -> None:
    async with shop.session("worker", "queue-worker") as session:
        await session.execute(_RELEASE, product)


async def lock_queue(shop: Shop) -> None:
    """A report keeps its transaction open, an ALTER TABLE waits for it, and reads wait behind that."""
    readers = [_delayed(_STAGGER * (2 + i), _read_coupons(shop)) for i in range(2)]
    await _all("lock queue", [_read_on(shop), _delayed(_STAGGER, _alter(shop)), *readers])


async def _read_on(shop: Shop) -> None:
    async with shop.session("reporting", "reports") as session, session.transaction():
        await session.fetch("select code, percent, uses from shop.coupons where uses > 10 order by uses desc")
        await asyncio.sleep(_DDL_HOLD)


async def _alter(shop: Shop) -> None:
    async with shop.session("shop_admin", "admin") as session:
        await session.execute("set lock_timeout = '15s'")
        transaction = session.transaction()
        await transaction.start()
        await session.execute("alter table shop.coupons add column campaign text")
        await transaction.rollback()  # so that the next time it can be added again


async def _read_coupons(shop: Shop) -> None:
    async with shop.session("app_ro", "storefront") as session:
        await session.fetch(
            "select code, percent from shop.coupons where valid @> now() order by percent desc"
        )


async def blocking(shop: Shop) -> None:
    """Two forgotten commits, then a lock queue, and so on."""
    for act in (forgotten_commit, forgotten_commit, lock_queue):
        begun = asyncio.get_running_loop().time()
        await act(shop)
        await asyncio.sleep(max(5.0, 45.0 - (asyncio.get_running_loop().time() - begun)))


async def deadlock(shop: Shop) -> None:
    """Two price changes take the same two products in opposite order; the one that is ended tries again."""
    low, high = sorted(shop.chance.sample(range(1, min(60, shop.sizes["products"])), 2))
    async with shop.session("shop_admin", "admin") as one, shop.session("worker", "queue-worker") as other:
        await _all("deadlock", [_reprice(one, low, high), _reprice(other, high, low)])


async def _reprice(session: Any, first: int, second: int) -> None:
    for _ in range(3):
        try:
            async with session.transaction():
                for product in (first, second):
                    await session.execute("update shop.products set price = price + 0 where id = $1", product)
                    await asyncio.sleep(0.4)
        except asyncpg.DeadlockDetectedError as problem:
            report("deadlock", problem)
        else:
            return
