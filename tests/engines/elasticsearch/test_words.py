from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.elasticsearch.words import Request, own, parse, statement_at
from dbtui.errors import QueryError

SEARCH = 'GET shop/_search\n{"query": {"match_all": {}}}'


def test_a_request_is_a_verb_a_path_and_a_body() -> None:
    request = parse('get /shop/_search?size=3&q=a%20b\n{\n  "query": 1\n}\n')
    assert request.method == "GET"
    assert request.segments == ("shop", "_search")
    assert request.parameters == (("size", "3"), ("q", "a b"))
    assert json.loads(request.body) == {"query": 1}
    assert request.target == "/shop/_search?size=3&q=a+b"
    assert parse('GET shop/_search {"query": 1}').body == '{"query": 1}'
    assert parse("HEAD shop").body == ""


def test_comments_and_triple_quotes_are_as_in_the_consoles() -> None:
    request = parse('# first\n// second\nPOST shop/_search\n# third\n{"a": """x\n"y" \\z"""}')
    assert json.loads(request.body) == {"a": 'x\n"y" \\z'}
    assert request.body_at is None
    request = parse('POST shop/_search\n{"script": """a // b\n// c\n# d"""}')
    assert json.loads(request.body) == {"script": "a // b\n// c\n# d"}


def test_a_body_of_several_documents_has_a_line_for_each() -> None:
    request = parse('POST _bulk\n{"index": {}}\n{\n  "a":\n 1.10\n}\n')
    assert request.body == '{"index": {}}\n{   "a":  1.10 }\n'


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("", 1, "no request"),
        ("SELECT 1", 1, "no request"),
        ("x\nGET _cat", 1, "no request"),
        ("GET _cat\nGET _nodes", None, "2 requests"),
        ('GET shop/_search\n{"a": }', 24, "no JSON"),
        ('GET shop/_search\n{"a": 1} {}', None, "several bodies"),
        ("GET shop/../_cluster", 5, "climbs"),
        ("GET shop/%2e%2e/_cluster", 5, "climbs"),
        ("GET shop%2F..%2F_cluster", 5, "climbs"),
        ("GET shop%5C..%5C_cluster", 5, "climbs"),
        ("GET shop%00", 5, "climbs"),
        ("GET http://elsewhere/_search", 5, "host"),
    ],
)
def test_what_is_no_request_is_refused_with_its_place(text: str, position: int | None, says: str) -> None:
    with pytest.raises(QueryError, match=says) as caught:
        parse(text)
    assert caught.value.position == position
    assert "\n" not in str(caught.value)


def test_the_request_around_a_position_is_found() -> None:
    text = f'# c\n{SEARCH}\n\nPOST _bulk\n{{"x": """\nGET no\n"""}}\nGET _cat/nodes'
    assert statement_at(text, 0) == SEARCH
    assert statement_at(text, len(SEARCH)) == SEARCH
    assert statement_at(text, text.index("GET no")).startswith("POST _bulk")
    assert statement_at(text, len(text)) == "GET _cat/nodes"
    assert statement_at("nothing", 3) == ""


def test_what_is_built_from_names_holds_each_name_whole() -> None:
    request = own("GET", "a%2f..%2f_search", "_search", size=1, v=True)
    assert request.target == "/a%252f..%252f_search/_search?size=1&v=true"
    assert parse(f"GET {request.target}").segments == ("a%2f..%2f_search", "_search")


@given(st.text())
def test_any_text_is_a_request_or_an_error(text: str) -> None:
    try:
        request = parse(text)
    except QueryError:
        return
    assert isinstance(request, Request)
    request.target.encode("ascii")


@given(st.lists(st.text(min_size=1), min_size=1))
def test_what_is_sent_is_read_back_as_it_was_judged(segments: list[str]) -> None:
    try:
        target = Request("GET", tuple(segments)).target
        read = parse(f"GET {target}")
    except (QueryError, UnicodeEncodeError):
        return
    assert read.segments == tuple(segments)


@given(st.text(), st.integers(0, 50))
def test_a_position_in_any_text_finds_a_part_of_it(text: str, offset: int) -> None:
    assert statement_at(text, offset) in text
