"""Commands that a user types, on a real server: documents as rows, however odd they are."""

from __future__ import annotations

from datetime import UTC, datetime

import bson
import pytest
from bson.raw_bson import RawBSONDocument

from dbtui.engines.mongodb import query
from dbtui.errors import QueryError, QueryTimeout
from tests.engines.mongodb.support import database, opened, rows_of
from tests.servers.ferretdb import FerretServer

SLOW = (
    "db.orders.aggregate([{$lookup: {from: 'orders', localField: 's', foreignField: 's', as: 'x'}}, "
    "{$unwind: '$x'}, {$group: {_id: '$x.n', n: {$sum: 1}}}])"
)


async def test_top_level_fields_are_columns(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many(
            [
                {"_id": 1, "total": 1.5, "at": datetime(2026, 3, 1, tzinfo=UTC), "who": {"name": "Ü😀"}},
                {"_id": 2, "total": 3, "tags": ["a", "b"], "none": None},
            ]
        )
        async with opened(ferretdb.url(shop.name)) as engine:
            cursor = await engine.query.run("db.orders.find().sort({_id: 1})")  # type: ignore[union-attr]
            page = await cursor.fetch()
    assert [(c.name, c.type, c.numeric) for c in page.columns] == [
        ("_id", "int", True),
        ("total", "double | int", True),
        ("at", "date", False),
        ("who", "object", False),
        ("tags", "array", False),
        ("none", "null", False),
    ]
    # A field that is not there is an empty cell, a null is None.
    assert page.rows == (
        ("1", "1.5", "2026-03-01T00:00:00.000Z", '{"name": "Ü😀"}', "", ""),
        ("2", "3", "", "", '["a", "b"]', None),
    )
    assert not page.more


async def test_fields_that_come_later_have_a_column_too(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n} | ({"late": "x" * n} if n > 150 else {}) for n in range(200)])
        async with opened(ferretdb.url(shop.name)) as engine:
            names, rows = await rows_of(engine, "db.orders.find().sort({_id: 1})")
    assert names == ["_id", query.REST]
    assert len(rows) == 200
    assert rows[0] == ("0", "") and rows[151] == ("151", '{"late": "' + "x" * 151 + '"}')


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("db.orders.count({n: {$lt: 5}})", ["n"], [("5",)]),
        ("db.orders.countDocuments({n: {$lt: 5}})", ["_id", "n"], [("1", "5")]),
        ("db.orders.distinct('s')", ["value"], [("a",), ("b",)]),
        ('{"find": "orders", "filter": {"n": 3}, "projection": {"_id": 0}}', ["n", "s"], [("3", "b")]),
        ("db.orders.aggregate([{$group: {_id: '$s', n: {$sum: 1}}}, {$sort: {_id: 1}}])", ["_id", "n"],
         [("a", "10"), ("b", "10")]),
        ("db.orders.find({n: 99})", [], []),
        ("db.nothing.find()", [], []),
    ],
)  # fmt: skip
async def test_each_kind_of_answer(
    shop_of_twenty: str, ferretdb: FerretServer, text: str, names: list[str], rows: list[tuple[str, ...]]
) -> None:
    async with opened(ferretdb.url(shop_of_twenty)) as engine:
        got, found = await rows_of(engine, text)
    assert got == names
    assert sorted(found) == rows


@pytest.fixture
def shop_of_twenty(ferretdb: FerretServer):  # type: ignore[no-untyped-def]
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "n": n, "s": "ab"[n % 2]} for n in range(20)])
        yield shop.name


async def test_another_database_than_the_urls(ferretdb: FerretServer, shop_of_twenty: str) -> None:
    async with opened(ferretdb.url("elsewhere")) as engine:
        assert await rows_of(engine, "db.orders.find()") == ([], [])
        assert len((await rows_of(engine, "db.orders.find()", shop_of_twenty))[1]) == 20
        text = f"db.getSiblingDB('{shop_of_twenty}').orders.find().limit(2)"
        assert len((await rows_of(engine, text))[1]) == 2
        names, rows = await rows_of(engine, '{"listDatabases": 1}')
        assert shop_of_twenty in {row[names.index("name")] for row in rows}
        names, rows = await rows_of(engine, "db.serverStatus()")
        assert "process" in names and len(rows) == 1


