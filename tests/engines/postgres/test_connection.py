from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from dbtui.config import Secret, Target, resolve
from dbtui.engines import create, slots
from dbtui.engines.postgres import server as probing
from dbtui.engines.postgres import session
from dbtui.engines.postgres.connection import Connector
from dbtui.errors import (
    AuthenticationError,
    ConnectError,
    DbtuiError,
    NoSlotsLeft,
    PermissionDenied,
    QueryError,
    QueryTimeout,
    SessionLost,
)
from tests.servers.postgres import PostgresServer
from tests.servers.process import free_port


def target(url: str) -> Target:
    return resolve(url, environ={})


@pytest.fixture
async def connector(postgres: PostgresServer) -> AsyncIterator[Connector]:
    made = Connector(target(postgres.url()))
    yield made
    await made.close()


def sessions(server: PostgresServer) -> list[str]:
    """The console's sessions, as `state transaction-or-not`."""
    rows = server.psql(
        "select state || ' ' || (xact_start is not null) from pg_stat_activity where application_name = 'dbtui'"
    )
    return rows.splitlines()


async def none_left(server: PostgresServer) -> bool:
    async with asyncio.timeout(5):
        while await asyncio.to_thread(sessions, server):
            await asyncio.sleep(0.02)
    return True


# ---- what a session knows


async def test_the_probe_says_who_answers(connector: Connector, postgres: PostgresServer) -> None:
    postgres.psql("create extension if not exists pg_stat_statements schema public")
    monitor = await connector.open("monitor")
    probe, server = monitor.probe, monitor.server
    assert server.version_number // 10000 == postgres.version
    assert server.version.startswith(f"{postgres.version}.")
    assert (server.product, server.role, server.database, server.user) == (
        "PostgreSQL",
        "primary",
        "postgres",
        "postgres",
    )
    assert (server.address, server.encoding, server.pooler) == (
        f"{postgres.socket}:{postgres.port}",
        "UTF8",
        "",
    )
    assert not monitor.pooled
    assert probe.superuser
    assert probe.statements_schema == "public"
    assert probe.statements_version.startswith("1.")
    assert probe.max_connections == 100
    assert probe.has("pg_stat_activity", "query_id")
    assert probe.has("pg_stat_statements", "total_exec_time")
    assert probe.has("pg_stat_checkpointer", "num_timed") == (postgres.version >= 17)
    assert abs(probe.now - time.time()) < 60
    assert server.started is not None
    assert server.started < probe.now
    assert monitor.pid == (await monitor.fetch("select pg_backend_pid()"))[0][0]


async def test_a_role_without_rights_is_seen_as_such(postgres: PostgresServer) -> None:
    postgres.psql("drop role if exists plain; create role plain login")
    connector = Connector(target(postgres.url(user="plain")))
    assert not (await connector.open("monitor")).probe.superuser
    await connector.close()


@pytest.mark.parametrize(
    ("setting", "cloud"),
    [
        ("neon.endpoint_id", "neon"),
        ("rds.extensions", "rds"),
        ("supautils.privileged_extensions", "supabase"),
        ("azure.extensions", "azure"),
        ("cloudsql.logical_decoding", "cloudsql"),
    ],
)
async def test_clouds_are_told_by_their_settings(
    setting: str, cloud: str, postgres18: PostgresServer
) -> None:
    database = postgres18.create_database()
    postgres18.psql(f"alter database \"{database}\" set {setting} = 'x'")
    connector = Connector(target(postgres18.url(database)))
    assert (await connector.open("monitor")).server.cloud == cloud
    await connector.close()


async def test_sessions_are_started_with_our_settings(connector: Connector) -> None:
    monitor = await connector.open("monitor")
    names = (
        "application_name",
        "default_transaction_read_only",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "search_path",
    )
    rows = await monitor.fetch("select current_setting(n) from unnest($1::text[]) n", list(names))
    assert [row[0] for row in rows] == ["dbtui", "on", "15s", "3s", "1min", "pg_catalog"]


