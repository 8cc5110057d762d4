"""Tunnels, through a program named ssh that forwards as OpenSSH does: no host to log in to is at hand."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.config import resolve
from dbtui.engines.mysql.engine import MysqlEngine
from dbtui.engines.postgres.connection import Connector
from dbtui.engines.redis.engine import RedisEngine
from dbtui.engines.tunnel import Tunnel
from dbtui.errors import ConnectError, DbtuiError, UsageError
from tests.servers.mariadb import MariadbServer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer

FORWARD = r"""#!{python}
import asyncio, os, sys
argv = sys.argv[1:]
assert {{"-N", "-T", "BatchMode=yes", "ExitOnForwardFailure=yes"}} <= set(argv), argv
assert argv[-2:-1] == ["--"], argv
with open({log!r}, "a") as log:
    print(os.getpid(), argv[-1], file=log)
forwards = [argv[i + 1] for i, each in enumerate(argv) if each == "-L"]

async def pipe(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()

async def main():
    for forward in forwards:
        ip, port, there = forward.split(":", 2)
        async def accept(reader, writer, there=there):
            if there.startswith("/"):
                far, back = await asyncio.open_unix_connection(there)
            else:
                host, _, number = there.rpartition(":")
                far, back = await asyncio.open_connection(host.strip("[]"), int(number))
            await asyncio.gather(pipe(reader, back), pipe(far, writer))
        await asyncio.start_server(accept, ip, int(port))
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program named ssh first on PATH; returns the file where the forwarding one notes its pid and host."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "log"

    def install(text: str = "") -> Path:
        program = folder / "ssh"
        program.write_text(text or FORWARD.format(python=sys.executable, log=str(log)))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        return log

    return install


async def ended(pid: int) -> bool:
    async with asyncio.timeout(5):
        while True:
            try:
                if " Z " in Path(f"/proc/{pid}/stat").read_text():
                    return True
            except FileNotFoundError:
                return True
            await asyncio.sleep(0.02)


async def test_a_server_beyond_a_host(ssh: Callable[[str], Path], postgres18: PostgresServer) -> None:
    log = ssh("")
    target = replace(resolve(postgres18.url(tcp=True), environ={}), ssh="bastion")
    connector = Connector(target)
    server = await connector.connect()
    assert server.address == f"127.0.0.1:{postgres18.port}"
    work = await connector.open("work")
    assert await work.fetchval("select inet_client_addr() is not null")
    (line,) = log.read_text().splitlines()
    pid, host = line.split()
    assert host == "bastion"
    await connector.close()
    assert await ended(int(pid))


async def test_a_socket_beyond_a_host(ssh: Callable[[str], Path], postgres18: PostgresServer) -> None:
    ssh("")
    connector = Connector(replace(resolve(postgres18.url(), environ={}), ssh="bastion"))
    await connector.connect()
    work = await connector.open("work")
    assert await work.fetchval("select inet_client_addr() is null")
    await connector.close()


async def test_a_tunnel_that_broke_is_opened_again(
    ssh: Callable[[str], Path], postgres18: PostgresServer
) -> None:
    log = ssh("")
    connector = Connector(replace(resolve(postgres18.url(tcp=True), environ={}), ssh="bastion"))
    monitor = await connector.open("monitor")
    os.kill(int(log.read_text().split()[0]), 9)
    with pytest.raises(DbtuiError):
        await monitor.fetch("select 1")
    assert await (await connector.open("monitor")).fetchval("select 1") == 1
    assert len(log.read_text().splitlines()) == 2
    await connector.close()


async def test_what_ssh_says_comes_in_one_line(ssh: Callable[[str], Path]) -> None:
    ssh("#!/bin/sh\necho warning >&2; echo 'ann@bastion: Permission denied (publickey).' >&2; exit 255\n")
    with pytest.raises(ConnectError) as refusal:
        await Tunnel.open("bastion", [("db", 5432)])
    assert refusal.value.message == "no tunnel to bastion: ann@bastion: Permission denied (publickey)."
    assert refusal.value.hint


async def test_an_ssh_that_hangs_is_ended(ssh: Callable[[str], Path], tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    ssh(f"#!/bin/sh\necho $$ > '{pid}'; exec sleep 60\n")
    with pytest.raises(ConnectError, match="did not get there"):
        await Tunnel.open("bastion", [("db", 5432)], timeout=0.5)
    assert await ended(int(pid.read_text()))


async def test_hosts_and_programs_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for host in ("-oProxyCommand=touch x", "", " "):
        with pytest.raises(UsageError):
            await Tunnel.open(host, [("db", 5432)])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConnectError, match="there is no ssh program"):
        await Tunnel.open("bastion", [("db", 5432)])


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no ssh client: install openssh-client")
async def test_the_systems_own_ssh_takes_our_arguments(clean_home: Path) -> None:
    """It gets as far as the port that nothing listens on."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        (clean_home / ".ssh").mkdir(mode=0o700)
        with pytest.raises(ConnectError) as refusal:
            await Tunnel.open("127.0.0.1", [("::1", 5432), ("/run/pg", 5432)], timeout=10)
    assert "usage" not in refusal.value.message.lower()


async def test_a_redis_beyond_a_host(ssh: Callable[[str], Path], valkey9: RedisServer) -> None:
    log = ssh("")
    engine = RedisEngine(replace(resolve(valkey9.url(), environ={}), ssh="bastion"))
    assert (await engine.open()).address == f"127.0.0.1:{valkey9.port}"
    assert engine.catalog is not None
    assert await engine.catalog.children(None)
    pid, host = log.read_text().split()
    assert host == "bastion"
    await engine.close()
    assert await ended(int(pid))
    inside = RedisEngine(replace(resolve(f"redis://{valkey9.socket}", environ={}), ssh="bastion"))
    with pytest.raises(ConnectError, match="socket cannot be reached through ssh"):
        await inside.open()


async def test_a_mariadb_beyond_a_host(ssh: Callable[[str], Path], mariadb11: MariadbServer) -> None:
    log = ssh("")
    url = mariadb11.url(tcp=True)
    engine = MysqlEngine(replace(resolve(url, environ={}), ssh="bastion"))
    server = await engine.open()
    assert server.address == f"127.0.0.1:{mariadb11.port}"
    assert log.read_text().endswith("bastion\n")
    await engine.close()
    inside = MysqlEngine(replace(resolve(mariadb11.url(), environ={}), ssh="bastion"))
    with pytest.raises(UsageError, match="host and port"):
        await inside.open()