async def test_large_documents_and_wildly_mixed_ones(ferretdb: FerretServer) -> None:
    big = "x" * (16 * 2**20 - 200)
    with database(ferretdb) as shop:
        shop.odd.insert_one({"_id": 0, "big": big})
        shop.odd.insert_many([{"_id": n, "v": value} for n, value in enumerate(
            [1, 1.5, "text", None, True, [1, {"a": 2}], {"deep": {"er": 1}}, bson.Int64(2**40), b"\x00\xff",
             bson.ObjectId(), datetime(2026, 3, 1, tzinfo=UTC), bson.Decimal128("1e-6143"), bson.Regex("a", "i"),
             bson.Timestamp(1, 1), bson.MinKey(), "😀 \x1b[31m\u202e",
             {f"k{n}": n for n in range(500)}], 1)])  # fmt: skip
        shop.wide.insert_one({"_id": 100} | {f"field {n}": n for n in range(1000)})
        async with opened(ferretdb.url(shop.name)) as engine:
            names, rows = await rows_of(engine, "db.odd.find().sort({_id: 1})")
            assert len(rows) == 18
            assert names == ["_id", "big", "v"]
            wide, _ = await rows_of(engine, "db.wide.find()")
            assert len(wide) == query.MOST_COLUMNS + 1 and wide[-1] == query.REST
            assert rows[0][1] is not None and rows[0][1].endswith("characters)")
            assert rows[16][2] == "😀 \x1b[31m\u202e"
            assert engine.catalog is not None
            made = await engine.catalog.children(
                next(n for n in await engine.catalog.children(_database(shop.name)) if n.name == "odd")
            )
    described = {node.name: node.detail for node in made}
    assert "string" in described["v"] and "%" in described["v"]
    assert "in " in described["big"]


def _database(name: str):  # type: ignore[no-untyped-def]
    from dbtui.model.catalog import Kind, Node

    return Node(Kind.DATABASE, name, (name,))


async def test_raw_documents_with_bytes_that_are_no_text() -> None:
    raw = bson.encode({"_id": 1, "key": "tex"}).replace(b"key", b"k\xffy").replace(b"tex", b"t\xfex")
    from dbtui.engines.mongodb.session import RAW

    document = RawBSONDocument(raw, codec_options=RAW)
    assert list(document) == ["_id", "k�y"]


async def test_a_statement_has_a_limit_of_time(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "n": n, "s": n % 2} for n in range(4000)])
        async with opened(ferretdb.url(shop.name)) as engine:
            assert engine.query is not None
            with pytest.raises(QueryTimeout):
                cursor = await engine.query.run(SLOW, timeout=0.5)
                await cursor.fetch()
            assert len((await rows_of(engine, "db.orders.find().limit(3)"))[1]) == 3


async def test_a_statement_is_stopped(ferretdb: FerretServer) -> None:
    import asyncio

    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "n": n, "s": n % 2} for n in range(4000)])
        async with opened(ferretdb.url(shop.name)) as engine:
            assert engine.query is not None
            running = asyncio.ensure_future(engine.query.run(SLOW, timeout=1.5))
            await asyncio.sleep(0.1)
            await engine.query.cancel()
            with pytest.raises(QueryError, match="was cancelled"):
                await running
            assert len((await rows_of(engine, "db.orders.find().limit(3)"))[1]) == 3


async def test_what_the_server_refuses_is_said_in_its_words(
    ferretdb: FerretServer, shop_of_twenty: str
) -> None:
    async with opened(ferretdb.url(shop_of_twenty)) as engine:
        for text, said in (
            ("db.orders.find({n: {$nonsense: 1}})", "nonsense"),
            ("db.orders.aggregate([{$limit: 'x'}])", "limit|number|\\$limit"),
            ("db.orders.find({n: 1}).hint('no_such_index')", "hint|index|Index"),
            ('{"top": 1}', "no such command"),
        ):
            with pytest.raises(QueryError, match=said) as raised:
                await rows_of(engine, text)
            assert raised.value.code


async def test_a_result_is_read_up_to_a_limit(
    ferretdb: FerretServer, shop_of_twenty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MAX_ROWS", 10)
    async with opened(ferretdb.url(shop_of_twenty)) as engine:
        assert engine.query is not None
        cursor = await engine.query.run("db.orders.find().batchSize(4)")
        page = await cursor.fetch()
        assert (len(page.rows) >= 10, page.more) == (True, True)
        with pytest.raises(QueryError, match="only the first"):
            await cursor.fetch()
