from __future__ import annotations

from typing import Any

import pytest

from dbtui.advice.mongodb import needs, reasoned
from dbtui.model.advice import Facts, Query, TableFacts
from dbtui.model.catalog import Index

TABLE = TableFacts(
    "", "orders", {}, (Index("_id_", "", ("_id",), unique=True, primary=True), Index("user_1", "", ("user",)))
)
FACTS = Facts("mongodb", (TABLE, TableFacts("", "users", {})), search_path=("",))


def keys(command: dict[str, Any]) -> list[list[tuple[str, int]]]:
    return [list(need.keys) for need in needs(command)]


@pytest.mark.parametrize(
    ("condition", "sort", "wanted"),
    [
        ({"user": 5, "at": {"$gt": 1}}, {"score": -1}, [("user", 1), ("score", -1), ("at", 1)]),
        ({"state": {"$in": ["a", "b"]}}, None, [("state", 1)]),
        ({"$and": [{"a": 1}, {"b": {"$lte": 3}}]}, None, [("a", 1), ("b", 1)]),
        ({"items": {"$elemMatch": {"sku": "x", "n": {"$gt": 2}}}}, None, [("items.sku", 1), ("items.n", 1)]),
        ({"name": {"$regex": "^ab"}}, None, [("name", 1)]),
        ({"address": {"city": "x"}}, None, [("address", 1)]),
        ({}, {"at": 1}, [("at", 1)]),
    ],
)
def test_equality_sort_range(condition: Any, sort: Any, wanted: list[tuple[str, int]]) -> None:
    assert keys({"find": "orders", "filter": condition, "sort": sort}) == [wanted]


@pytest.mark.parametrize(
    "condition", [{"a": {"$ne": 1}}, {"a": {"$regex": "b"}}, {"a": {"$exists": False}}, None, 5]
)
def test_what_no_index_narrows_asks_for_none(condition: Any) -> None:
    assert keys({"find": "orders", "filter": condition}) == []


def test_branches_pipelines_and_changes() -> None:
    assert keys({"find": "orders", "filter": {"$or": [{"a": 1}, {"b": 2}]}}) == [[("a", 1)], [("b", 1)]]
    pipeline = [
        {"$match": {"user": 5}},
        {"$sort": {"at": -1}},
        {"$group": {"_id": "$x"}},
        {"$match": {"n": 3}},
        {"$lookup": {"from": "users", "localField": "user", "foreignField": "uid", "as": "u"}},
    ]
    assert keys({"aggregate": "orders", "pipeline": pipeline}) == [[("uid", 1)], [("user", 1), ("at", -1)]]
    assert keys({"update": "orders", "updates": [{"q": {"a": 1}, "u": {}}]}) == [[("a", 1)]]
    assert keys({"delete": "orders", "deletes": [{"q": {"a": 1}, "limit": 1}]}) == [[("a", 1)]]
    assert keys({"count": "orders", "query": {"a": 1}}) == [[("a", 1)]]


def test_one_index_serves_two_commands_and_replaces_another() -> None:
    commands = [
        {"find": "orders", "filter": {"user": 5}, "sort": {"at": -1}},
        {"find": "orders", "filter": {"user": 7, "at": {"$lt": 3}}},
        {"find": "orders", "filter": {"_id": 7}},
        {"find": "nowhere", "filter": {"a": 7}},
        None,
    ]
    advice = reasoned([Query(str(number)) for number in range(5)], commands, FACTS, 10)
    first = advice.indexes[0]
    assert first.sql == 'db.getCollection("orders").createIndex({"user": 1, "at": -1})'
    assert first.undo == 'db.getCollection("orders").dropIndex("user_1_at_-1")'
    assert first.supersedes == ("user_1",)
    assert first.verify == ('db.getCollection("orders").hideIndex("user_1")',)
    assert advice.verified.startswith("heuristic")
    assert advice.not_understood == ((4, "no command that reads"),)
    assert {index.table for index in advice.indexes} == {"orders"}
