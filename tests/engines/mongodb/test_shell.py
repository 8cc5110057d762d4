"""What people type is read as one command, or refused with its position; nothing is evaluated."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mongodb import values
from dbtui.engines.mongodb.literals import Reader
from dbtui.engines.mongodb.shell import Command, parse
from dbtui.errors import QueryError


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"find": "orders", "filter": {"a": 1}}', {"find": "orders", "filter": {"a": 1}}),
        ("db.orders.find()", {"find": "orders", "filter": {}}),
        (
            "db.orders.find({a: {$gt: 5}}, {_id: 0}).sort({b: -1}).limit(3).skip(2).hint('a_1');",
            {"find": "orders", "filter": {"a": {"$gt": 5}}, "projection": {"_id": 0}, "sort": {"b": -1}, "limit": 3,
             "skip": 2, "hint": "a_1"},
        ),
        ("db.orders.findOne({a: 1})", {"find": "orders", "filter": {"a": 1}, "limit": 1}),
        ("db['my orders'].find()", {"find": "my orders", "filter": {}}),
        ('db.getCollection("a.b/c").find()', {"find": "a.b/c", "filter": {}}),
        ("db.system.profile.find()", {"find": "system.profile", "filter": {}}),
        ("db.orders.aggregate([{$match: {a: 1}}])",
         {"aggregate": "orders", "pipeline": [{"$match": {"a": 1}}], "cursor": {}}),
        ("db.orders.aggregate({$match: {}}, {$limit: 5})",
         {"aggregate": "orders", "pipeline": [{"$match": {}}, {"$limit": 5}], "cursor": {}}),
        ("db.aggregate([{$currentOp: {}}])", {"aggregate": 1, "pipeline": [{"$currentOp": {}}], "cursor": {}}),
        ("db.orders.count({a: 1})", {"count": "orders", "query": {"a": 1}}),
        ("db.orders.find({a: 1}).limit(5).count()", {"count": "orders", "query": {"a": 1}, "limit": 5}),
        ("db.orders.distinct('status', {a: 1})", {"distinct": "orders", "key": "status", "query": {"a": 1}}),
        ("db.orders.deleteOne({a: 1})", {"delete": "orders", "deletes": [{"q": {"a": 1}, "limit": 1}]}),
        ("db.orders.updateMany({}, {$set: {b: 2}}, {upsert: true})",
         {"update": "orders", "updates": [{"q": {}, "u": {"$set": {"b": 2}}, "multi": True, "upsert": True}]}),
        ("db.orders.createIndex({a: 1, b: -1})",
         {"createIndexes": "orders", "indexes": [{"key": {"a": 1, "b": -1}, "name": "a_1_b_-1"}]}),
        ("db.runCommand({ping: 1})", {"ping": 1}),
        ("db.stats()", {"dbStats": 1}),
        ("// first\ndb.orders /* the old ones */ .find(\n{ /*!*/ a: 1, },)", {"find": "orders", "filter": {"a": 1}}),
    ],
)  # fmt: skip
def test_a_command_in_its_usual_forms(text: str, document: dict[str, Any]) -> None:
    command = parse(text)
    assert dict(command.document) == document
    assert next(iter(command.document)) == next(iter(document))


def test_where_and_whether_it_is_explained() -> None:
    assert parse("db.getSiblingDB('shop').orders.find()").database == "shop"
    assert parse("db.adminCommand({ping: 1})").database == "admin"
    assert parse('{"find": "a", "$db": "shop"}') == Command({"find": "a"}, "shop")
    assert parse("db.a.find().explain()").explain == "queryPlanner"
    assert parse("db.a.explain('executionStats').count()").explain == "executionStats"
    inner = parse('{"explain": {"find": "a", "$db": "shop"}, "verbosity": "executionStats"}')
    assert inner == Command({"find": "a"}, "shop", "executionStats")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("ObjectId('65e1f0000000000000000001')", ObjectId("65e1f0000000000000000001")),
        ('{"$oid": "65e1f0000000000000000001"}', ObjectId("65e1f0000000000000000001")),
        ("ISODate('2026-03-01')", datetime(2026, 3, 1, tzinfo=UTC)),
        ("new Date('2026-03-01T10:00:00+02:00')", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ('{"$date": "2026-03-01T00:00:00Z"}', datetime(2026, 3, 1, tzinfo=UTC)),
        ("NumberLong('5')", Int64(5)),
        ("NumberDecimal('1.10')", Decimal128("1.10")),
        ("BinData(0, 'AQI=')", Binary(b"\x01\x02")),
        ("Timestamp(5, 1)", Timestamp(5, 1)),
        ("/^a.b\\/[/]/i", Regex("^a.b\\/[/]", "i")),
        ("[MinKey, MaxKey()]", [MinKey(), MaxKey()]),
        ("[-1.5e3, +7, .5, -Infinity, 99999999999999999999]", [-1500.0, 7, 0.5, float("-inf"), 1e20]),
        ("'it\\'s \\u00fc \\n'", "it's ü \n"),
        ('{"name": {"$regex": "a", "$ne": "b"}}', {"name": {"$regex": "a", "$ne": "b"}}),
        ('{"$ref": "x", "$id": 1, "$where": "1"}', {"$ref": "x", "$id": 1, "$where": "1"}),
        ("{0: 1, $a: 2, 'b c': null}", {"0": 1, "$a": 2, "b c": None}),
    ],
)
def test_values(text: str, value: object) -> None:
    read = Reader(text).value()
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", None),
        ("SELECT 1", 1),
        ("db", 3),
        ("db.orders", 10),
        ("db.orders.drop_all()", 11),
        ("db.orders.find({a: 1}", 22),
        ("db.orders.find({a: 1, a: 2})", 23),
        ("db.orders.find({a: while_true()})", 20),
        ("db.orders.find({a: function() { return 1 }})", 20),
        ("db.orders.find({a: x})", 20),
        ("db.orders.find('text')", 11),
        ("db.orders.find(); db.orders.drop()", 19),
        ("db.orders.find().forEach(printjson)", 26),
        ("db.orders.find().map('x')", 18),
        ("{'a': ObjectId('nope')}", 7),
        ('{"a": "b', 7),
        ('{"a\\u0000": 1}', 2),
        ("[1, 2]", 1),
        ("db.getSiblingDB(1).a.find()", 16),
    ],
)
def test_what_is_refused_says_where(text: str, position: int | None) -> None:
    with pytest.raises(QueryError) as raised:
        parse(text)
    assert raised.value.position == position
    assert "\n" not in raised.value.message


def test_depth_has_a_limit() -> None:
    with pytest.raises(QueryError, match="nested deeper"):
        parse("db.a.find(" + "{a:" * 5000 + "1" + "}" * 5000 + ")")


@given(st.text(max_size=60))
def test_any_text_is_a_command_or_a_refusal(text: str) -> None:
    with contextlib.suppress(QueryError):
        parse(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=10)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(Int64, st.integers(-100, 100)) | st.builds(ObjectId, st.binary(min_size=12, max_size=12))
    | st.datetimes().map(
        lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000, tzinfo=UTC)),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(exclude_characters="\0$"), max_size=6), inner, max_size=4),
    max_leaves=15,
)  # fmt: skip


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0$"), min_size=1, max_size=6), JSON, max_size=4
    )
)
def test_what_is_shown_of_a_document_can_be_typed_again(document: dict[str, Any]) -> None:
    assert Reader(values.text(document)).value() == document
