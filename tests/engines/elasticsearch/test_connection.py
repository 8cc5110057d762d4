from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from dbtui.engines import create
from dbtui.engines.elasticsearch.address import read
from dbtui.engines.elasticsearch.connection import Connector
from dbtui.engines.elasticsearch.engine import ElasticEngine
from dbtui.engines.elasticsearch.server import Probe, server
from dbtui.engines.elasticsearch.wire import TOO_LARGE
from dbtui.engines.elasticsearch.words import own
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
from dbtui.secrets import Secret, known
from tests.engines.elasticsearch.opened import engine, fetch, rows, target
from tests.engines.test_tunnel import ssh as ssh
from tests.servers import certificates
from tests.servers.elastic import PASSWORD, ElasticServer
from tests.servers.process import free_port


async def failure(url: str) -> DbtuiError:
    """What a connection ends with; its text never holds a password."""
    made = ElasticEngine(target(url))
    with pytest.raises(DbtuiError) as caught:
        await made.open()
    await made.close()
    assert "secret" not in str(caught.value) and PASSWORD not in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def stand_in(answering: Answering, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A port with something at it that is no such server, a proxy or another product; in the end it hangs up."""
    clients: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await answering(reader, writer)
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        yield listening.sockets[0].getsockname()[1]
        for client in clients:
            client.transport.abort()


def saying(answer: bytes) -> Answering:
    """Each request is answered by the same bytes."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer)
            await writer.drain()

    return answering


def http(status: str, body: str = "", headers: str = "content-type: application/json\r\n") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}content-length: {len(body)}\r\n\r\n{body}".encode()


