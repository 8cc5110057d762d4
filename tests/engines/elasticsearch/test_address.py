from __future__ import annotations

import pytest

from dbtui.engines.elasticsearch.address import Tls, read
from dbtui.errors import UsageError


def test_a_url_says_host_port_user_and_prefix() -> None:
    plain = read("elasticsearch://ann%40home@db-01:9201/behind/a%20proxy/?timeout=3")
    assert (plain.host, plain.port, plain.user, plain.tls) == ("db-01", 9201, "ann@home", None)
    assert (plain.prefix, plain.connect_timeout) == ("/behind/a%20proxy", 3.0)
    assert read("opensearch://").where == "localhost:9200"
    assert read("opensearch://[::1]:9201").where == "[::1]:9201"


def test_tls_is_checked_unless_the_url_says_otherwise() -> None:
    assert read("elasticsearch+https://db").tls == Tls()
    given = read(
        "opensearch+https://db?verify_certs=false&ca_certs=a&client_cert=b&client_key=c&assert_hostname=no"
    )
    assert given.tls == Tls(False, False, "a", "", "b", "c")


def test_a_key_or_a_token_takes_the_place_of_a_user() -> None:
    assert read("elasticsearch://db?auth=apikey").login == "apikey"
    assert read("elasticsearch://db?auth=Bearer").login == "bearer"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("elasticsearch://db:port", "cannot be read"),
        ("elasticsearch://a,b:9200", "several hosts"),
        ("elasticsearch://db?ca_certs=a", r"write elasticsearch\+https://"),
        ("opensearch://db?verify_certs=false", r"write opensearch\+https://"),
        ("elasticsearch://db?verify_cert=false", "did you mean verify_certs"),
        ("elasticsearch://db?auth=kerberos", "use one of basic, apikey, bearer"),
        ("elasticsearch://ann@db?auth=apikey", "has no user"),
        ("elasticsearch://db?timeout=soon", "give seconds"),
        ("elasticsearch://db/a/../b", "leave . and .. out"),
    ],
)
def test_what_a_url_cannot_say_is_refused(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read(url)
