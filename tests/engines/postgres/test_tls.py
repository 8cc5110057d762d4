from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.config import resolve
from dbtui.engines.postgres.connection import Connection, Connector
from dbtui.engines.postgres.libpq import Address, Tls
from dbtui.engines.postgres.tls import context
from dbtui.errors import AuthenticationError, ConfigError, ConnectError, UsageError
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def secure() -> Iterator[PostgresServer]:
    with PostgresServer(15, tls=True) as server:
        yield server


@pytest.fixture
def root(secure: PostgresServer, tmp_path: Path) -> str:
    return shutil.copy(secure.root_certificate, tmp_path / "root.crt")


def url(server: PostgresServer, host: str = "localhost", **parameters: str) -> str:
    plain = server.url(tcp=True, hostaddr="127.0.0.1", **parameters)
    return plain.replace("@127.0.0.1:", f"@{host}:")


@asynccontextmanager
async def opened(text: str) -> AsyncIterator[Connection]:
    connector = Connector(resolve(text, environ={}))
    try:
        yield await connector.open("monitor")
    finally:
        await connector.close()


@pytest.mark.parametrize(
    ("mode", "encrypted"),
    [("disable", False), ("allow", False), ("prefer", True), ("require", True), ("", True)],
)
async def test_modes_against_a_server_with_tls(mode: str, encrypted: bool, secure: PostgresServer) -> None:
    async with opened(url(secure, **({"sslmode": mode} if mode else {}))) as connection:
        said = await connection.fetchval("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        assert (said, connection.tls) == (encrypted, encrypted)


@pytest.mark.parametrize(
    ("mode", "works"), [("disable", True), ("allow", True), ("prefer", True), ("require", False)]
)
async def test_modes_against_a_server_without(mode: str, works: bool, postgres18: PostgresServer) -> None:
    text = postgres18.url(tcp=True, sslmode=mode)
    if works:
        async with opened(text) as connection:
            assert not connection.tls
        return
    with pytest.raises(ConnectError, match="speaks no TLS"):
        async with opened(text):
            pass


async def test_the_authority_and_the_name_are_checked(secure: PostgresServer, root: str) -> None:
    for mode in ("verify-ca", "verify-full"):
        async with opened(url(secure, sslmode=mode, sslrootcert=root)) as connection:
            assert connection.tls
    async with opened(url(secure, "elsewhere", sslmode="verify-ca", sslrootcert=root)) as connection:
        assert connection.tls
    with pytest.raises(ConnectError, match="certificate of elsewhere"):
        async with opened(url(secure, "elsewhere", sslmode="verify-full", sslrootcert=root)):
            pass


async def test_a_stranger_signed_it(secure: PostgresServer, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other"
    )
    subprocess.run(
        [*command.split(), "-keyout", tmp_path / "other.key", "-out", other], check=True, capture_output=True
    )
    for mode in ("require", "verify-ca", "verify-full"):
        with pytest.raises(ConnectError, match="is not accepted"):
            async with opened(url(secure, sslmode=mode, sslrootcert=str(other))):
                pass
    with pytest.raises(ConnectError, match="is not accepted"):
        async with opened(url(secure, sslrootcert="system")):
            pass


async def test_files_that_cannot_be_used(secure: PostgresServer, tmp_path: Path) -> None:
    for parameters, words in (
        ({"sslmode": "verify-full"}, "needs a root certificate"),
        ({"sslmode": "verify-ca", "sslrootcert": "/nowhere"}, "/nowhere"),
        ({"sslmode": "verify-ca", "sslrootcert": str(tmp_path / "empty")}, "no certificate in it"),
        ({"sslmode": "require", "sslcert": str(tmp_path / "empty")}, "empty"),
    ):
        (tmp_path / "empty").touch(0o600)
        with pytest.raises(ConfigError, match=words):
            async with opened(url(secure, **parameters)):
                pass


async def test_a_client_certificate(secure: PostgresServer, tmp_path: Path) -> None:
    """The server's own key pair stands in for a client's; its key must be private."""
    folder = secure.root_certificate.parent
    for name in ("server.crt", "server.key"):
        shutil.copy(folder / name, tmp_path / name)
    key = tmp_path / "server.key"
    parameters = {"sslmode": "require", "sslcert": str(tmp_path / "server.crt"), "sslkey": str(key)}
    key.chmod(0o644)
    os.chown(key, os.geteuid(), -1)
    with pytest.raises(ConfigError, match="may be read by others"):
        async with opened(url(secure, **parameters)):
            pass
    key.chmod(0o600)
    async with opened(url(secure, **parameters)) as connection:
        said = await connection.fetchval("select client_dn from pg_stat_ssl where pid = pg_backend_pid()")
        assert said == "/CN=localhost"


async def test_a_server_that_wants_no_tls_from_us_is_tried_without(secure: PostgresServer) -> None:
    """prefer and allow try the other way when pg_hba.conf has no line for the first; a wrong password ends it."""
    rules = secure.root_certificate.parent / "data" / "pg_hba.conf"
    kept = rules.read_text()
    try:
        for line, mode, encrypted in (("hostnossl", "prefer", False), ("hostssl", "allow", True)):
            rules.write_text(f"local all all trust\n{line} all all 127.0.0.1/32 scram-sha-256\n")
            secure.psql("select pg_reload_conf()")
            await asyncio.sleep(0.1)
            async with opened(url(secure, sslmode=mode)) as connection:
                assert connection.tls == encrypted
            other = "disable" if encrypted else "require"
            with pytest.raises(AuthenticationError, match=r"pg_hba\.conf"):
                async with opened(url(secure, sslmode=other)):
                    pass
    finally:
        rules.write_text(kept)
        secure.psql("select pg_reload_conf()")


async def test_the_first_data_comes_within_nine_round_trips(secure: PostgresServer, root: str) -> None:
    """Counted at a slow relay: each time the client speaks after it has heard something is one round trip."""
    turns = 1  # TCP's own handshake
    heard = True

    async def forth(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turns, heard
        while data := await reader.read(65536):
            turns, heard = turns + heard, False
            writer.write(data)
        writer.close()

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        while data := await reader.read(65536):
            await asyncio.sleep(0.1)  # what the client sends meanwhile does not wait for this
            heard = True
            writer.write(data)
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        near, far = await asyncio.open_connection("127.0.0.1", secure.port)
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await asyncio.gather(forth(reader, far), back(near, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    text = url(secure, sslmode="verify-full", sslrootcert=root).replace(f":{secure.port}/", f":{port}/")
    async with opened(text) as connection:
        await connection.fetch("select 1::int8", hold=True)
        first, held = turns, turns
        await connection.fetch("select 1::int8", hold=True)
        held = turns - first
    server.close()
    assert (first, held) == (9, 1)


def test_contexts() -> None:
    address = Address("db.example", 5432)
    made = context(Tls(mode="verify-full", root="system"), address)
    assert made.check_hostname
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context(Tls(mode="prefer"), address).verify_mode is ssl.CERT_NONE
    assert context(replace(Tls(), highest="TLSv1.3"), address).maximum_version is ssl.TLSVersion.TLSv1_3
    with pytest.raises(UsageError, match=r"TLSv1\.9"):
        context(Tls(lowest="TLSv1.9"), address)


async def test_a_server_that_takes_another_curve_only() -> None:
    with PostgresServer(15, {"ssl_ecdh_curve": "secp384r1"}, tls=True) as server:
        async with opened(url(server, sslmode="require")) as connection:
            assert connection.tls
