"""Sessions with real servers: how they are had, what is said when not, and what they never do."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from pymysql.err import OperationalError

from dbtui.config import Secret, Target
from dbtui.engines import create
from dbtui.engines.mysql.connection import Connector
from dbtui.engines.mysql.failures import describe_connect
from dbtui.errors import (
    AuthenticationError,
    ConfigError,
    ConnectError,
    NoSlotsLeft,
    QueryError,
    QueryTimeout,
    SessionLost,
    UsageError,
)
from tests.engines.mysql.sessions import client, monitoring, running, seen, target, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer


async def refusal(connector: Connector) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        await connector.connect()
    await connector.close()
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    return caught.value


async def test_the_product_that_answers_is_named_whatever_the_scheme(mysql: MysqlProtocolServer) -> None:
    url = mysql.url(tcp=True, password="").replace(mysql.scheme, "mysql").replace(":@", "@")
    engine = create(target(url, mysql.password))
    server = await engine.open()
    try:
        assert server.product == ("MariaDB" if mysql.engine == "mariadb" else "MySQL")
        assert server.version[0].isdigit()
        assert server.role == "primary"
        assert server.user == "admin"
        assert server.superuser
        assert server.address == f"127.0.0.1:{mysql.port}"
        assert server.started is not None
        assert abs(server.started - time.time()) < 86400
        assert "checked by their words" in server.notes[0]
    finally:
        await engine.close()


async def test_sessions_are_read_only_named_and_at_most_three(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, work):
        async with work.use() as connection:
            answer = await connection.fetch("SELECT @@session.transaction_read_only, @@lock_wait_timeout")
            assert answer == [("1", "3")]
            with pytest.raises(QueryError) as caught:
                await connection.ask("CREATE DATABASE never")
            assert caught.value.code == "1792"
        first = await connector.open("monitor")
        second = await connector.open("monitor")
        assert first.closed
        assert not second.closed
        assert len(connector.own_ids) == 2
        named = mysql.sql(
            "select count(*) from performance_schema.session_connect_attrs"
            " where attr_name = 'program_name' and attr_value = 'dbtui'"
        )
        assert named[0][0] >= 2


async def test_several_statements_in_one_text_are_never_taken(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (_, work), work.use() as connection:
        with pytest.raises(QueryError) as caught:
            await connection.ask("SELECT 1; SELECT 2")
        assert caught.value.code == "1064"


async def test_the_database_changes_without_a_new_session(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    async with working(mysql) as (_, work):
        async with work.use() as connection:
            before = connection.identity.id
        async with work.use(name) as connection:
            assert connection.identity.id == before
            assert await connection.fetch("SELECT DATABASE()") == [(name,)]
        with pytest.raises(QueryError, match="nowhere"):
            async with work.use("nowhere"):
                pass


@pytest.mark.parametrize(("user", "password"), [("admin", "wrong"), ("nobody at all", "x")])
async def test_a_wrong_user_or_password_is_said_without_it(
    mysql: MysqlProtocolServer, user: str, password: str
) -> None:
    error = await refusal(Connector(target(mysql.url(tcp=True, user=user), password)))
    assert isinstance(error, AuthenticationError)
    assert user in error.message
    assert "~/.my.cnf" in error.hint


async def test_a_prompt_is_asked_once_the_server_wants_a_password(mysql: MysqlProtocolServer) -> None:
    asked: list[int] = []

    async def prompt() -> Secret:
        asked.append(1)
        return Secret(mysql.password)

    url = mysql.url(tcp=True, user="admin")
    connector = Connector(Target(name="test", scheme="mysql", url=url, prompt=prompt))
    await connector.connect()
    await connector.open("work")
    await connector.close()
    assert asked == [1]


async def test_passwords_of_any_character_log_in(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user(password="пароль € 😀")
    connector = Connector(target(mysql.url(tcp=True, user=user), "пароль € 😀"))
    server = await connector.connect()
    connection = await connector.open("monitor")
    assert server.user == user
    assert "пароль" not in str(vars(connection.raw))
    await connector.close()


async def test_the_option_file_of_the_user_is_read(mysql: MysqlProtocolServer, clean_home: Path) -> None:
    (clean_home / ".my.cnf").write_text(
        f"[client]\nuser=admin\npassword={mysql.password}\nhost=127.0.0.1\nport={mysql.port}\n"
    )
    connector = Connector(target("mysql://"))
    assert (await connector.connect()).user == "admin"
    await connector.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://a@127.0.0.1:{closed}/", "nothing listens"),
        ("mysql://a@no-such-host.invalid/", "is unknown"),
        ("mysql://a@/?socket=/nowhere/socket", "no socket"),
    ],
)
async def test_what_cannot_be_reached_is_said(url: str, says: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = await refusal(Connector(target(url.format(closed=taken.getsockname()[1]))))
    assert says in error.message


async def test_a_database_that_is_not_there_is_said(mysql: MysqlProtocolServer) -> None:
    error = await refusal(Connector(target(mysql.url("nowhere"))))
    assert "no database nowhere" in error.message
    user = mysql.create_user()
    error = await refusal(Connector(target(mysql.url("mysql", user=user), mysql.password)))
    assert "GRANT SELECT ON `mysql`" in error.hint


async def test_something_else_that_listens_is_no_server() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        error = await refusal(Connector(target(f"mysql://a@127.0.0.1:{port}/?connect_timeout=2", "secret")))
    assert "secret" not in str(error)


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        error = await refusal(Connector(target(f"mysql://a@127.0.0.1:{port}/?connect_timeout=1")))
    assert "does not answer" in error.message


async def test_a_password_is_never_sent_in_clear_text_to_whoever_asks() -> None:
    heard: list[bytes] = []

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting = (
            b"\x0a8.0.0\0" + b"\x01\0\0\0" + b"12345678\0" + b"\xff\xf7" + b"\x2d" + b"\x02\0" + b"\xff\x81"
        )
        greeting += b"\x15" + b"\0" * 10 + b"123456789012\0" + b"caching_sha2_password\0"
        writer.write(len(greeting).to_bytes(3, "little") + b"\0" + greeting)
        heard.append(await reader.read(4096))
        switch = b"\xfemysql_clear_password\0\0"
        writer.write(len(switch).to_bytes(3, "little") + b"\2" + switch)
        heard.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(ask, "127.0.0.1", 0) as thief:
        port = thief.sockets[0].getsockname()[1]
        url = f"mysql://a@127.0.0.1:{port}/?ssl-mode=DISABLED&connect_timeout=2"
        error = await refusal(Connector(target(url, "the secret")))
    assert "clear text" in error.message
    assert b"the secret" not in b"".join(heard)


async def test_no_free_slot_names_the_door_that_is_left(bare_mariadb: MariadbServer) -> None:
    server = bare_mariadb
    user = server.create_user()
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(client(server))
        error = await refusal(Connector(target(server.url(tcp=True, user=user), server.password)))
    assert isinstance(error, NoSlotsLeft)
    assert "extra_port" in error.hint


async def door_of(server: MysqlProtocolServer, variable: str) -> None:
    """With all slots taken, the door in the URL lets an administrator in, and says so; nobody else."""
    port = server.sql(f"SELECT @@{variable}")[0][0]
    wanted = {"admin_port" if variable == "admin_port" else "extra_port": str(port)}
    user = server.create_user()
    known = Connector(target(server.url(tcp=True, user=server.admin), server.password))
    await known.connect()
    await known.close()
    with ExitStack() as stack:
        for _ in range(10 + 1):  # the last one is kept for administrators
            stack.enter_context(client(server))
        with pytest.raises(NoSlotsLeft) as caught:  # what an earlier session has seen is named
            await known.connect()
        assert f"?{'admin_address=127.0.0.1&' if variable == 'admin_port' else ''}{variable}={port}" in (
            caught.value.hint
        )
        connector = Connector(target(server.url(tcp=True, user=server.admin, **wanted), server.password))
        seen = await connector.connect()
        assert any("through the door" in note and str(port) in note for note in seen.notes)
        work = await connector.open("work")
        await connector.kill_statement(work.identity.id)
        await connector.close()
        if variable == "admin_port":  # MariaDB's lets everybody in
            plain = Connector(target(server.url(tcp=True, user=user, **wanted), server.password))
            error = await refusal(plain)
            assert isinstance(error, NoSlotsLeft)
            assert "SERVICE_CONNECTION_ADMIN" in error.hint


async def test_the_admin_port_of_mysql_is_used_when_no_slot_is_free(small_mysql: MysqlServer) -> None:
    await door_of(small_mysql, "admin_port")


async def test_the_extra_port_of_mariadb_is_used_when_no_slot_is_free(bare_mariadb: MariadbServer) -> None:
    await door_of(bare_mariadb, "extra_port")


async def test_an_own_limit_of_connections_is_told_apart(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user()
    mysql.sql(f"ALTER USER '{user}'@'%' WITH MAX_USER_CONNECTIONS 1")
    async with working(mysql, user=user):
        error = await refusal(Connector(target(mysql.url(user=user), mysql.password)))
    assert isinstance(error, NoSlotsLeft)
    assert "this user" in error.hint


async def test_a_lost_session_is_told_and_the_next_one_works(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        monitor = await connector.open("monitor")
        mysql.sql(f"KILL {monitor.identity.id}")
        with pytest.raises(SessionLost):
            await monitor.fetch("SELECT 1")
        assert monitor.closed
        assert await (await connector.open("monitor")).fetch("SELECT 1") == [("1",)]


async def test_a_session_that_was_lost_before_a_query_is_told_too(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        monitor = await connector.open("monitor")
        mysql.sql(f"KILL {monitor.identity.id}")
        with pytest.raises(SessionLost):
            async with monitor.reading(timeout=7.0):
                pass


async def test_a_slow_answer_ends_in_time_and_its_session_is_dropped(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        monitor = await connector.open("monitor")
        with mysql.process.stalled():
            with pytest.raises(QueryTimeout):
                while True:  # a process does not stop in the very moment that it is told to
                    await monitor.fetch("SELECT 1", timeout=0.2)
            assert monitor.closed
            await connector.close()


@pytest.mark.parametrize("mode", ["DISABLED", "PREFERRED", "REQUIRED"])
async def test_tls_is_used_as_asked_for(mysql: MysqlProtocolServer, mode: str) -> None:
    url = mysql.url(tcp=True, user="admin", **{"ssl-mode": mode})
    connector = Connector(target(url, mysql.password))
    await connector.connect()
    connection = await connector.open("monitor")
    cipher = (await connection.fetch("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))[0][1]
    await connector.close()
    assert bool(cipher) == (mode != "DISABLED")
    assert connection.raw.encrypted == (mode != "DISABLED")


async def test_an_unknown_authority_is_refused(mysql: MysqlProtocolServer, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl: install it for the TLS tests")
    authority = tmp_path / "ca.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other"
    subprocess.run(
        [openssl, *request.split(), "-keyout", tmp_path / "key", "-out", authority],
        check=True,
        capture_output=True,
    )
    place = {"ssl-mode": "VERIFY_CA", "ssl-ca": str(authority)}
    error = await refusal(Connector(target(mysql.url(tcp=True, user="admin", **place), mysql.password)))
    assert "certificate" in error.message


async def test_the_authority_of_the_server_is_accepted_and_its_name_checked(mysql9: MysqlServer) -> None:
    authority = str(mysql9.folder / "ca.pem")
    place = {"ssl-mode": "VERIFY_CA", "ssl-ca": authority}
    connector = Connector(target(mysql9.url(tcp=True, user="admin", **place), mysql9.password))
    await connector.connect()
    await connector.close()
    place["ssl-mode"] = "VERIFY_IDENTITY"
    error = await refusal(Connector(target(mysql9.url(tcp=True, user="admin", **place), mysql9.password)))
    assert "certificate" in error.message


async def test_a_server_without_tls_is_not_spoken_to_when_it_is_required(bare_mariadb: MariadbServer) -> None:
    server = bare_mariadb
    url = server.url(tcp=True, user="admin", **{"ssl-mode": "REQUIRED"})
    error = await refusal(Connector(target(url, server.password)))
    assert "no TLS" in error.message
    connector = Connector(target(server.url(tcp=True, user="admin"), server.password))
    await connector.connect()
    await connector.close()


async def test_files_and_places_that_cannot_be_used_are_said() -> None:
    with pytest.raises(ConfigError, match="ssl-ca"):
        await Connector(target("mysql://a@127.0.0.1/?ssl-mode=VERIFY_CA&ssl-ca=/nowhere")).connect()
    with pytest.raises(UsageError, match="TLS version"):
        await Connector(target("mysql://a@127.0.0.1/?tls-version=SSLv2")).connect()


async def test_leaving_waits_for_no_server(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, work):
        async with work.use():
            pass
        with mysql.process.stalled():
            began = asyncio.get_running_loop().time()
            await connector.close()
            assert asyncio.get_running_loop().time() - began < 5


async def test_a_missing_privilege_comes_with_its_grant(mysql: MysqlProtocolServer) -> None:
    user = mysql.create_user()
    async with working(mysql, user=user) as (connector, work):
        assert connector.server.role == ""
        assert any("GRANT" in note and user in note for note in connector.server.notes)
        async with work.use() as connection:
            with pytest.raises(QueryError) as caught:
                await connection.fetch("SELECT * FROM information_schema.INNODB_TRX")
    remedy = getattr(caught.value, "remedy", "")
    assert remedy == f"GRANT PROCESS ON *.* TO '{user}'@'%';"
    mysql.sql(remedy)


async def test_a_read_only_server_is_named(mysql: MysqlProtocolServer) -> None:
    mysql.sql("SET GLOBAL read_only = 1")
    try:
        async with working(mysql) as (connector, _):
            assert any("read_only" in note for note in connector.server.notes)
    finally:
        mysql.sql("SET GLOBAL read_only = 0")


@pytest.mark.parametrize(
    ("server", "source", "replica"),
    [("mysql9", "REPLICATION SOURCE TO SOURCE", "REPLICA"), ("mariadb11", "MASTER TO MASTER", "SLAVE")],
)
async def test_a_replica_is_told_from_its_source(
    request: pytest.FixtureRequest, server: str, source: str, replica: str
) -> None:
    mysql: MysqlProtocolServer = request.getfixturevalue(server)
    word = source.rpartition(" ")[2]
    mysql.sql(f"CHANGE {source}_HOST='127.0.0.1', {word}_PORT=1, {word}_USER='x'")
    try:
        async with working(mysql) as (connector, _):
            assert connector.server.role == "replica"
    finally:
        mysql.sql(f"RESET {replica} ALL")


async def test_a_server_of_a_version_to_come_is_opened_and_sampled() -> None:
    with MariadbServer({"version": "99.1.0-MariaDB-next"}) as server:
        async with monitoring(server) as monitor:
            with client(server) as other, running(other, "select sleep(60)"):
                await seen(monitor, other.thread_id(), lambda s: s.query == "select sleep(60)")
                server.sql(f"KILL {other.thread_id()}")
        async with working(server, "mysql") as (connector, _):
            assert (connector.server.product, connector.server.version) == ("MariaDB", "99.1.0")
            assert not any("older" in note for note in connector.server.notes)


@pytest.mark.parametrize("code", [1053, 1077])
def test_a_server_that_starts_or_ends_is_no_refusal(code: int) -> None:
    error = describe_connect(OperationalError(code, "in progress"), "db:3306", "ann", "")
    assert str(error) == "db:3306 closed the connection at once: it may be starting, or shutting down"


async def test_work_is_had_again_after_it_was_lost(mysql: MysqlProtocolServer) -> None:
    async with working(mysql) as (connector, _):
        work = connector.work()
        async with work.use() as connection:
            connection.abort()
        async with work.use() as connection:
            assert await connection.fetch("SELECT 1") == [("1",)]


async def test_another_session_is_not_disturbed(mysql: MysqlProtocolServer) -> None:
    with client(mysql) as other:
        other.query("SET @kept = 5")
        async with working(mysql):
            pass
        cursor = other.cursor()
        cursor.execute("SELECT @kept")
        assert cursor.fetchone() == (5,)
