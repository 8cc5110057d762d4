"""Fixtures for all tests: real servers, a home of its own, and a look for what was left behind."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from dbtui import config
from tests.servers.elastic import ELASTICSEARCH7, ELASTICSEARCH8, ELASTICSEARCH9, OPENSEARCH2, ElasticServer
from tests.servers.ferretdb import FerretServer
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer
from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer
from tests.servers.redis import RedisServer
from tests.servers.sqlite import SqliteFile
from tests.strays import strays

settings.register_profile("patient", deadline=None)  # a busy machine is no failure
settings.load_profile("patient")

# A script's background is deaf to Ctrl-C, and nohup to a hang-up: so would be every program that a test ends by them.
for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

# Every child inherits it, so that a process which lost its parent is still known as ours.
RUN_MARK = f"DBTUI_TEST_RUN={uuid.uuid4().hex}"
os.environ.update([RUN_MARK.split("=")])


@pytest.fixture(scope="session", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Set up first and so torn down last: fails the run when a process of ours outlives its test."""
    yield
    left = strays(RUN_MARK)
    assert not left, "left behind: " + "; ".join(left)


@pytest.fixture(scope="session")
def postgres18() -> Iterator[PostgresServer]:
    with PostgresServer(18) as server:
        yield server


@pytest.fixture(scope="session")
def postgres15() -> Iterator[PostgresServer]:
    with PostgresServer(15) as server:
        yield server


@pytest.fixture(scope="session", params=[15, 18], ids=["pg15", "pg18"])
def postgres(request: pytest.FixtureRequest) -> PostgresServer:
    """Each test that takes it runs on every version."""
    server: PostgresServer = request.getfixturevalue(f"postgres{request.param}")
    return server


@pytest.fixture(scope="session")
def pgbouncer(postgres18: PostgresServer) -> Iterator[PgBouncer]:
    """Pools the 18 by transaction."""
    with PgBouncer(postgres18) as pooler:
        yield pooler


@pytest.fixture(scope="session")
def mysql9() -> Iterator[MysqlServer]:
    with MysqlServer() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb11() -> Iterator[MariadbServer]:
    with MariadbServer({"performance-schema": "ON"}) as server:
        yield server


@pytest.fixture(scope="session", params=["mysql9", "mariadb11"])
def mysql(request: pytest.FixtureRequest) -> MysqlProtocolServer:
    """Each test that takes it runs on MySQL and on MariaDB."""
    server: MysqlProtocolServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def ferretdb() -> Iterator[FerretServer]:
    with FerretServer() as server:
        yield server


@pytest.fixture(scope="session")
def ferretdb_tls() -> Iterator[FerretServer]:
    with FerretServer(tls=True) as server:
        yield server


@pytest.fixture
def sqlite_file(tmp_path: Path) -> SqliteFile:
    """An empty database of its own."""
    return SqliteFile(tmp_path / "shop.db")


@pytest.fixture(scope="session")
def redis8() -> Iterator[RedisServer]:
    with RedisServer("redis") as server:
        yield server


@pytest.fixture(scope="session")
def valkey9() -> Iterator[RedisServer]:
    with RedisServer("valkey") as server:
        yield server


@pytest.fixture(scope="session", params=["redis8", "valkey9"])
def redis(request: pytest.FixtureRequest) -> RedisServer:
    """Each test that takes it runs on both products."""
    server: RedisServer = request.getfixturevalue(request.param)
    return server


@pytest.fixture(scope="session")
def elasticsearch7() -> Iterator[ElasticServer]:
    with ElasticServer(ELASTICSEARCH7) as server:
        yield server


@pytest.fixture(scope="session")
def opensearch2() -> Iterator[ElasticServer]:
    with ElasticServer(OPENSEARCH2) as server:
        yield server


@pytest.fixture(
    scope="session",
    params=[
        "opensearch2",
        "elasticsearch7",
        pytest.param("elasticsearch8", marks=pytest.mark.slow),
        pytest.param("elasticsearch9", marks=pytest.mark.slow),
    ],
)
def elastic(request: pytest.FixtureRequest) -> Iterator[ElasticServer]:
    """Each test that takes it runs on both products; in `make test-all` on newer versions too."""
    if request.param in ("opensearch2", "elasticsearch7"):
        yield request.getfixturevalue(request.param)
        return
    with ElasticServer(ELASTICSEARCH8 if request.param == "elasticsearch8" else ELASTICSEARCH9) as server:
        yield server


_FOREIGN = ("DATABASE_URL", "NO_COLOR", "FORCE_COLOR", "DBTUI_ENVIRONMENT")


@pytest.fixture(autouse=True)
def clean_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration and connection variables are no part of a test."""
    for name in os.environ:
        if name.startswith(("PG", "MYSQL_")) or name in _FOREIGN:
            monkeypatch.delenv(name)
    monkeypatch.setattr(config, "_ANNOUNCED", [])  # of a demo that ran in this process
    home = tmp_path / "home"
    for name, folder in (
        ("CONFIG", ".config"),
        ("STATE", ".local/state"),
        ("DATA", ".local/share"),
        ("CACHE", ".cache"),
    ):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    home.mkdir()
    return home
