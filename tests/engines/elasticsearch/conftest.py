from __future__ import annotations

import json

import pytest

from tests.servers.elastic import ElasticServer

WORDS = ("tea", "cup", "red", "blue", "pot", "mug", "iron", "steel")
DOCUMENTS = 2_000


@pytest.fixture(scope="session")
def shop(elastic: ElasticServer) -> ElasticServer:
    """A server with an index `shop` of two shards, an alias `sales`, and a few thousand documents."""
    fields = {
        "title": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "price": {"type": "double"},
        "tags": {"type": "keyword"},
        "who": {"properties": {"name": {"type": "keyword"}, "age": {"type": "integer", "index": False}}},
    }
    settings = {
        "number_of_shards": 2,
        "number_of_replicas": 1,
        "index.search.slowlog.threshold.query.warn": "5s",
    }
    body = {"settings": settings, "mappings": {"properties": fields}, "aliases": {"sales": {}}}
    # The server outlives this fixture: workers that take tests from each other come back to it.
    elastic.drop("shop")
    answer = elastic.ask("PUT", "/shop", body)
    assert answer.get("acknowledged"), answer
    lines = []
    for number in range(DOCUMENTS):
        document = {
            "title": f"{WORDS[number % 8]} {WORDS[number // 8 % 8]}",
            "price": number / 10,
            "tags": [WORDS[number % 3]],
            "who": {"name": f"n{number % 5}", "age": number % 90},
        }
        lines += [json.dumps({"index": {"_id": str(number)}}), json.dumps(document)]
    assert elastic.ask("POST", "/shop/_bulk?refresh=true", "\n".join(lines) + "\n")["errors"] is False
    return elastic
