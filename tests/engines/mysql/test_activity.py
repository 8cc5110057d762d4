"""The process list of real servers: who is there, who waits for whom, and what is hidden."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pymysql
import pytest

from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.engines.mysql.locks import MetadataLock, conflict, waits
from dbtui.live.blocking import forest
from dbtui.live.sampler import with_blockers
from dbtui.model.snapshot import Section, Snapshot
from tests.engines.mysql.sessions import client, locks, monitoring, running, sample, seen, until, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer


async def test_sessions_are_seen_as_they_are(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    slow = "select sleep(60), 'grüße 😀' as greeting"
    async with monitoring(mysql) as monitor:
        with (
            client(mysql, name, program_name="shop") as idle,
            client(mysql, name, program_name="report") as busy,
            running(busy, slow),
        ):
            session = await seen(monitor, busy.thread_id(), lambda s: s.state == "active" and bool(s.query))
            assert (session.user, session.database, session.application) == ("root", name, "report")
            assert session.query == slow
            assert session.query_age is not None
            assert session.kind == "client backend"
            resting = await seen(monitor, idle.thread_id())
            assert (resting.state, resting.query, resting.query_age) == ("idle", "", None)
            assert not resting.active
            mysql.sql(f"KILL {busy.thread_id()}")
        activity, counters = await sample(monitor)
        assert activity.connections == counters["threads_connected"]
        assert activity.limit == counters["max_connections"]
        assert activity.hidden == 0


async def test_the_consoles_own_sessions_are_left_out(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, work), monitoring(mysql) as monitor, work.use():
        activity, _ = await sample(monitor)
        shown = {session.id for session in activity.sessions}
        assert not shown & {str(id_) for id_ in connector.own_ids}
        assert len(connector.own_ids) == 2


async def test_an_open_transaction_shows_its_age_and_what_it_did_last(mysql9: MysqlServer) -> None:
    name = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE {name}.t (a INT PRIMARY KEY)", f"INSERT INTO {name}.t VALUES (1)")
    async with monitoring(mysql9) as monitor:
        with client(mysql9, name, autocommit=False) as other:
            other.query("UPDATE t SET a = 7")
            session = await seen(monitor, other.thread_id(), lambda s: s.state == "idle in transaction")
            assert session.transaction_age is not None
            assert session.query == "UPDATE t SET a = 7"
            _, counters = await sample(monitor)
            assert counters["idle_in_transaction"] >= 1


async def test_an_open_transaction_is_seen_by_mariadb_too(mariadb11: MariadbServer) -> None:
    name = mariadb11.create_database()
    mariadb11.sql(f"CREATE TABLE {name}.t (a INT PRIMARY KEY)", f"INSERT INTO {name}.t VALUES (1)")
    async with monitoring(mariadb11) as monitor:
        with client(mariadb11, name, autocommit=False) as other:
            other.query("UPDATE t SET a = 7")
            session = await seen(monitor, other.thread_id(), lambda s: s.state == "idle in transaction")
            assert session.transaction_age is not None
            _, counters = await sample(monitor)
            assert counters["session_memory"] > 0


@contextmanager
def blocked(server: MysqlProtocolServer, statement: str) -> Iterator[tuple[int, list[int]]]:
    """One that rests inside a transaction, and two that wait for what it holds, with four-byte characters."""
    name = server.create_database()
    server.sql(
        f"CREATE TABLE {name}.t (a INT PRIMARY KEY, b INT)", f"INSERT INTO {name}.t VALUES (1, 1), (2, 2)"
    )
    with ExitStack() as stack:
        root = stack.enter_context(client(server, name, autocommit=False))
        root.query("UPDATE t SET b = 5 WHERE a = 1")
        waiters = [stack.enter_context(client(server, name)) for _ in range(2)]
        for waiter in waiters:
            stack.enter_context(running(waiter, statement))
        try:
            yield root.thread_id(), [waiter.thread_id() for waiter in waiters]
        finally:
            root.rollback()


async def test_who_waits_for_a_row_stands_below_who_holds_it(mysql: MysqlProtocolServer) -> None:
    async with monitoring(mysql) as monitor:
        with blocked(mysql, "UPDATE t SET b = 6 WHERE a = 1 /* 😀 */") as (root, waiters):
            for waiter in waiters:
                session = await seen(monitor, waiter, lambda s: s.wait_type == "Lock")
                assert "😀" in session.query
                assert session.wait == "row"
            activity, counters = await sample(monitor)
            assert counters["innodb_row_lock_current_waits"] >= 2
            found = await locks(monitor, activity, counters)
            assert all(str(root) in found[str(waiter)] or found[str(waiter)] for waiter in waiters)
            lines = forest(with_blockers(activity, found).sessions)
            assert lines[0].session.id == str(root)
            assert lines[0].waiting == 2


async def test_who_waits_for_a_table_stands_below_who_reads_it(mysql9: MysqlServer) -> None:
    name = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE {name}.t (a INT)")
    async with monitoring(mysql9) as monitor:
        with ExitStack() as stack:
            root = stack.enter_context(client(mysql9, name, autocommit=False))
            root.query("SELECT * FROM t")
            altering, reading = (stack.enter_context(client(mysql9, name)) for _ in range(2))
            stack.enter_context(running(altering, "ALTER TABLE t ADD COLUMN b INT"))
            await seen(monitor, altering.thread_id(), lambda s: s.wait == "table metadata")
            stack.enter_context(running(reading, "SELECT 5 FROM t"))
            await seen(monitor, reading.thread_id(), lambda s: s.wait == "table metadata")
            activity, counters = await sample(monitor)
            found = await locks(monitor, activity, counters)
            root.rollback()
        assert found[str(altering.thread_id())] == (str(root.thread_id()),)
        assert found[str(reading.thread_id())] == (str(altering.thread_id()),)


async def test_that_nobody_knows_who_holds_a_table_is_said(mariadb11: MariadbServer) -> None:
    async with working(mariadb11) as (connector, _):
        assert any("wait/lock/metadata/sql/mdl" in note for note in connector.server.notes)


async def test_nobody_asks_for_locks_when_nobody_waits(mysql: MysqlProtocolServer) -> None:
    async with monitoring(mysql) as monitor:
        activity, counters = await sample(monitor)
        calm = Snapshot(at=0.0, activity=Section(activity, 0.0), counters=Section(counters, 0.0))
        assert not monitor.sources[1].wanted(calm)


@pytest.mark.parametrize(
    "spoilt", [b"select sleep(60), '\xff\xfe\xc3'", b"select sleep(60), _binary'\x00\x80\xf0\x9f'"]
)
async def test_bytes_that_are_no_text_fail_no_sample(mysql: MysqlProtocolServer, spoilt: bytes) -> None:
    async with monitoring(mysql) as monitor:
        with client(mysql) as other, running(other, spoilt):
            session = await seen(monitor, other.thread_id(), lambda s: bool(s.query))
            assert session.query.startswith("select sleep(60)")
            mysql.sql(f"KILL {other.thread_id()}")


async def test_a_statement_of_a_megabyte_is_cut(mysql: MysqlProtocolServer) -> None:
    long = "select sleep(60), '" + "x" * 1_000_000 + "'"
    async with monitoring(mysql) as monitor:
        with client(mysql) as other, running(other, long):
            session = await seen(monitor, other.thread_id(), lambda s: bool(s.query))
            assert 1_000 <= len(session.query) <= 65_536
            mysql.sql(f"KILL {other.thread_id()}")


async def test_what_a_missing_privilege_hides_is_counted_with_its_grant(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user()
    with client(mysql), client(mysql):
        async with monitoring(mysql, user) as monitor:
            activity, counters = await sample(monitor)
            assert activity.hidden >= 2
            assert activity.remedy == f"GRANT PROCESS ON *.* TO '{user}'@'%';"
            assert counters["threads_connected"] > activity.hidden
            mysql.sql(activity.remedy)
        async with monitoring(mysql, user) as monitor:

            async def all_seen() -> bool | None:  # a session that has just ended may still be counted
                activity, _ = await sample(monitor)
                return True if activity.hidden == 0 and len(activity.sessions) >= 2 else None

            assert await until(all_seen, "the grant did not help")


async def test_the_waits_of_others_are_seen_without_a_right_on_performance_schema(
    mysql: MysqlProtocolServer,
) -> None:
    user = mysql.create_user("PROCESS ON *.*")
    async with monitoring(mysql, user) as monitor:
        with blocked(mysql, "UPDATE t SET b = 6 WHERE a = 1") as (_, waiters):
            session = await seen(monitor, waiters[0], lambda s: s.wait_type == "Lock")
            assert session.wait == "row"


async def test_mysql_shows_its_sessions_though_one_emoji_spoils_its_transactions(mysql9: MysqlServer) -> None:
    """Error 3854 fails the reading of INNODB_TRX, which is all that PROCESS alone gives."""
    user = mysql9.create_user("PROCESS ON *.*")
    async with monitoring(mysql9, user) as monitor:
        with blocked(mysql9, "UPDATE t SET b = 6 WHERE a = 1 /* 😀 */") as (root, waiters):
            for id_ in (root, *waiters):
                await seen(monitor, id_)


async def test_sessions_of_one_account_are_no_sign_of_hidden_ones(mysql: MysqlProtocolServer) -> None:
    async with monitoring(mysql) as monitor:
        activity, _ = await sample(monitor)
        assert activity.hidden == 0


async def test_mariadb_without_room_for_files_still_shows_its_sessions(mariadb11: MariadbServer) -> None:
    """It writes PROCESSLIST to a file each time; SHOW FULL PROCESSLIST does without."""
    folder = mariadb11.folder.parent
    async with monitoring(mariadb11) as monitor:
        with client(mariadb11) as other:
            mode = folder.stat().st_mode
            folder.chmod(0o500)
            try:
                session = await seen(monitor, other.thread_id())
            finally:
                folder.chmod(mode)
    assert session.user == "root"
    assert session.started.endswith("root@localhost")


async def test_a_session_that_ends_while_it_is_looked_at_fails_nothing(mysql: MysqlProtocolServer) -> None:
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            try:
                mysql.connect().close()
            except pymysql.err.Error:
                return

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        async with monitoring(mysql) as monitor:
            for _ in range(40):
                activity, _counters = await sample(monitor)
                assert activity.connections >= 1
    finally:
        stop.set()
        thread.join()


async def test_health_knows_lag_history_and_receivers(mysql: MysqlProtocolServer) -> None:
    async with monitoring(mysql) as monitor:
        assert isinstance(monitor, MysqlMonitor)
        _, fast = await sample(monitor)
        answer = await monitor.sources[3].fetch(Snapshot(at=0.0))
        values = {**fast, **answer["counters"]}
        assert values["history_list"] >= 0
        assert "replication_lag" not in values
        assert answer["health"].replicas == ()
        for metric in monitor.metrics[:4]:
            assert all(name in values for name in metric.numerator), metric.id


async def test_what_the_monitor_costs_is_counted(mysql: MysqlProtocolServer) -> None:
    async with monitoring(mysql) as monitor:
        await sample(monitor)
        first = monitor.cost
        await sample(monitor)
        assert first.statements < monitor.cost.statements <= first.statements + 5
        assert monitor.cost.server_seconds > first.server_seconds
        await monitor.reconnect()
        assert monitor.cost.statements >= first.statements


def test_metadata_locks_go_along_as_the_server_says() -> None:
    assert not conflict("SHARED_READ", "SHARED_WRITE")
    assert conflict("EXCLUSIVE", "SHARED_READ")
    assert conflict("SHARED_READ", "EXCLUSIVE")
    assert conflict("SHARED_WRITE", "SHARED_NO_WRITE")
    assert not conflict("INTENTION_EXCLUSIVE", "INTENTION_EXCLUSIVE")
    assert conflict("INTENTION_EXCLUSIVE", "SHARED")
    assert not conflict("BACKUP_DDL", "BACKUP_TRANS_DML")
    assert conflict("BACKUP_DDL", "BACKUP_FTWRL1")


def test_who_waits_behind_a_waiter_and_not_behind_a_holder() -> None:
    table = ("TABLE", "shop.t")
    found = waits(
        [
            MetadataLock("1", True, "SHARED_READ", table),
            MetadataLock("2", False, "EXCLUSIVE", table),
            MetadataLock("2", True, "SHARED_UPGRADABLE", table),
            MetadataLock("3", False, "SHARED_READ", table),
            MetadataLock("4", True, "EXCLUSIVE", ("TABLE", "shop.other")),
        ]
    )
    assert sorted(found) == [("2", "1"), ("3", "2")]
