from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.exceptions import MovedError

from dbtui.engines import create
from dbtui.engines.redis.address import read
from dbtui.engines.redis.connection import Connector
from dbtui.engines.redis.engine import RedisEngine
from dbtui.engines.redis.failures import described
from dbtui.engines.redis.server import Probe, server
from dbtui.errors import (
    AuthenticationError,
    ConfigError,
    ConnectError,
    DbtuiError,
    NoSlotsLeft,
    QueryError,
    QueryTimeout,
    SessionLost,
)
from dbtui.secrets import Secret
from tests.engines.redis.opened import engine, reach, target, user
from tests.servers.process import free_port
from tests.servers.redis import RedisServer


async def failure(url: str) -> DbtuiError:
    """What a connection ends with; its text never holds a password."""
    made = RedisEngine(target(url))
    with pytest.raises(DbtuiError) as caught:
        await made.open()
    await made.close()
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def names(server: RedisServer) -> list[str]:
    """The names of the clients that are connected, but for the asking one."""
    with server.client() as admin:
        return [each["name"] for each in admin.client_list() if each["cmd"] != "client|list"]


async def test_the_server_says_who_it_is_whatever_the_url_says(redis: RedisServer) -> None:
    for scheme in ("redis", "valkey"):
        made = create(target(redis.url(2, scheme=scheme)))
        server = await made.open()
        await made.close()
        assert server.product == redis.product.capitalize()
        assert server.version_number >= {"Redis": 80000, "Valkey": 90000}[server.product]
        assert server.version.startswith(str(server.version_number // 10000) + ".")
        assert (server.role, server.user, server.database) == ("primary", "default", "2")
        assert server.address == f"127.0.0.1:{redis.port}"
        assert server.started is not None
        assert any("read-only is kept by the console" in note for note in server.notes)


async def test_sessions_are_named_at_most_three_and_gone_after_closing(redis: RedisServer) -> None:
    connector = Connector(target(redis.url()))
    await connector.connect()
    for _ in range(2):
        for purpose in ("monitor", "work"):
            await connector.open(purpose)
    act = await connector.open("act")
    await reach(lambda: names(redis) == ["dbtui"] * 3)
    act.abort()
    await connector.close()
    await reach(lambda: not names(redis))


async def test_over_a_socket(redis: RedisServer) -> None:
    async with engine(f"redis://{redis.socket}?db=1") as made:
        assert (made._connector.server.address, made._connector.server.database) == (str(redis.socket), "1")


async def test_a_user_with_a_password_that_needs_quoting(redis: RedisServer) -> None:
    with redis.client() as admin:
        admin.execute_command("ACL", "SETUSER", "ann@home", "on", ">p/a:s#s?é", "+@all", "~*")
    async with engine(f"redis://ann%40home:p%2Fa%3As%23s%3F%C3%A9@127.0.0.1:{redis.port}") as made:
        assert made._connector.server.user == "ann@home"
    assert isinstance(
        await failure(redis.url(user="ann@home".replace("@", "%40"), password="secret")), AuthenticationError
    )


async def test_a_password_that_is_wrong_or_missing(redis: RedisServer) -> None:
    with RedisServer(redis.product, {"requirepass": "secret"}) as closed:
        error = await failure(closed.url())
        assert isinstance(error, AuthenticationError)
        assert "wants a password" in str(error)
        error = await failure(closed.url(password="secretly"))
        assert isinstance(error, AuthenticationError)
        assert "refused user default or its password" in str(error)
        async with engine(closed.url(password="secret")) as made:
            assert made._connector.server.user == "default"
        await the_prompt_comes_once_and_only_when_wanted(closed)


async def the_prompt_comes_once_and_only_when_wanted(closed: RedisServer) -> None:
    asked: list[None] = []

    async def prompt() -> Secret | None:
        asked.append(None)
        return Secret("secret")

    async def nothing() -> Secret | None:
        return None

    connector = Connector(replace(target(closed.url()), prompt=prompt))
    await connector.connect()
    await connector.open("work")
    assert len(asked) == 1
    await connector.close()
    refused = Connector(replace(target(closed.url()), prompt=nothing))
    with pytest.raises(AuthenticationError, match="no password was given"):
        await refused.connect()


async def test_the_password_source_is_asked_at_every_connect(redis: RedisServer) -> None:
    words = iter(("first", "second"))

    async def source() -> Secret:
        return Secret(next(words))

    with user(redis, "+@all", ">first") as name:
        connector = Connector(replace(target(redis.url(user=name)), password=source))
        await connector.connect()
        with redis.client() as admin:
            admin.execute_command("ACL", "SETUSER", name, "resetpass", ">second")
        await connector.open("work")
        await connector.close()


async def test_a_user_that_is_switched_off(redis: RedisServer) -> None:
    with user(redis, "+@all", "off") as name:
        assert isinstance(await failure(redis.url(user=name, password="secret")), AuthenticationError)


async def test_a_user_without_any_right_connects_and_is_known(redis: RedisServer) -> None:
    with user(redis, "-@all") as name:
        async with engine(redis.url(user=name, password="secret")) as made:
            server = made._connector.server
            assert (server.product, server.user) == (redis.product.capitalize(), name)
            assert server.version


async def test_hosts_that_cannot_be_reached(tmp_path: Path) -> None:
    assert "the host of nowhere.invalid:6379 is unknown" in str(await failure("redis://nowhere.invalid"))
    assert "nothing listens at 127.0.0.1:1" in str(await failure("redis://127.0.0.1:1"))
    assert "there is no socket" in str(await failure(f"redis://{tmp_path}/none"))


@contextlib.contextmanager
def listener(answer: bytes | None = None) -> Iterator[int]:
    """A port that accepts; it sends `answer` to whoever connects and hangs up, or never says anything."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    if answer is None:
                        kept.append(peer)
                    else:
                        peer.recv(4096)
                        peer.sendall(answer)
                        peer.close()

        threading.Thread(target=accept, daemon=True).start()
        yield int(server.getsockname()[1])
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
    for peer in kept:
        peer.close()


async def test_a_server_that_accepts_and_never_answers() -> None:
    with listener() as port:
        assert "does not answer" in str(await failure(f"redis://127.0.0.1:{port}?timeout=0.3"))
        error = await failure(f"rediss://127.0.0.1:{port}?timeout=0.3")
        assert "does not answer" in str(error)
        assert "redis://" in error.hint


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks another protocol"),
        (b"\x00\x01\x02\xff" * 50, "closed the connection"),
        (b"", "closed the connection"),
        (b"*1000000\r\n" + b"*1\r\n" * 5000, "no connection to"),
        (b"-ERR max number of clients reached\r\n", "maxclients"),
        (b"-DENIED Redis is running in protected mode because ...\r\n", "protected mode"),
    ],
)
async def test_something_that_is_not_what_was_hoped_for(answer: bytes, message: str) -> None:
    with listener(answer) as port:
        error = await failure(f"redis://127.0.0.1:{port}?timeout=5")
        assert isinstance(error, ConnectError)
        assert message in str(error)


async def test_all_connections_are_taken(redis: RedisServer) -> None:
    with RedisServer(redis.product, {"maxclients": "1"}) as server, server.client() as admin:
        assert admin.ping()
        assert isinstance(await failure(server.url()), NoSlotsLeft)


async def test_a_proxy_without_hello_is_spoken_to_in_the_older_protocol(redis: RedisServer) -> None:
    with RedisServer(redis.product, {"rename-command": ("HELLO", "")}) as old:
        async with engine(old.url(1)) as made:
            assert made._connector.server.product == redis.product.capitalize()
            assert await made.catalog.children(None)
            page = await (await made.query.run("CONFIG GET maxmemory")).fetch()
            assert page.rows == (("maxmemory", "0"),)
    async with engine(redis.url() + "?protocol=2") as made:
        assert (await (await made.query.run("ZRANGE none 0 -1 WITHSCORES")).fetch()).rows == ()


async def test_tls_is_asked_for_and_checked(redis: RedisServer, tmp_path: Path) -> None:
    with RedisServer(redis.product, tls=True) as secure:
        root = shutil.copy(secure.root_certificate, tmp_path / "root.crt")
        place = f"localhost:{secure.port}"
        async with engine(f"rediss://{place}?ssl_ca_certs={root}") as made:
            assert made._connector.server.product == redis.product.capitalize()
        async with engine(f"valkeys://{place}?ssl_cert_reqs=none"):
            pass
        assert "certificate" in str(await failure(f"rediss://{place}"))
        assert "certificate" in str(await failure(f"rediss://127.0.0.1:{secure.port}?ssl_ca_certs={root}"))
        async with engine(f"rediss://127.0.0.1:{secure.port}?ssl_ca_certs={root}&ssl_check_hostname=false"):
            pass
        plain = await failure(f"redis://{place}?timeout=2")
        assert "rediss://" in plain.hint
    (tmp_path / "empty").touch()
    for option in ("ssl_ca_certs", "ssl_certfile"):
        for file in (tmp_path / "empty", tmp_path / "nowhere"):
            assert isinstance(await failure(f"rediss://{place}?{option}={file}"), ConfigError)


async def test_a_stalled_server_holds_up_nobody(redis: RedisServer) -> None:
    with RedisServer(redis.product) as server:
        connector = Connector(target(server.url() + "?timeout=0.3"))
        await connector.connect()
        connection = await connector.open("work")
        with server.stalled():
            with pytest.raises(QueryTimeout, match="has not answered"):
                await connection.ask("PING", timeout=0.2)
            with pytest.raises(SessionLost):
                await connection.ask("PING", timeout=0.2)
            with pytest.raises(ConnectError, match="does not answer"):
                await connector.open("work")
            async with asyncio.timeout(1):
                await connector.close()


async def test_a_lost_session_says_so_and_work_opens_another(redis: RedisServer) -> None:
    connector = Connector(target(redis.url()))
    await connector.connect()
    work = connector.work()
    async with work.use("3") as first:
        with redis.client() as admin:
            admin.execute_command("CLIENT", "KILL", "ID", first.probe.id)
        with pytest.raises(SessionLost):
            await first.ask("PING")
    async with work.use("3") as second:
        assert second is not first
        assert await second.ask("CLIENT", "INFO")
        assert b" db=3 " in await second.ask("CLIENT", "INFO")
    await connector.close()


async def test_a_cancelled_question_ends_its_session_and_not_the_next(redis: RedisServer) -> None:
    connector = Connector(target(redis.url()))
    await connector.connect()
    work = connector.work()
    async with work.use() as first:
        waiting = asyncio.create_task(first._send([("BLPOP", "none", 0)], 30))
        await reach(lambda: redis.blocked() == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert first.closed
    async with work.use() as second:
        assert await second.ask("EXISTS", "none") == 0
    await connector.close()


async def test_databases_that_are_not_there(redis: RedisServer) -> None:
    async with engine(redis.url(999)) as made:
        with pytest.raises(QueryError, match="out of range"):
            await made.catalog.children(None)
        with pytest.raises(QueryError, match="no database"):
            await made.query.run("PING", database="main")


async def test_a_node_of_a_cluster_tells_what_it_lacks(redis: RedisServer) -> None:
    with (
        RedisServer(redis.product, {"cluster-enabled": "yes", "cluster-port": str(free_port())}) as node,
        node.client() as admin,
    ):
        async with engine(node.url()) as made:
            assert any("one node of a cluster" in note for note in made._connector.server.notes)
            with pytest.raises(QueryError, match="slot not served") as caught:
                await made.query.run("GET a")
            assert "CLUSTER NODES" in caught.value.hint
            admin.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            await reach(lambda: admin.cluster("info")["cluster_state"] == "ok")
            assert (await (await made.query.run("GET a")).fetch()).rows == ((None,),)
            with pytest.raises(QueryError, match="one slot"):
                await made.query.run("MGET a b")


@pytest.mark.parametrize(
    ("info", "product", "version", "role", "note"),
    [
        ({"redis_mode": "sentinel", "redis_version": "8.0.6"}, "Redis", "8.0.6", "sentinel", "is a Sentinel"),
        ({"redis_version": "5.0.14", "role": "slave"}, "Redis", "5.0.14", "replica", "older than 6.0"),
        ({"valkey_version": "12.3.4", "redis_version": "7.2.4"}, "Valkey", "12.3.4", "", ""),
        ({"redis_version": "7.4.0", "dragonfly_version": "df-v1.30.0"}, "Dragonfly", "1.30.0", "", ""),
        ({"redis_version": "6.3.4", "executable": "/usr/bin/keydb-server"}, "KeyDB", "6.3.4", "", ""),
        ({"redis_version": "next"}, "Redis", "next", "", ""),
        ({}, "Redis", "", "", ""),
    ],
)
def test_relatives_and_versions_to_come(
    info: dict[str, str], product: str, version: str, role: str, note: str
) -> None:
    seen = server(Probe(info=info), read("redis://db"), ())
    assert (seen.product, seen.version, seen.role) == (product, version, role)
    assert not note or any(note in each for each in seen.notes)
    assert bool(note) == (len(seen.notes) > 1)


def test_a_key_of_another_node_says_where_it_is() -> None:
    error = described(MovedError("3999 10.0.0.7:6379", status_code="MOVED"), "ann")
    assert str(error) == "another node of the cluster holds that key: slot 3999: connect to 10.0.0.7:6379"
