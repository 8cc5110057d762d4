"""The way to a server: URLs, logins, TLS, tunnels, servers that are not there, and leaving without waiting."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.config import resolve
from dbtui.engines import create
from dbtui.engines.mongodb import activity, client
from dbtui.engines.mongodb.engine import MongoEngine
from dbtui.engines.mongodb.location import locate
from dbtui.errors import AuthenticationError, ConnectError, DbtuiError, NoSlotsLeft, SessionLost, UsageError
from dbtui.model.snapshot import Snapshot
from dbtui.secrets import Secret, known
from tests.engines.mongodb.replay import Replay, refused
from tests.engines.mongodb.support import opened, target_of
from tests.engines.test_tunnel import ssh as ssh
from tests.servers.ferretdb import FerretServer
from tests.servers.process import free_port


async def refusal(url: str, **more: object) -> ConnectError:
    engine = MongoEngine(target_of(url, **more))
    try:
        with pytest.raises(ConnectError) as raised:
            await engine.open()
    finally:
        await engine.close()
    assert "\n" not in str(raised.value)
    return raised.value


async def test_the_product_that_answers_is_named(ferretdb: FerretServer) -> None:
    engine = create(resolve(ferretdb.url("shop")))
    server = await engine.open()
    await engine.close()
    assert (server.product, server.role, server.database, server.user) == (
        "FerretDB",
        "primary",
        "shop",
        "admin",
    )
    assert server.version.startswith("2.") and server.version_number >= 20000
    assert server.address == f"127.0.0.1:{ferretdb.port}"
    assert server.started is not None
    assert any("answers as MongoDB 7.0" in note and "DocumentDB" in note for note in server.notes)
    assert any("lets every user write" in note for note in server.notes)


async def test_a_wrong_password_is_said_so_and_not_shown(ferretdb: FerretServer) -> None:
    error = await refusal(ferretdb.url(password="geheim-17"))
    assert isinstance(error, AuthenticationError)
    assert "refuses user admin" in str(error) and "authSource" in error.hint
    assert "geheim-17" not in str(error) + repr(error)


async def test_without_a_user_the_server_asks_for_one(ferretdb: FerretServer) -> None:
    async with opened(f"mongodb://127.0.0.1:{ferretdb.port}/shop") as engine:
        assert engine.catalog is not None
        with pytest.raises(DbtuiError, match="give a user and a password"):
            await engine.catalog.children(None)


async def test_a_password_is_asked_for_when_none_is_given(ferretdb: FerretServer) -> None:
    asked: list[int] = []

    async def prompt() -> Secret | None:
        asked.append(1)
        return Secret(ferretdb.password)

    url = f"mongodb://admin@127.0.0.1:{ferretdb.port}/"
    engine = MongoEngine(target_of(url, prompt=prompt))
    assert (await engine.open()).user == "admin"
    await engine.monitor.reconnect()
    await engine.close()
    assert asked == [1]


async def test_a_password_command_is_asked(ferretdb: FerretServer) -> None:
    url = f"mongodb://admin@127.0.0.1:{ferretdb.port}/"
    async with opened(url, password=known(Secret(ferretdb.password))) as engine:
        assert engine.monitor.metrics


async def test_nobody_listens_there() -> None:
    port = free_port()
    error = await refusal(f"mongodb://127.0.0.1:{port}/")
    assert f"127.0.0.1:{port} refuses connections" in str(error)


async def test_every_server_of_the_url_is_tried(ferretdb: FerretServer) -> None:
    error = await refusal(f"mongodb://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/?replicaSet=rs0")
    assert "and 1 more refuses connections" in str(error)


async def test_a_name_that_nobody_knows() -> None:
    assert "is not known" in str(await refusal("mongodb://no-such-host.invalid/"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for the driver to give up waits a second."""
    monkeypatch.setattr(client, "CONNECT_LIMIT", 2.0)


async def test_a_server_that_accepts_and_says_nothing(ferretdb: FerretServer, impatient: None) -> None:
    with ferretdb.stalled():
        assert "does not answer" in str(await refusal(ferretdb.url()))


