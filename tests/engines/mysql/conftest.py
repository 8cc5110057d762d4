"""A server as many are found: nothing is switched on that its makers left off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.mariadb import MariadbServer


@pytest.fixture(scope="session")
def bare_mariadb() -> Iterator[MariadbServer]:
    """Without performance_schema and TLS, and with few slots; tests may restart it."""
    with MariadbServer({"skip-ssl": "1", "max-connections": "10"}) as server:
        yield server
