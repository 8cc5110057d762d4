"""Servers of versions to come: real ones, that go by another version on the line and say what nobody knows yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dbtui.config import resolve
from dbtui.engines import create
from dbtui.model.snapshot import Snapshot
from tests.servers.line import line_to

REDIS = {b"redis_version:8": b"redis_version:9", b"mem_clients_normal": b"mem_clients_arcane"}
ELASTIC = {
    b"Accept-Encoding: gzip": b"Accept-Encoding: none",
    b'"jvm"': b'"vmj"',
    b'"query_total"': b'"query_final"',
}
SERVERS: tuple[tuple[str, dict[str, Any], Mapping[bytes, bytes], str], ...] = (
    ("postgres18", {"tcp": True}, {b"18.6": b"99.6", b"180006": b"990006"}, "99.6"),
    ("mysql9", {"tcp": True, "ssl-mode": "DISABLED"}, {b"9.7.": b"99.7"}, "99.7"),
    ("mariadb11", {"tcp": True, "ssl-mode": "DISABLED"}, {b"11.8.": b"99.8."}, "99.8"),
    ("ferretdb", {}, {b"v2.7.0": b"v9.7.0", b"7.0.77": b"99.0.7", b"opcounters": b"opquantums"}, "9.7.0"),
    ("redis8", {}, {**REDIS, b"8.0.6": b"9.9.9"}, "9."),
    ("valkey9", {}, {**REDIS, b"valkey_version:9.1": b"valkey_version:9.9"}, "9.9"),
    ("elasticsearch7", {}, {**ELASTIC, b"7.17.28": b"97.7.28"}, "97.7.28"),
    ("opensearch2", {}, {**ELASTIC, b"2.19.0": b"29.9.0"}, "29.9.0"),
)


@pytest.mark.parametrize(("name", "how", "changes", "version"), SERVERS, ids=[name for name, *_ in SERVERS])
async def test_it_is_opened_sampled_and_browsed(
    request: pytest.FixtureRequest,
    name: str,
    how: dict[str, Any],
    changes: Mapping[bytes, bytes],
    version: str,
) -> None:
    server = request.getfixturevalue(name)
    async with line_to(server.port, changes) as line:
        url = server.url(**how).replace(f"127.0.0.1:{server.port}", f"127.0.0.1:{line.port}")
        engine = create(resolve(url))
        try:
            assert (await engine.open()).version.startswith(version)
            for source in engine.monitor.sources:
                if source.wanted(Snapshot(at=0.0)):
                    assert await source.fetch(Snapshot(at=0.0))
            assert engine.catalog is not None
            for node in await engine.catalog.children(None):
                assert (await engine.catalog.detail(node)).facts
        finally:
            await engine.close()
