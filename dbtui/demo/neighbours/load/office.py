"""The load on the back office: bookings, a report without an index, and a row that is held for seconds."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import aiomysql

_SETUP = (
    "create database if not exists office",
    "create table if not exists office.account (id int primary key auto_increment, name varchar(60) not null,"
    " balance decimal(12,2) not null default 0)",
    "create table if not exists office.booking (id bigint primary key auto_increment, account int not null,"
    " amount decimal(10,2) not null, note varchar(120), at timestamp not null default current_timestamp,"
    " key booking_account (account), constraint booking_of foreign key (account) references office.account (id))",
    "create or replace view office.totals as"
    " select account, sum(amount) as total from office.booking group by account",
    "create user if not exists clerk@localhost",
    "grant select, insert, update, delete on office.* to clerk@localhost",
    "create user if not exists dbtui@localhost",
)
_GRANTS = (
    "grant select, process, show view, show databases, replication client on *.* to dbtui@localhost",
    "grant connection admin on *.* to dbtui@localhost",
    "grant connection_admin on *.* to dbtui@localhost",
)


async def play(url: str) -> None:
    """Until something fails."""
    socket = url.partition("socket=")[2]
    chance = random.Random(7)
    root = await _session(socket, "root", "")
    for statement in _SETUP:
        await _run(root, statement)
    for statement in _GRANTS:
        try:
            await _run(root, statement)
        except aiomysql.Error:  # the privilege has another name on the other product
            continue
    if not (await _run(root, "select count(*) from office.account"))[0][0]:
        await _run(
            root,
            "insert into office.account (name) values " + ",".join(f"('account {n}')" for n in range(300)),
        )
        values = ",".join(f"({n % 300 + 1}, {n % 97}, 'opening {n}')" for n in range(6_000))
        for _ in range(4):
            await _run(root, f"insert into office.booking (account, amount, note) values {values}")
    root.close()
    async with asyncio.TaskGroup() as stage:
        stage.create_task(_book(await _session(socket, "clerk"), chance))
        stage.create_task(_book(await _session(socket, "clerk"), chance))
        stage.create_task(_report(await _session(socket, "clerk")))
        stage.create_task(_hold(await _session(socket, "clerk")))


async def _session(socket: str, user: str, database: str = "office") -> Any:
    return await aiomysql.connect(unix_socket=socket, user=user, db=database or None, autocommit=True)


async def _run(session: Any, sql: str) -> Any:
    async with session.cursor() as cursor:
        await cursor.execute(sql)
        return await cursor.fetchall()


async def _book(session: Any, chance: random.Random) -> None:
    while True:
        account = chance.randint(1, 300)
        await _run(session, f"select name, balance from account where id = {account}")
        if chance.random() < 0.3:
            await _run(
                session, f"insert into booking (account, amount) values ({account}, {chance.randint(1, 99)})"
            )
            await _run(session, f"update account set balance = balance + 1 where id = {chance.randint(1, 5)}")
        await asyncio.sleep(chance.uniform(0.01, 0.08))


async def _report(session: Any) -> None:
    while True:
        await _run(
            session,
            "select a.name, count(*), sum(b.amount) from booking b join account a on a.id = b.account"
            " where b.note like '%9%' group by a.id order by 3 desc limit 10",
        )
        await asyncio.sleep(3)


async def _hold(session: Any) -> None:
    """Others that book on the first accounts wait for this."""
    while True:
        await asyncio.sleep(15)
        await _run(session, "begin")
        await _run(session, "update account set balance = balance - 1 where id <= 5")
        await asyncio.sleep(12)
        await _run(session, "rollback")
