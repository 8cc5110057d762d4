"""A server as many are found: nothing is switched on that its makers left off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlServer
from tests.servers.process import free_port


@pytest.fixture(scope="session")
def bare_mariadb() -> Iterator[MariadbServer]:
    """Without performance_schema and TLS, and with few slots and a door of its own; tests may restart it."""
    settings = {"skip-ssl": "1", "max-connections": "10", "extra-max-connections": "4"}
    with MariadbServer({**settings, "extra-port": str(free_port())}) as server:
        yield server


@pytest.fixture(scope="session")
def small_mysql() -> Iterator[MysqlServer]:
    """With few slots, and a door for administrators."""
    settings = {"max-connections": "10", "admin-address": "127.0.0.1", "admin-port": str(free_port())}
    with MysqlServer(settings) as server:
        yield server