async def test_another_protocol_answers() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n" * 4)
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    error = await refusal(f"mongodb://127.0.0.1:{port}/")
    server.close()
    assert f"127.0.0.1:{port}" in str(error)


async def test_a_server_that_closes_at_once_may_have_no_connection_left() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    error = await refusal(f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    assert "closes the connection" in str(error) and "no connection left" in error.hint


async def test_a_store_without_connections_is_said_so() -> None:
    taken = refused(1, "FATAL: sorry, too many clients already (SQLSTATE 53300)")
    async with Replay({"connectionStatus": taken}) as server:
        assert isinstance(await refusal(server.url), NoSlotsLeft)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mongodb://", "no URL of MongoDB"),
        ("mongodb://host:port/", "cannot be read"),
        ("mongodb://127.0.0.1/?tlsCAFile=/nonexistent/ca.pem&tls=true", "/nonexistent/ca.pem|No such file"),
        ("mongodb://127.0.0.1:1,127.0.0.1:2/?directConnection=true", "the URL cannot be used"),
    ],
)
async def test_a_url_that_cannot_be_used(url: str, said: str) -> None:
    with pytest.raises((UsageError, ConnectError), match=said):
        async with opened(url):
            pass


def test_urls_are_read_without_dns() -> None:
    one = locate("mongodb+srv://shop@cluster0.example.mongodb.net/orders?retryWrites=true")
    assert (one.srv, one.user, one.database, one.tls) == (True, "shop", "orders", True)
    assert one.place == "cluster0.example.mongodb.net"
    many = locate("mongodb://h1,[::1]:27018,%2Ftmp%2Fmongodb.sock/?TLS=false")
    assert many.hosts == (("h1", 27017), ("::1", 27018), ("/tmp/mongodb.sock", None))
    assert many.options == {"tls": "false"}
    assert many.through("127.0.0.1", 5) == "mongodb://127.0.0.1:5/?TLS=false"


def test_srv_urls_keep_their_scheme() -> None:
    target = resolve("mongodb+srv://shop:pw@cluster0.example.net/orders")
    assert target.scheme == "mongodb"
    assert target.url == "mongodb+srv://shop@cluster0.example.net/orders"


async def test_srv_names_that_do_not_exist() -> None:
    error = await refusal("mongodb+srv://cluster0.no-such-zone.invalid/")
    assert "cluster0.no-such-zone.invalid" in str(error)


async def test_through_a_tunnel(ferretdb: FerretServer, ssh) -> None:  # type: ignore[no-untyped-def]
    log = ssh("")
    target = target_of(ferretdb.url("shop"), ssh="bastion")
    engine = MongoEngine(target)
    server = await engine.open()
    await engine.close()
    assert log.read_text().split()[1] == "bastion"
    assert server.address == f"127.0.0.1:{ferretdb.port}"
    assert any("through ssh bastion" in note for note in server.notes)


async def test_tls_wants_a_certificate_that_is_trusted(ferretdb_tls: FerretServer, impatient: None) -> None:
    wanted = ferretdb_tls.tls_url()
    assert "is not trusted" in str(await refusal(wanted))
    async with opened(f"{wanted}&tlsCAFile={ferretdb_tls.certificate}") as engine:
        assert engine.catalog is not None
        await engine.catalog.children(None)
    assert "does not answer with TLS" in str(await refusal(ferretdb_tls.url(tls="true")))
    plain = ferretdb_tls.tls_url().replace("tls=true", "tls=false")
    assert await refusal(plain)


async def test_tls_through_a_tunnel_looks_for_the_servers_own_name(ferretdb_tls: FerretServer, ssh) -> None:  # type: ignore[no-untyped-def]
    ssh("")
    url = f"{ferretdb_tls.tls_url()}&tlsCAFile={ferretdb_tls.certificate}"
    assert "localhost" in url
    async with opened(url, ssh="bastion") as engine:
        assert engine.monitor.metrics


LEAVE = """
import asyncio, sys
from dbtui.config import resolve
from dbtui.engines import create
from dbtui.errors import DbtuiError

async def main():
    engine = create(resolve(sys.argv[1]))
    await engine.open()
    print("open", flush=True)
    sys.stdin.readline()
    asked = asyncio.ensure_future(engine.query.run("db.orders.find()", timeout=600))
    await asyncio.sleep(0.2)
    await engine.close()
    asked.cancel()
    await asyncio.wait({asked}, timeout=1)

asyncio.run(main())
"""


