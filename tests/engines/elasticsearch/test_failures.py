"""What servers say when they refuse, in one line. Answers of what no test server has are as the products write them."""

from __future__ import annotations

import json

import pytest

from dbtui.engines.elasticsearch.failures import described, lacks
from dbtui.engines.elasticsearch.wire import Answer
from dbtui.engines.elasticsearch.words import Request, own, parse
from dbtui.errors import DbtuiError, PermissionDenied, QueryError, QueryTimeout, SessionLost


def refusal(status: int, body: object, request: Request | None = None) -> DbtuiError:
    text = body if isinstance(body, str) else json.dumps(body)
    error = described(
        Answer(status, {"content-type": "application/json"}, text.encode()), "ann", request or own("GET")
    )
    assert "\n" not in str(error)
    return error


def error(kind: str, reason: str, **more: object) -> dict[str, object]:
    return {
        "error": {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason, **more}
    }


def test_a_missing_privilege_names_the_role_that_has_it() -> None:
    said = refusal(
        403,
        error(
            "security_exception",
            "action [indices:data/read/search] is unauthorized for user [ann] with effective roles [r] on indices "
            "[a,b], this action is granted by the index privileges [read,all]",
        ),
    )
    assert isinstance(said, PermissionDenied)
    assert said.message == "user ann lacks the index privilege read on a, b"
    assert said.remedy == (
        'POST _security/role/dbtui-read {"indices": [{"names": ["a", "b"], "privileges": ["read"]}]}, '
        "and give user ann that role"
    )
    said = refusal(
        403,
        error(
            "security_exception",
            "no permissions for [cluster:monitor/tasks/lists] and User [name=ann, backend_roles=[]]",
        ),
    )
    assert isinstance(said, PermissionDenied)
    assert '{"cluster_permissions": ["cluster:monitor/tasks/lists"]}' in said.remedy
    said = refusal(
        403, error("security_exception", "no permissions for [indices:data/read/search] and User [name=ann]")
    )
    assert isinstance(said, PermissionDenied)
    assert '"allowed_actions": ["indices:data/read/search"]' in said.remedy
    assert isinstance(refusal(403, {"message": "User: arn:aws:iam is not authorized"}), PermissionDenied)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("cluster_block_exception", "null lifts it"),
        ("circuit_breaking_exception", "heap is nearly full"),
        ("es_rejected_execution_exception", "queue is full"),
        ("index_closed_exception", "_open"),
        ("master_not_discovered_exception", "elected master"),
        ("no_shard_available_action_exception", "no copy that is up"),
    ],
)
def test_known_refusals_say_what_to_do(kind: str, hint: str) -> None:
    for status in (403, 429, 503):
        if status == 403 and kind != "cluster_block_exception":
            continue
        said = refusal(status, error(kind, "it is so"))
        assert isinstance(said, QueryError) and not isinstance(said, PermissionDenied)
        assert said.code == kind and hint in said.hint


def test_the_deepest_cause_is_told() -> None:
    inner = {"type": "x_exception", "reason": "the very cause"}
    outer = error(
        "search_phase_execution_exception", "all shards failed", caused_by={**inner, "caused_by": inner}
    )
    assert refusal(400, outer).message == "the very cause"


def test_what_a_proxy_says_is_told_as_such() -> None:
    assert isinstance(refusal(502, "<html>Bad Gateway</html>"), SessionLost)
    assert isinstance(refusal(504, "<html>Gateway Time-out</html>"), QueryTimeout)
    assert "not the product's" in str(refusal(418, "[]"))
    assert isinstance(refusal(401, ""), SessionLost)


def test_an_endpoint_that_is_not_there_is_known_by_what_the_products_say() -> None:
    for status, body in (
        (400, {"error": "no handler found for uri [/_ilm/policy] and method [GET]"}),
        (405, {"error": "Incorrect HTTP method for uri [/_ilm/policy] and method [GET], allowed: [POST]"}),
        (
            400,
            error(
                "invalid_index_name_exception", "Invalid index name [_data_stream], must not start with '_'."
            ),
        ),
    ):
        said = refusal(status, body)
        assert isinstance(said, QueryError) and lacks(said)
    assert not lacks(QueryError("no such index [x]", code="index_not_found_exception"))


def test_a_place_in_the_body_becomes_a_place_in_the_text() -> None:
    def position(text: str, line: int, column: int) -> int | None:
        said = {"error": {"type": "parsing_exception", "reason": "no", "line": line, "col": column}}
        made = refusal(400, said, parse(text))
        assert isinstance(made, QueryError)
        return made.position

    text = 'GET shop/_search\n{\n  "query": {"foo": 1}\n}'
    found = position(text, 2, 12)
    assert found is not None and text[found - 1 :].startswith('{"foo"')
    assert position(text, 9, 1) is None
    assert position('GET shop/_search\n{"query": """a\nb"""}', 1, 3) is None
