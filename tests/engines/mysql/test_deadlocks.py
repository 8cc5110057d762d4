"""What InnoDB keeps of its last deadlock, on real servers and in texts of releases that are not here."""

from __future__ import annotations

import threading
from contextlib import suppress

import pymysql

from dbtui.engines.mysql import deadlocks
from dbtui.engines.mysql.activity import MysqlMonitor
from tests.engines.mysql.sessions import client, working
from tests.servers.mysql import MysqlProtocolServer


def deadlock(server: MysqlProtocolServer) -> tuple[str, str]:
    """Let two sessions deadlock; their ids."""
    database = server.create_database()
    server.sql(
        "create table stock (n int primary key, v int)", "insert into stock values (1, 1), (2, 2)", "commit",
        database=database,
    )  # fmt: skip
    with client(server, database) as one, client(server, database) as other:
        for session, row in ((one, 1), (other, 2)):
            session.query("begin")
            session.query(f"update stock set v = 10 where n = {row}")

        def second() -> None:
            with suppress(pymysql.err.OperationalError):
                one.query("update stock set v = 11 where n = 2")

        thread = threading.Thread(target=second)
        thread.start()
        with suppress(pymysql.err.OperationalError):
            other.query("update stock set v = 12 where n = 1")
        thread.join()
        return str(one.thread_id()), str(other.thread_id())


async def test_the_last_deadlock_is_told_with_both_statements(mysql: MysqlProtocolServer) -> None:
    ids = deadlock(mysql)
    async with working(mysql) as (connector, _):
        found = await MysqlMonitor(connector).last_deadlock()
    assert {party.session for party in found.parties} == set(ids)
    assert {party.statement for party in found.parties} == {
        "update stock set v = 11 where n = 2", "update stock set v = 12 where n = 1",
    }  # fmt: skip
    assert sum(party.victim for party in found.parties) == 1
    assert all("stock" in party.waits and "X" in party.waits for party in found.parties)
    assert found.at[:2] == "20" and "INNODB STATUS" in found.note


def test_a_server_without_any_says_so() -> None:
    status = "\n=====\nBACKGROUND THREAD\n-----\nx\n"
    assert deadlocks.read(status).parties == () and "no deadlock" in deadlocks.read(status).note


OLD = """
------------------------
LATEST DETECTED DEADLOCK
------------------------
2021-03-04 10:11:12 0x7f
*** (1) TRANSACTION:
TRANSACTION 421, ACTIVE 5 sec starting index read
mysql tables in use 1, locked 1
LOCK WAIT 3 lock struct(s), heap size 1136, 2 row lock(s)
MySQL thread id 8, OS thread handle 1, query id 40 10.0.0.1 app updating
UPDATE a
   SET n = '*** (9) x'
*** (1) WAITING FOR THIS LOCK TO BE GRANTED:
RECORD LOCKS space id 2 index PRIMARY of table `shop`.`a` trx id 421 lock_mode X locks rec but not gap waiting
Record lock, heap no 2
*** (2) TRANSACTION:
MySQL thread id 9, OS thread handle 2, query id 41 10.0.0.1 app updating
*** (2) HOLDS THE LOCK(S):
*** (2) WAITING FOR THIS LOCK TO BE GRANTED:
TABLE LOCK table `shop`.`b` trx id 422 lock mode AUTO-INC waiting
*** WE ROLL BACK TRANSACTION (2)
------------
TRANSACTIONS
------------
Trx id counter 500
"""


def test_a_text_of_an_older_release_is_read() -> None:
    found = deadlocks.read(OLD)
    first, second = found.parties
    assert (first.session, first.statement) == ("8", "UPDATE a\n   SET n = '*** (9) x'")
    assert first.waits == "lock mode X locks rec but not gap waiting on `shop`.`a`" and not first.victim
    assert (second.session, second.statement, second.victim) == ("9", "", True)
    assert second.waits == "lock mode AUTO-INC waiting on `shop`.`b`"
    assert found.at == "2021-03-04 10:11:12"