def test_leaving_does_not_wait_for_a_server_that_is_stuck(ferretdb: FerretServer) -> None:
    """The interpreter would join the driver's threads, which wait for an answer for ten minutes here."""
    with subprocess.Popen(
        [sys.executable, "-c", LEAVE, ferretdb.url("shop")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "open\n"
        with ferretdb.stalled():
            _, said = process.communicate("\n", timeout=20)
    assert process.returncode == 0, said


async def test_a_lost_server_is_connected_anew(
    ferretdb: FerretServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "_FAST", 1.0)
    async with opened(ferretdb.url("shop")) as engine:
        source, snapshot = engine.monitor.sources[0], Snapshot(at=0)
        await source.fetch(snapshot)
        with ferretdb.down():
            with pytest.raises(SessionLost, match="opened again by itself"):
                await source.fetch(snapshot)
            with pytest.raises(ConnectError, match="refuses connections"):
                await engine.monitor.reconnect()
        assert (await engine.monitor.reconnect()).product == "FerretDB"
        assert (await source.fetch(snapshot))["counters"]


async def test_roles_of_recorded_servers() -> None:
    async with Replay({}, hello="hello-7.0-secondary") as server:
        engine = MongoEngine(target_of(server.url))
        seen = await engine.open()
        await engine.close()
    assert (seen.product, seen.version, seen.role, seen.address) == (
        "MongoDB",
        "7.0.12",
        "replica",
        "db-02:27017",
    )
    assert any("its primary is db-01:27017" in note for note in seen.notes)
    async with Replay({}, hello="hello-6.0-mongos") as server:
        engine = MongoEngine(target_of(server.url))
        seen = await engine.open()
        await engine.close()
    assert seen.role == "router" and any("mongos" in note for note in seen.notes)
    async with Replay({}, hello="hello-documentdb") as server:
        engine = MongoEngine(target_of(server.url))
        seen = await engine.open()
        await engine.close()
    assert (seen.product, seen.version) == ("DocumentDB", "0.117-0")


async def test_a_recovering_and_an_unknown_newer_server_are_opened() -> None:
    build = {"version": "12.3.0-alpha4", "brandNew": {"x": 1}, "ok": 1.0}
    starting = {"isWritablePrimary": False, "secondary": False, "setName": "rs0", "maxWireVersion": 21,
                "minWireVersion": 0, "ok": 1.0}  # fmt: skip
    status = refused(13436, "node is recovering")
    async with Replay({"buildInfo": build, "hello": starting, "serverStatus": status}) as server:
        engine = MongoEngine(target_of(server.url))
        seen = await engine.open()
        await engine.close()
    assert (seen.version, seen.version_number, seen.role) == ("12.3.0-alpha4", 120300, "recovering")
    assert any("starting or recovering" in note for note in seen.notes)


def test_nothing_of_the_target_shows_the_password(ferretdb: FerretServer) -> None:
    target = replace(resolve(ferretdb.url()), name="x")
    assert ferretdb.password not in repr(target) + repr(vars(MongoEngine(target)))
    assert isinstance(target.url, str) and Path(target.url).name != ferretdb.password


async def test_options_that_the_driver_does_not_know_are_told(ferretdb: FerretServer) -> None:
    engine = MongoEngine(target_of(ferretdb.url("shop", nonsense="1")))
    server = await engine.open()
    await engine.close()
    assert any("nonsense" in note for note in server.notes)


@pytest.mark.parametrize(
    "option",
    ["tlsCertificateKeyFilePassword=geheim-17", "authMechanismProperties=AWS_SESSION_TOKEN:geheim-17",
     "tls=true&proxyPassword=geheim-17"],
)  # fmt: skip
def test_secrets_among_the_options_are_refused_and_not_shown(option: str) -> None:
    with pytest.raises(UsageError, match="holds a secret") as raised:
        resolve(f"mongodb://shop@127.0.0.1/?{option}")
    assert "geheim" not in str(raised.value)