async def test_options_of_the_user_come_first_ours_win(postgres: PostgresServer) -> None:
    url = postgres.url() + "&options=-c%20geqo_threshold%3D7%20-c%20default_transaction_read_only%3Doff"
    connector = Connector(target(url))
    work = await connector.open("work")
    row = (
        await work.fetch(
            "select current_setting('geqo_threshold'), current_setting('default_transaction_read_only')"
        )
    )[0]
    assert tuple(row) == ("7", "on")
    await connector.close()


async def test_weird_names(postgres: PostgresServer) -> None:
    database = postgres.create_database('weird name "@/?%')
    postgres.psql('drop role if exists "ann@tenant"; create role "ann@tenant" login')
    connector = Connector(target(postgres.url(database, user="ann@tenant")))
    server = await connector.connect()
    assert (server.database, server.user) == (database, "ann@tenant")
    await connector.close()
    postgres.drop_database(database.replace('"', '""'))


# ---- asking


async def test_a_held_statement_survives_changes(connector: Connector, postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql("create table t(a int8); insert into t values (1)", database)
    work = await connector.open("work", database=database)
    sql = "select * from public.t"
    assert await work.fetch(sql, hold=True) == await work.fetch(sql, hold=True)
    postgres.psql("alter table t add b text default 'x'", database)
    assert dict((await work.fetch(sql, hold=True))[0]) == {"a": 1, "b": "x"}
    await work.fetch("deallocate all")
    assert len(await work.fetch(sql, hold=True)) == 1
    assert work.counters.statements >= 5
    assert work.counters.server_seconds > 0


async def test_questions_take_turns(connector: Connector) -> None:
    monitor = await connector.open("monitor")
    rows = await asyncio.gather(*(monitor.fetch(f"select {n}::int8, pg_sleep(0.01)::text") for n in range(8)))
    assert [row[0][0] for row in rows] == list(range(8))


async def test_errors_carry_code_position_and_hint(connector: Connector) -> None:
    monitor = await connector.open("monitor")
    with pytest.raises(QueryError) as refusal:
        await monitor.fetch("select nmae from pg_class")
    assert (refusal.value.code, refusal.value.position) == ("42703", 8)
    assert await monitor.fetchval("select 1") == 1
    with pytest.raises(QueryError):
        await monitor.fetch("select $1::int8", "not a number")
    assert await monitor.fetchval("select 1") == 1


async def test_a_missing_privilege_comes_with_its_grant(postgres: PostgresServer) -> None:
    postgres.psql(
        'drop table if exists "secret T"; create table "secret T"();'
        "drop role if exists plain2; create role plain2 login"
    )
    connector = Connector(target(postgres.url(user="plain2")))
    work = await connector.open("work")
    with pytest.raises(PermissionDenied) as refusal:
        await work.fetch('select * from public."secret T"')
    assert refusal.value.remedy == 'GRANT SELECT ON "secret T" TO plain2;'
    assert refusal.value.code == "42501"
    await connector.close()


async def test_our_own_timeout_cancels_at_the_server(connector: Connector, postgres: PostgresServer) -> None:
    monitor = await connector.open("monitor")
    with pytest.raises(QueryTimeout):
        await monitor.fetch("select pg_sleep(30)::text", timeout=0.1)
    assert await monitor.fetchval("select 2") == 2
    assert sessions(postgres) == ["idle false"]


async def test_the_servers_timeout_and_a_lock_are_timeouts_too(
    connector: Connector, postgres: PostgresServer
) -> None:
    work = await connector.open("work")
    with pytest.raises(QueryTimeout, match="statement timeout"):
        async with work.reading(timeout=0.2) as raw:
            await raw.fetch("select pg_sleep(30)::text")
    postgres.psql("create table if not exists locked()")
    act = await connector.open("act", writable=True)
    await act.execute("begin; lock table locked")
    with pytest.raises(QueryTimeout, match="lock"):
        async with work.reading(timeout=5, lock_timeout=0.1) as raw:
            await raw.fetch("select * from locked")
    await act.execute("rollback")
    assert await work.fetchval("select 3") == 3


async def test_a_cancelled_task_leaves_the_session_usable(
    connector: Connector, postgres: PostgresServer
) -> None:
    work = await connector.open("work")
    task = asyncio.create_task(work.fetch("select pg_sleep(30)::text", timeout=30))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await work.fetchval("select 4") == 4

    async def read() -> None:
        async with work.reading(timeout=30) as raw:
            await raw.fetch("select pg_sleep(30)::text")

    task = asyncio.create_task(read())
    await asyncio.sleep(0.1)
    await work.cancel()
    with pytest.raises(QueryError) as refusal:
        await task
    assert refusal.value.code == "57014"
    assert not isinstance(refusal.value, QueryTimeout)
    assert await work.fetchval("select 5") == 5
    assert sessions(postgres) == ["idle false"]


async def test_a_lost_session_says_so_and_work_opens_another(
    connector: Connector, postgres: PostgresServer
) -> None:
    await connector.connect()
    work = connector.work()
    async with work.use() as first:
        pid = first.pid
        postgres.psql(f"select pg_terminate_backend({pid}, 2000)")
        with pytest.raises(SessionLost):
            await first.fetch("select 1")
        assert first.closed
    async with work.use() as second:
        assert second.pid != pid
        assert await second.fetchval("select 1") == 1


async def test_work_moves_between_databases_with_one_session(
    connector: Connector, postgres: PostgresServer
) -> None:
    await connector.connect()
    other = postgres.create_database()
    work = connector.work()
    seen = []
    for database in ("", other, other, ""):
        async with work.use(database) as connection:
            seen.append((await connection.fetchval("select current_database()::text"), connection.pid))
    assert [name for name, _ in seen] == ["postgres", other, other, "postgres"]
    assert seen[1][1] == seen[2][1]
    assert len(sessions(postgres)) == 2


async def test_reading_pages_through_a_cursor(connector: Connector, postgres: PostgresServer) -> None:
    work = await connector.open("work")
    async with work.reading(timeout=10) as raw:
        cursor = await raw.cursor("select n::int8 from generate_series(1, 1200) n")
        pages = [len(await cursor.fetch(500)) for _ in range(3)]
    assert pages == [500, 500, 200]
    with pytest.raises(ZeroDivisionError):
        async with work.reading(timeout=10):
            raise ZeroDivisionError
    assert sessions(postgres) == ["idle false"]


async def test_a_writing_session_writes(connector: Connector, postgres: PostgresServer) -> None:
    act = await connector.open("act", writable=True)
    await act.execute("drop table if exists w; create table w(n int)")
    assert await act.execute("insert into w values (1), (2)") == "INSERT 0 2"
    await act.close()
    work = await connector.open("work")
    with pytest.raises(AssertionError):
        await work.execute("select 1")
    assert postgres.psql("select count(*) from w") == "2"


# ---- leaving


async def test_at_most_three_sessions_and_none_after_closing(
    connector: Connector, postgres: PostgresServer
) -> None:
    await connector.connect()
    for purpose in ("monitor", "work", "act", "monitor", "work"):
        await connector.open(purpose)  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while len(await asyncio.to_thread(sessions, postgres)) != 3:
            await asyncio.sleep(0.02)
    await connector.close()
    assert await none_left(postgres)


async def test_closing_ends_a_running_statement(connector: Connector, postgres: PostgresServer) -> None:
    work = await connector.open("work")
    running = asyncio.create_task(work.fetch("select pg_sleep(60)::text", timeout=60))
    await asyncio.sleep(0.1)
    await connector.close()
    with pytest.raises(DbtuiError):
        await running
    assert await none_left(postgres)


async def test_a_statement_whose_client_is_gone_ends(connector: Connector, postgres: PostgresServer) -> None:
    work = await connector.open("work")

    async def sleep() -> None:
        async with work.reading(timeout=60) as raw:
            await raw.fetch("select pg_sleep(60)::text")

    running = asyncio.create_task(sleep())
    while "active true" not in await asyncio.to_thread(sessions, postgres):
        await asyncio.sleep(0.02)
    work.abort()
    with pytest.raises(DbtuiError):
        await running
    assert await none_left(postgres)


async def test_a_statement_between_two_messages_is_lost_like_any_other(connector: Connector) -> None:
    work = await connector.open("work")
    raw = work._raw
    half = await raw._get_statement("select 1", 5.0)
    work.abort()
    assert work.closed
    with pytest.raises(asyncpg.InterfaceError):
        await raw._protocol.bind_execute(half, (), "", 0, True, 5.0)


async def test_an_engine_opens_and_leaves(postgres: PostgresServer) -> None:
    engine = create(target(postgres.url()))
    server = await engine.open()
    assert server.version_number // 10000 == postgres.version
    assert engine.name == "postgres"
    await engine.close()
    assert await none_left(postgres)


# ---- trouble on the way in


async def failure(url: str, **more: object) -> DbtuiError:
    connector = Connector(replace(target(url), **more))  # type: ignore[arg-type]
    try:
        with pytest.raises(DbtuiError) as raised:
            await connector.connect()
    finally:
        await connector.close()
    assert "hunter2" not in f"{raised.value} {raised.value!r}"
    assert raised.value.hint
    assert "\n" not in str(raised.value)
    return raised.value


async def test_a_wrong_password(postgres: PostgresServer) -> None:
    error = await failure(postgres.url(tcp=True, password="hunter2"))
    assert isinstance(error, AuthenticationError)
    assert "refused user postgres or its password" in error.message


async def test_no_such_database_or_role(postgres: PostgresServer) -> None:
    assert "there is no database nowhere" in (await failure(postgres.url("nowhere"))).message
    error = await failure(postgres.url(user="nobody_known"))
    assert isinstance(error, AuthenticationError)
    assert 'role "nobody_known" does not exist' in error.message
    postgres.psql("drop role if exists nologin; create role nologin nologin")
    error = await failure(postgres.url(user="nologin"))
    assert "not permitted to log in" in error.message
    assert "LOGIN" in error.hint


async def test_a_role_that_may_not_connect(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(f"revoke connect on database {database} from public")
    role = f"not_invited_{database}"
    postgres.psql(f"create role {role} login")
    error = await failure(postgres.url(database, user=role))
    assert error.hint == f"GRANT CONNECT ON DATABASE {database} TO {role};"


async def test_an_unknown_host() -> None:
    assert "is unknown" in (await failure("postgresql://u:hunter2@no-such-host.invalid/d")).message


async def test_nobody_listens(tmp_path: Path) -> None:
    assert "nothing listens" in (await failure(f"postgresql://u@127.0.0.1:{free_port()}/d")).message
    assert "there is no socket" in (await failure(f"postgresql:///d?host={tmp_path}&user=u")).message


@contextlib.contextmanager
def listener(answer: bytes | None = None) -> Iterator[int]:
    """A port that accepts; it sends `answer` to whoever connects and hangs up, or never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        loop = asyncio.get_running_loop()
        held: list[socket.socket] = []

        def accept() -> None:
            held.append(server.accept()[0])
            if answer is not None:
                held[-1].send(answer)
                held.pop().close()

        loop.add_reader(server, accept)
        try:
            yield server.getsockname()[1]
        finally:
            loop.remove_reader(server)
            for each in held:
                each.close()


async def test_a_server_that_accepts_and_never_answers() -> None:
    with listener() as port:
        error = await failure(f"postgresql://u:hunter2@127.0.0.1:{port}/d?connect_timeout=2")
    assert "does not answer" in error.message


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x01garbage", b"N" * 50])
async def test_something_that_is_no_postgres(answer: bytes) -> None:
    with listener(answer) as port:
        error = await failure(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable&connect_timeout=2")
    assert isinstance(error, ConnectError)


async def test_a_server_that_starts() -> None:
    """The words are those of a server that replays its log after a crash."""
    said = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    with listener(b"E" + (len(said) + 4).to_bytes(4, "big") + said) as port:
        error = await failure(f"postgresql://u@127.0.0.1:{port}/d?sslmode=disable&connect_timeout=2")
    assert "takes no connections now: the database system is starting up" in error.message


async def test_a_stalled_server_holds_up_nobody(postgres18: PostgresServer) -> None:
    with PostgresServer(18) as server:
        connector = Connector(target(server.url()))
        monitor = await connector.open("monitor")
        busy = asyncio.create_task(monitor.fetch("select pg_sleep(60)::text", timeout=60))
        await asyncio.sleep(0.1)
        with server.stalled():
            async with asyncio.timeout(3):
                await connector.close()
            with pytest.raises(DbtuiError):
                await busy


async def test_an_unanswered_question_then_a_lost_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PING", 0.5)
    with PostgresServer(18) as server:
        connector = Connector(target(server.url()))
        monitor = await connector.open("monitor")
        os.kill(monitor.pid, signal.SIGSTOP)
        try:
            with pytest.raises(QueryTimeout):
                await monitor.fetch("select 1", timeout=0.2)
            with pytest.raises(SessionLost, match="does not answer"):
                await monitor.fetch("select 1", timeout=5)
            assert monitor.closed
        finally:
            os.kill(monitor.pid, signal.SIGCONT)
        assert await (await connector.open("monitor")).fetchval("select 1") == 1
        await connector.close()


async def test_no_slot_is_left_and_the_reserved_ones_are_told() -> None:
    settings = {
        "max_connections": "6",
        "superuser_reserved_connections": "2",
        "reserved_connections": "1",
        "max_wal_senders": "0",
        "autovacuum": "off",
    }
    with PostgresServer(18, settings) as server:
        server.psql(
            "create role plain login; create role keeper login; grant pg_use_reserved_connections to keeper"
        )
        held = [Connector(target(server.url(user="plain"))) for _ in range(3)]
        for each in held:
            await each.connect()
        error = await failure(server.url(user="plain"))
        assert isinstance(error, NoSlotsLeft)
        assert "GRANT pg_use_reserved_connections TO plain" in error.hint
        keeper = Connector(target(server.url(user="keeper")))
        assert (await keeper.connect()).user == "keeper"
        error = await failure(server.url(user="keeper"))
        assert isinstance(error, NoSlotsLeft)
        assert "superuser" in error.hint
        admins = [Connector(target(server.url())) for _ in range(2)]
        for each in admins:
            await each.connect()
        error = await failure(server.url())
        assert isinstance(error, NoSlotsLeft)
        assert "even the reserved ones" in error.hint
        await admins[0].close()
        for each in (*held, keeper, *admins):
            await each.close()
        assert await none_left(server)
        server.psql("alter role plain connection limit 0")
        assert "its own limit" in (await failure(server.url(user="plain"))).hint


# ---- passwords


async def test_the_password_source_is_asked_at_every_connect(postgres: PostgresServer) -> None:
    asked = 0

    async def source() -> Secret:
        nonlocal asked
        asked += 1
        return Secret(postgres.password)

    clean = target(postgres.url(tcp=True))
    connector = Connector(replace(clean, password=source))
    await connector.open("monitor")
    await connector.open("work")
    await connector.open("monitor")
    assert asked == 3
    await connector.close()


async def test_a_prompt_comes_only_when_wanted_and_once(postgres: PostgresServer) -> None:
    answers = [Secret(postgres.password)]

    async def prompt() -> Secret | None:
        return answers.pop(0) if answers else None

    trusted = Connector(replace(target(postgres.url()), prompt=prompt))
    await trusted.connect()
    assert len(answers) == 1
    await trusted.close()
    asking = Connector(replace(target(postgres.url(tcp=True)), password=None, prompt=prompt))
    await asking.open("monitor")
    await asking.open("work")
    assert answers == []
    await asking.close()
    wrong = [Secret("hunter2"), Secret(postgres.password)]
    retried = Connector(
        replace(target(postgres.url(tcp=True)), password=None, prompt=lambda: asyncio.sleep(0, wrong.pop(0)))
    )
    with pytest.raises(AuthenticationError, match="refused user"):
        await retried.connect()
    await retried.connect()
    await retried.close()
    unasked = Connector(replace(target(postgres.url(user="nobody_known")), prompt=prompt))
    with pytest.raises(AuthenticationError, match="does not exist"):
        await unasked.connect()
    with pytest.raises(AuthenticationError, match="no password was given"):
        await Connector(replace(target(postgres.url(tcp=True)), password=None, prompt=prompt)).connect()


async def test_passwords_from_the_environment_and_the_password_file(
    postgres: PostgresServer, clean_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = replace(target(postgres.url(tcp=True)), password=None)
    file = clean_home / ".pgpass"
    file.write_text(f"127.0.0.1:{postgres.port}:*:postgres:{postgres.password}\n")
    file.chmod(0o644)
    connector = Connector(clean)
    with pytest.raises(AuthenticationError, match="chmod 0600"):
        await connector.connect()
    file.chmod(0o600)
    await connector.connect()
    await connector.close()
    file.unlink()
    monkeypatch.setenv("PGPASSWORD", postgres.password)
    connector = Connector(clean)
    await connector.connect()
    await connector.close()


# ---- several hosts


async def test_hosts_are_tried_in_order(postgres: PostgresServer) -> None:
    url = f"postgresql://postgres:{postgres.password}@127.0.0.1:{free_port()},127.0.0.1:{postgres.port}/postgres"
    connector = Connector(target(url))
    assert (await connector.connect()).address == f"127.0.0.1:{postgres.port}"
    await connector.close()
    connector = Connector(target(f"{url}?target_session_attrs=prefer-standby&load_balance_hosts=random"))
    assert (await connector.connect()).role == "primary"
    await connector.close()
    error = await failure(postgres.url(target_session_attrs="standby"))
    assert "is a primary" in error.message


async def test_a_cloud_that_hides_its_settings(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting that is hidden from plain users everywhere stands in for a cloud's."""
    postgres.psql("drop role if exists plain3; create role plain3 login")
    hidden = "CASE WHEN current_setting('shared_preload_libraries') <> '' THEN 'x' ELSE '' END"
    monkeypatch.setattr(probing, "PROBE", probing.PROBE.replace(probing._CLOUD, hidden))
    monkeypatch.setattr(probing, "_CLOUD", hidden)
    connector = Connector(target(postgres.url(user="plain3")))
    assert (await connector.connect()).cloud == ""
    await connector.close()


async def test_actions_wait_for_each_other(connector: Connector, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await connector.open("act")
    second = asyncio.create_task(connector.open("act"))
    await asyncio.sleep(0.05)
    assert not second.done()
    await first.close()
    assert await (await second).fetchval("select 1") == 1
    monkeypatch.setattr(slots, "_ACTION_LIMIT", 0.05)
    with pytest.raises(ConnectError, match="another action"):
        await connector.open("act")
    assert await (await second).fetchval("select 2") == 2


async def test_a_session_that_opens_while_leaving_is_dropped(
    connector: Connector, postgres: PostgresServer
) -> None:
    opening = asyncio.create_task(connector.open("work"))
    await asyncio.sleep(0)
    await connector.close()
    with pytest.raises(ConnectError, match="being left"):
        await opening
    assert await none_left(postgres)


async def test_a_server_that_shuts_down() -> None:
    with PostgresServer(18) as server:
        way = Connector(target(server.url()))
        monitor = await way.open("monitor")
        os.kill(server.pid, signal.SIGTERM)  # waits for sessions, and lets no new one in
        async with asyncio.timeout(5):
            while True:
                late = Connector(target(server.url()))
                try:
                    await late.connect()
                except ConnectError as refusal:
                    assert "takes no connections now" in refusal.message
                    break
                finally:
                    await late.close()
        os.kill(server.pid, signal.SIGINT)  # ends the sessions
        with pytest.raises(SessionLost):
            while True:
                await monitor.fetch("select 1")
        with pytest.raises(SessionLost):
            await monitor.fetch("select 1")
        await way.close()


async def test_keep_alive_is_set_as_libpq_would(postgres18: PostgresServer) -> None:
    way = Connector(target(postgres18.url(tcp=True, keepalives_idle="77", tcp_user_timeout="9000")))
    raw = (await way.open("work"))._raw
    handle = raw._transport.get_extra_info("socket")
    assert handle.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    if hasattr(socket, "TCP_KEEPIDLE"):
        assert handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
    await way.close()