def before(server: ElasticServer) -> Answering:
    """Hands on to a server what comes, and back what it says."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, here = await asyncio.open_connection("127.0.0.1", server.port)

        async def hand_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
            sink.close()

        await asyncio.gather(hand_on(reader, here), hand_on(there, writer))

    return answering


async def test_the_server_says_who_it_is_whatever_the_url_says(elastic: ElasticServer) -> None:
    for scheme in ("elasticsearch", "opensearch"):
        made = create(target(elastic.url().replace(elastic.release.product, scheme, 1)))
        server = await made.open()
        await made.close()
        assert (server.product, server.version) == (elastic.product, elastic.release.version)
        assert server.version_number >= 20000
        assert (server.role, server.database) == ("", "dbtui-test")
        assert server.user == ("admin" if elastic.secured else "")
        assert server.superuser is elastic.secured
        assert server.address == f"127.0.0.1:{elastic.port}"
        assert server.started is not None
        assert any("read-only is kept by the console" in note for note in server.notes)
        assert elastic.secured or any("whoever reaches the port" in note for note in server.notes)


async def test_a_password_that_is_wrong_or_missing(elasticsearch7: ElasticServer) -> None:
    error = await failure(elasticsearch7.url(user=""))
    assert isinstance(error, AuthenticationError) and "wants a login" in str(error)
    error = await failure(elasticsearch7.url(password="secretly"))
    assert isinstance(error, AuthenticationError) and "refused user admin or the password" in str(error)
    asked: list[None] = []

    async def prompt() -> Secret | None:
        asked.append(None)
        return Secret(PASSWORD)

    without = replace(target(elasticsearch7.url(password="")), password=None, prompt=prompt)
    connector = Connector(without)
    await connector.connect()
    await connector.open("work")
    assert len(asked) == 1
    await connector.close()


async def test_an_api_key_or_a_token_is_sent_as_such(elasticsearch7: ElasticServer) -> None:
    """No test server can make keys: the one that they are refused by is real, the one that takes them is not."""
    error = await failure(elasticsearch7.url(user="", auth="apikey"))
    assert isinstance(error, AuthenticationError) and "wants" not in str(error)
    seen: list[str] = []

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        seen.append(next(line for line in head.splitlines() if line.startswith("Authorization")))

    async with stand_in(noting) as port:
        for kind, secret in (("apikey", "id:key"), ("apikey", "aWQ6a2V5"), ("bearer", "token")):
            url = f"elasticsearch://127.0.0.1:{port}?auth={kind}"
            made = ElasticEngine(replace(target(url), password=known(Secret(secret))))
            with pytest.raises(ConnectError):
                await made.open()
    assert seen == ["Authorization: ApiKey aWQ6a2V5"] * 2 + ["Authorization: Bearer token"]


async def test_a_login_that_ends_is_asked_for_anew(elasticsearch7: ElasticServer) -> None:
    async with engine(elasticsearch7.url(user="looker")) as made:
        await fetch(made, "counters")
        try:
            elasticsearch7.write_users(without="looker")
            with pytest.raises(SessionLost, match="login"):
                for _ in range(200):
                    await fetch(made, "counters")
                    await asyncio.sleep(0.05)
            with pytest.raises(AuthenticationError):
                await made.monitor.reconnect()
        finally:
            elasticsearch7.write_users()
        for _ in range(200):
            with contextlib.suppress(AuthenticationError):
                await made.monitor.reconnect()
                break
            await asyncio.sleep(0.05)
        assert (await fetch(made, "counters"))["nodes"] == 1


async def test_servers_that_cannot_be_reached() -> None:
    assert "nothing listens at" in str(await failure(f"elasticsearch://127.0.0.1:{free_port()}"))
    assert "the host of" in str(await failure("elasticsearch://no.such.host.invalid:9200"))


async def test_what_is_no_such_server(opensearch2: ElasticServer) -> None:
    for answer, says in (
        (http("200 OK", '{"hello": "world"}'), "is no Elasticsearch or OpenSearch"),
        (http("200 OK", "<html>", "content-type: text/html\r\n"), "is no Elasticsearch or OpenSearch"),
        (http("404 Not Found", "{}"), "answers 404"),
        (http("503 Service Unavailable", "", ""), "is the cluster behind it up?"),
        (http("302 Found", "", "location: https://login.example/\r\n"), "connect to https://login.example/"),
        (http("429 Too Many Requests", "{}"), "takes no more requests"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "speaks no HTTP"),
        (b"", "closed the connection, or speaks no HTTP"),
    ):
        async with stand_in(saying(answer) if answer else _hang_up) as port:
            error = await failure(f"elasticsearch://127.0.0.1:{port}")
            assert isinstance(error, ConnectError), answer
            assert says in str(error), answer
            assert isinstance(error, NoSlotsLeft) == (b"429" in answer)


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def test_a_body_that_never_ends_is_dropped(shop: ElasticServer) -> None:
    """An answer that goes on and on costs at most what it may cost, in bytes and in time."""

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n[")
        while True:
            writer.write(b" " * 65536)
            await writer.drain()

    async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with stand_in(endless) as port:
        assert "larger than 1 MB" in str(await failure(f"elasticsearch://127.0.0.1:{port}"))
    async with stand_in(trickling) as port:
        assert "does not answer" in str(await failure(f"elasticsearch://127.0.0.1:{port}?timeout=0.3"))
    connector = Connector(target(shop.url()))
    await connector.connect()
    session = await connector.open("work")
    with pytest.raises(QueryError, match="larger than 0 MB") as caught:
        await session.send(own("GET", "shop", "_search", size=50), timeout=5.0, largest=1000)
    assert caught.value.code == TOO_LARGE
    assert (await session.send(own("GET", "shop", "_count"), timeout=5.0)).status == 200
    await connector.close()


async def test_a_server_that_stalls_and_one_that_goes(opensearch2: ElasticServer) -> None:
    connector = Connector(target(opensearch2.url()))
    await connector.connect()
    session = await connector.open("work")
    with opensearch2.stalled(), pytest.raises(QueryTimeout):
        await session.get("_cluster", "health", timeout=0.3)
    assert (await session.get("_cluster", "health"))["cluster_name"] == "dbtui-test"
    await connector.close()
    async with stand_in(before(opensearch2)) as port:
        connector = Connector(target(f"opensearch://127.0.0.1:{port}"))
        await connector.connect()
        session = await connector.open("work")
    with pytest.raises(SessionLost):
        await session.get("_cluster", "health")
        await session.get("_cluster", "health")
    await connector.close()


async def test_tls_and_whom_it_trusts(elasticsearch7: ElasticServer) -> None:
    """Before the server stands what speaks TLS for it, with a certificate for localhost."""
    certificates.make(elasticsearch7.home, "elasticsearch")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        elasticsearch7.home / certificates.CERTIFICATE, elasticsearch7.home / certificates.KEY
    )
    root = elasticsearch7.home / certificates.ROOT
    login = f"admin:{PASSWORD}"
    async with stand_in(before(elasticsearch7), context) as port:
        good = f"elasticsearch+https://{login}@localhost:{port}"
        async with engine(f"{good}?ca_certs={root}") as made:
            assert (await rows(made, "GET _cluster/health")).rows[0] == ("cluster_name", "dbtui-test")
        async with engine(f"{good}?verify_certs=false"):
            pass
        assert "certificate of localhost" in str(await failure(good))
        by_address = f"elasticsearch+https://{login}@127.0.0.1:{port}?ca_certs={root}"
        assert "is not accepted" in str(await failure(by_address))
        async with engine(f"{by_address}&assert_hostname=false"):
            pass
        assert isinstance(await failure(f"{good}?ca_certs=/no/such/file"), ConfigError)
        assert isinstance(await failure(f"{good}?ca_certs={root}&client_cert=/no/such/file"), ConfigError)
        error = await failure(f"elasticsearch://{login}@localhost:{port}")
        assert "+https://" in str(error)
    error = await failure(elasticsearch7.url().replace("elasticsearch:", "elasticsearch+https:", 1))
    assert "no TLS with" in str(error) and "Without TLS write" in str(error)


async def test_a_path_before_every_path(opensearch2: ElasticServer) -> None:
    """A proxy that gives the cluster a folder of its own sees it before each request."""
    seen: list[bytes] = []

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            seen.append(head.split(b" ")[1])
            writer.write(http("401 Unauthorized", "{}"))
            await writer.drain()

    async with stand_in(noting) as port:
        await failure(f"opensearch://127.0.0.1:{port}/search/a%2Fb")
    assert seen == [b"/search/a%2Fb/"]


async def test_of_several_hosts_the_next_one_that_answers_is_taken(elastic: ElasticServer) -> None:
    nobody, last = f"127.0.0.1:{free_port()}", f"127.0.0.1:{elastic.port}"
    async with stand_in(before(elastic)) as port:
        first = f"127.0.0.1:{port}"
        made = create(target(elastic.url().replace(last, f"{nobody},{first},{last}")))
        assert (await made.open()).address == first
        assert made.catalog is not None and await made.catalog.children(None)
    with pytest.raises(SessionLost):
        await fetch(made, "activity")
    assert (await made.monitor.reconnect()).address == last
    assert await fetch(made, "activity")
    await made.close()


async def test_when_no_host_answers_each_is_named() -> None:
    ports = [free_port(), free_port()]
    error = await failure(f"elasticsearch://127.0.0.1:{ports[0]},127.0.0.1:{ports[1]}")
    assert all(f"127.0.0.1:{port}" in str(error) for port in ports)


def test_unknown_and_newer_versions_are_taken_as_they_are() -> None:
    (parameters,) = read("elasticsearch://db")
    newer = Probe(root={"version": {"number": "12.3.4-SNAPSHOT", "new": {}}}, elastic=True)
    made = server(newer, parameters, ())
    assert (made.product, made.version_number) == ("Elasticsearch", 120304)
    assert any("newer than what dbtui was tried on" in note for note in made.notes)
    hidden = server(Probe(elastic=True), parameters, ())
    assert (hidden.product, hidden.version, hidden.version_number) == ("Elasticsearch", "", 0)
    assert Probe(root={"version": {"number": "3.1.0", "distribution": "opensearch"}}).product == "OpenSearch"
    assert (
        Probe(root={"version": {"number": "7.10.2"}, "tagline": "You Know, for Search"}).product
        == "Elasticsearch"
    )
    assert Probe(node={"version": "2.11.0", "roles": ["cluster_manager"]}).product == "OpenSearch"
    assert Probe(root={"version": {"number": "5.0"}}).product == ""
    serverless = Probe(root={"version": {"number": "8.11.0", "build_flavor": "serverless"}}, elastic=True)
    assert any("serverless" in note for note in server(serverless, parameters, ()).notes)


async def test_leaving_waits_for_no_server(opensearch2: ElasticServer) -> None:
    made = ElasticEngine(target(opensearch2.url()))
    await made.open()
    with opensearch2.stalled():
        asking = asyncio.create_task(fetch(made, "counters"))
        await asyncio.sleep(0.05)
        async with asyncio.timeout(1.0):
            await made.close()
        asking.cancel()
        with contextlib.suppress(DbtuiError, asyncio.CancelledError):
            await asking


async def test_through_a_tunnel(elasticsearch7: ElasticServer, ssh) -> None:  # type: ignore[no-untyped-def]
    """Whatever port of this machine is dialled, the server is called, and its certificate checked, by its name."""
    log = ssh("")
    made = ElasticEngine(replace(target(elasticsearch7.url()), ssh="bastion"))
    assert (await made.open()).address == f"127.0.0.1:{elasticsearch7.port}"
    await fetch(made, "counters")
    await made.close()
    assert log.read_text().split()[1] == "bastion"
    certificates.make(elasticsearch7.home, "elasticsearch")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        elasticsearch7.home / certificates.CERTIFICATE, elasticsearch7.home / certificates.KEY
    )
    async with stand_in(before(elasticsearch7), context) as port:
        root = elasticsearch7.home / certificates.ROOT
        url = f"elasticsearch+https://admin:{PASSWORD}@localhost:{port}?ca_certs={root}"
        made = ElasticEngine(replace(target(url), ssh="bastion"))
        assert (await made.open()).address == f"localhost:{port}"
        await made.close()
