from __future__ import annotations

import pytest

from dbtui.engines.redis.address import Parameters, Tls, read
from dbtui.errors import UsageError


@pytest.mark.parametrize(
    ("url", "where", "user", "database"),
    [
        ("redis://", "localhost:6379", "", "0"),
        ("redis://db:7000/3", "db:7000", "", "3"),
        ("valkey://ann%40x@db", "db:6379", "ann@x", "0"),
        ("redis://[::1]:7000/", "[::1]:7000", "", "0"),
        ("redis://db?db=5", "db:6379", "", "5"),
        ("redis:///run/redis.sock?db=2", "/run/redis.sock", "", "2"),
        ("redis:///4", "localhost:6379", "", "4"),
    ],
)
def test_where_a_url_leads(url: str, where: str, user: str, database: str) -> None:
    parameters = read(url)
    assert (parameters.where, parameters.user, parameters.database) == (where, user, database)
    assert parameters.tls is None


@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_tls_is_checked_unless_the_url_says_otherwise(scheme: str) -> None:
    assert read(f"{scheme}://db").tls == Tls()
    given = read(f"{scheme}://db?ssl_cert_reqs=none&ssl_ca_certs=/ca&ssl_check_hostname=false").tls
    assert given == Tls(cert_reqs="none", ca_certs="/ca", check_hostname=False)


def test_options_of_the_way() -> None:
    parameters: Parameters = read("redis://db?timeout=2.5&protocol=2")
    assert (parameters.connect_timeout, parameters.protocol) == (2.5, 2)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://db/main", "main is no database"),
        ("redis://db:port", "cannot be read"),
        ("redis://db?ssl_cert_req=none", "did you mean ssl_cert_reqs"),
        ("redis://db?ssl_cert_reqs=none", "rediss://"),
        ("rediss://db?ssl_cert_reqs=some", "ssl_cert_reqs=some"),
        ("redis://db?timeout=0", "timeout=0"),
        ("redis://db?timeout=soon", "timeout=soon"),
        ("redis://db?protocol=4", "protocol=4"),
        ("redis://db?what=1", "unknown option what"),
    ],
)
def test_a_url_that_cannot_be_meant(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(url)
