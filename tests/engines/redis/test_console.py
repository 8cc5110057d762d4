"""Each pane of the console on a server that speaks no SQL."""

from __future__ import annotations

import asyncio

from dbtui.tui.widgets.object_tree import ObjectTree
from tests.servers.redis import RedisServer
from tests.tui.console import Console, console, target_of

DATABASE = 8


async def run(c: Console, command: str) -> None:
    await c.edit(command)
    await c.press("ctrl+r")


async def test_the_panes_say_what_there_is_and_what_is_lacking(redis: RedisServer) -> None:
    with redis.client(
        DATABASE, client_name="shop", single_connection_client=True, socket_timeout=None
    ) as shop:
        shop.flushdb()
        shop.hset("cart:1", mapping={"tea": 2, "\x1b]0;title\x07": 1})
        waiting = asyncio.create_task(asyncio.to_thread(shop.blpop, "none", 30))
        async with console(target_of(redis.url(DATABASE))) as c:
            await c.sees(redis.product.capitalize(), "primary", "Commands", "Hits", "shop", "BLPOP")
            await c.press("e")
            await c.sees("BLPOP", "complexity O(N)", "no figures")
            await c.press("1")
            await c.press("x")
            await c.sees("Cancel?")
            await c.press("enter")
            await c.type(waiting_client(redis), "enter")
            await c.hears("its statement was cancelled")
            assert await waiting is None
            await c.press("3")
            await c.sees("cart:")
            tree = c.app.screen.query_one(ObjectTree)
            assert tree.reveal(("here", str(DATABASE), "cart:", "cart:1")) in (True, False)
            await c.sees("Type hash", "HGETALL cart:1")
            await c.press("s")
            await c.sees("tea", "␛]0;title␇")
        shop.flushdb()


def waiting_client(redis: RedisServer) -> str:
    with redis.client() as admin:
        return next(each["id"] for each in admin.client_list() if "b" in each["flags"])


async def test_the_editor_takes_commands_as_they_are(redis: RedisServer) -> None:
    with redis.client(DATABASE) as client:
        client.flushdb()
        client.mset({"user": "short", "user--1": "long", "a;b": "both"})
        async with console(target_of(redis.url(DATABASE)), interval=2.0) as c:
            for command, seen in (
                ("GET user--1", "long"),
                ("GET a;b", "both"),
                ("GET none\nGET user", "short"),
                ("DEL user--1", "L lifts it"),
                ("KEYS *", "SCAN 0 MATCH"),
                ("LLEN user", "wrong kind of value"),
            ):
                await run(c, command)
                await c.sees(seen)
            await c.sees_no_more("L lifts it")
        async with console(target_of(redis.url(DATABASE), read_only=False), interval=2.0) as c:
            await run(c, "DEL user--1")
            await c.until(lambda: client.get("user--1") is None)
            assert client.get("user") == b"short"
        client.flushdb()
