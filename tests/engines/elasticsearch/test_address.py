from __future__ import annotations

import pytest

from dbtui.engines.elasticsearch.address import Parameters, Tls, read
from dbtui.errors import UsageError


def one(url: str) -> Parameters:
    (found,) = read(url)
    return found


def test_a_url_may_name_several_hosts() -> None:
    found = read("elasticsearch+https://ann@a,b:9201,[::1]:9202/prefix")
    assert [each.where for each in found] == ["a:9200", "b:9201", "[::1]:9202"]
    assert {(each.user, each.prefix, each.tls) for each in found} == {("ann", "/prefix", Tls())}


def test_a_url_says_host_port_user_and_prefix() -> None:
    plain = one("elasticsearch://ann%40home@db-01:9201/behind/a%20proxy/?timeout=3")
    assert (plain.host, plain.port, plain.user, plain.tls) == ("db-01", 9201, "ann@home", None)
    assert (plain.prefix, plain.connect_timeout) == ("/behind/a%20proxy", 3.0)
    assert one("opensearch://").where == "localhost:9200"
    assert one("opensearch://[::1]:9201").where == "[::1]:9201"


def test_tls_is_checked_unless_the_url_says_otherwise() -> None:
    assert one("elasticsearch+https://db").tls == Tls()
    given = one(
        "opensearch+https://db?verify_certs=false&ca_certs=a&client_cert=b&client_key=c&assert_hostname=no"
    )
    assert given.tls == Tls(False, False, "a", "", "b", "c")


def test_a_key_or_a_token_takes_the_place_of_a_user() -> None:
    assert one("elasticsearch://db?auth=apikey").login == "apikey"
    assert one("elasticsearch://db?auth=Bearer").login == "bearer"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("elasticsearch://db:port", "cannot be read"),
        ("elasticsearch://a,b:port", "cannot be read"),
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
