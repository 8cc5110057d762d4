"""Read-only holds: what only reads runs, and every known way out is refused before it is sent."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from dbtui.engines.mongodb.read_only import READING, check, only_reads
from dbtui.engines.mongodb.shell import parse
from dbtui.errors import NotApproved, QueryError
from tests.engines.mongodb.support import database, opened
from tests.servers.ferretdb import FerretServer

READS = [
    "db.orders.find({a: 1})",
    "db.orders.aggregate([{$match: {}}, {$lookup: {from: 'b', as: 'x', pipeline: [{$match: {}}]}}])",
    "db.orders.aggregate([{$facet: {one: [{$count: 'n'}], two: [{$sample: {size: 1}}]}}])",
    "db.orders.aggregate([{$unionWith: {coll: 'b', pipeline: [{$limit: 1}]}}])",
    "db.orders.distinct('a')",
    "db.orders.find().explain()",
    "db.orders.find().explain('executionStats')",
    '{"explain": {"update": "orders", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]}}',
    '{"currentOp": 1, "$all": true}',
    "db.hello()",
    "db.stats()",
]
ESCAPES = [
    "db.orders.insertOne({a: 1})",
    "db.orders.insertMany([{a: 1}])",
    "db.orders.updateMany({}, {$set: {hacked: 1}})",
    "db.orders.deleteMany({})",
    "db.orders.drop()",
    "db.dropDatabase()",
    "db.orders.createIndex({a: 1})",
    "db.orders.findOneAndDelete({})",
    "db.createCollection('escape')",
    "db.orders.aggregate([{$out: 'escape'}])",
    "db.orders.aggregate([{$merge: {into: 'escape'}}])",
    "db.orders.aggregate([{$match: {}}, {$out: {db: 'other', coll: 'escape'}}])",
    "db.orders.aggregate([{$facet: {a: [{$out: 'escape'}]}}])",
    "db.orders.aggregate([{$lookup: {from: 'orders', as: 'x', pipeline: [{$merge: 'escape'}]}}])",
    "db.orders.aggregate([{$unionWith: {coll: 'orders', pipeline: [{$out: 'escape'}]}}])",
    "db.orders.aggregate([{$out: 'escape'}]).explain()",
    "db.orders.aggregate([{$out: 'escape'}]).explain('executionStats')",
    "db.orders.aggregate([{$out: 'escape'}], {explain: true})",
    "db.orders.aggregate([{$match: {}, $out: 'escape'}])",
    "db.orders.aggregate([[{$out: 'escape'}]])",
    '{"aggregate": "orders", "pipeline": {"0": {"$out": "escape"}}, "cursor": {}}',
    '{"aggregate": "orders", "pipeline": [{"$_internalInhibitOptimization": {}}, {"$out": "escape"}], "cursor": {}}',
    '{"explain": {"explain": {"insert": "orders", "documents": [{"a": 1}]}}}',
    '{"explain": {"insert": "orders", "documents": [{"a": 1}]}}',
    '{"explain": {"update": "orders", "updates": []}, "verbosity": "executionStats"}',
    '{"explain": {"delete": "orders", "deletes": []}, "verbosity": "allPlansExecution"}',
    '{"explain": {"findAndModify": "orders", "remove": true}, "verbosity": "nonsense"}',
    '{"explain": "orders"}',
    "db.orders.find({$where: 'db.escape.insert({})'})",
    "db.orders.find({$expr: {$function: {body: 'x', args: [], lang: 'js'}}})",
    "db.orders.find({$or: [{a: 1}, {$where: 'sleep(1000)'}]})",
    "db.orders.aggregate([{$group: {_id: 1, x: {$accumulator: {}}}}])",
    "db.orders.aggregate([{$addFields: {x: {$function: {body: '', args: [], lang: 'js'}}}}])",
    "db.orders.count({$where: '1'})",
    "db.orders.distinct('a', {$where: '1'})",
    "db.orders.find({a: {$ref: 'x', $id: 1, $where: '1'}})",
    '{"mapReduce": "orders", "map": "x", "reduce": "y", "out": "escape"}',
    '{"eval": "db.escape.insert({})"}',
    '{"Find": "orders"}',
    '{"find": "orders", "lsid": {"id": 1}}',
    '{"find": "orders", "txnNumber": 1, "startTransaction": true, "autocommit": false}',
    '{"find": "orders", "noCursorTimeout": true}',
    '{"find": "orders", "$comment": "x"}',
    '{"hello": 1, "speculativeAuthenticate": {"saslStart": 1}}',
    '{"profile": 2}',
    '{"setParameter": 1, "logLevel": 5}',
    '{"shutdown": 1}',
    '{"fsync": 1, "lock": true}',
    '{"killOp": 1, "op": 5}',
    '{"killCursors": "orders", "cursors": []}',
    '{"validate": "orders", "repair": true}',
    '{"compact": "orders"}',
    '{"createUser": "x", "pwd": "y", "roles": []}',
    '{"renameCollection": "a.orders", "to": "a.escape"}',
    '{"cloneCollectionAsCapped": "orders", "toCollection": "escape", "size": 1}',
    '{"convertToCapped": "orders", "size": 1}',
    '{"applyOps": []}',
    '{"getMore": 5, "collection": "orders"}',
    '{"bulkWrite": 1, "ops": [], "nsInfo": []}',
    '{"planCacheClear": "orders"}',
    '{"dropIndexes": "orders", "index": "*"}',
    '{"logRotate": 1}',
    '{"ping": 1, "$query": {"insert": "orders"}}',
    '{"$query": {"find": "orders"}}',
    "{}",
    "db.orders.watch()",
    "db.orders.aggregate([{$changeStream: {}}])",
]


@pytest.mark.parametrize("text", READS)
def test_what_only_reads_passes(text: str) -> None:
    check(parse(text))


@pytest.mark.parametrize("text", ESCAPES)
def test_what_may_write_is_refused(text: str) -> None:
    with pytest.raises((NotApproved, QueryError)):
        check(parse(text))


def test_keys_are_looked_at_at_every_depth() -> None:
    for depth in (1, 5, 40):
        inner = "{$where: '1'}"
        for _ in range(depth):
            inner = f"{{$and: [{inner}]}}"
        assert not only_reads(parse(f"db.orders.find({inner})"))


def test_no_command_that_writes_is_on_the_list() -> None:
    writing = {"insert", "update", "delete", "findAndModify", "mapReduce", "create", "drop", "collMod", "eval",
               "killOp", "shutdown", "setParameter", "applyOps", "fsync", "profile", "validate"}  # fmt: skip
    assert not READING & writing


async def test_nothing_escapes_on_a_server_whose_users_may_everything(ferretdb: FerretServer) -> None:
    """FerretDB lets every login write, so here only the list stands between a typed text and the data."""
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "a": n} for n in range(20)])
        before = _state(shop)
        async with opened(ferretdb.url(shop.name)) as engine:
            assert engine.query is not None and engine.explain is not None
            for text in ESCAPES:
                with pytest.raises(QueryError):
                    cursor = await engine.query.run(text)
                    await cursor.fetch()
                for analyze in (False, True):
                    with contextlib.suppress(QueryError, NotApproved):
                        await engine.explain.explain(text, analyze=analyze)
        assert _state(shop) == before


async def test_a_user_that_should_only_read_could_write_there(ferretdb: FerretServer) -> None:
    """The reason for the note that the console shows: if this fails, FerretDB has begun to enforce roles."""
    import pymongo

    with database(ferretdb) as shop, pymongo.MongoClient(ferretdb.url(user="reader")) as reader:
        reader[shop.name].orders.insert_one({"_id": 1})
        assert shop.orders.count_documents({}) == 1


def _state(shop: Any) -> tuple[list[str], list[Any], list[str]]:
    names = sorted(shop.list_collection_names())
    return names, list(shop.orders.find().sort("_id")), sorted(shop.orders.index_information())
