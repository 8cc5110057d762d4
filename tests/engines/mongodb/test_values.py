"""BSON as text: every type, whatever the size and depth."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import UUID

import bson
import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.codec_options import CodecOptions
from bson.datetime_ms import DatetimeMS

from dbtui.engines.mongodb import values
from dbtui.engines.mongodb.session import PLAIN

UID = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize(
    ("value", "kind", "cell"),
    [
        (None, "null", None),
        (True, "bool", "true"),
        (5, "int", "5"),
        (Int64(5), "long", "5"),
        (1.5, "double", "1.5"),
        (float("nan"), "double", '{"$numberDouble": "NaN"}'),
        ("text", "string", "text"),
        ("", "string", '""'),
        (ObjectId("65e1f0000000000000000001"), "objectId", "65e1f0000000000000000001"),
        (datetime(2026, 3, 1, 10, 5, 0, 1000, tzinfo=UTC), "date", "2026-03-01T10:05:00.001Z"),
        (DatetimeMS(10**15), "date", "1000000000000000 ms since 1970"),
        (Decimal128("1.10"), "decimal", "1.10"),
        ({"a": [1, None]}, "object", '{"a": [1, null]}'),
        ([{"b": "ü😀"}], "array", '[{"b": "ü😀"}]'),
        (Regex("^a", re.I), "regex", '{"$regularExpression": {"pattern": "^a", "options": "i"}}'),
        (Timestamp(5, 1), "timestamp", '{"$timestamp": {"t": 5, "i": 1}}'),
        (Code("x=1"), "javascript", '{"$code": "x=1"}'),
        (Binary.from_uuid(UID), "uuid", str(UID)),
        (Binary(b"\xff\x00"), "binData", "\\xff00"),
        (b"\x01" * 100, "binData", "\\x" + "01" * 64 + "… (100 bytes)"),
        (MinKey(), "minKey", '{"$minKey": 1}'),
        (MaxKey(), "maxKey", '{"$maxKey": 1}'),
    ],
)
def test_each_type(value: object, kind: str, cell: str | None) -> None:
    assert values.type_of(value) == kind
    assert values.cell(value) == cell


def test_large_values_are_cut_and_cost_no_more_than_what_is_shown() -> None:
    assert values.cell("x" * 16_000_000) == "x" * values.CELL + "… (16,000,000 characters)"

    class Endless(list):  # type: ignore[type-arg]
        def __iter__(self):  # type: ignore[no-untyped-def]
            while True:
                yield 7

    shown = values.cell({"a": Endless()})
    assert shown is not None and len(shown) == values.CELL + 1 and shown.endswith("…")


def test_depth_does_not_end_in_a_recursion() -> None:
    deep: object = 1
    for _ in range(100_000):
        deep = {"a": deep}
    assert "…" in values.text(deep)


def test_keys_and_texts_that_are_not_utf8_do_not_cost_the_rest() -> None:
    raw = bson.encode({"key": "tex", "n": 1}).replace(b"key", b"k\xffy").replace(b"tex", b"t\xfex")
    document = bson.decode(
        raw, codec_options=CodecOptions(document_class=dict, unicode_decode_error_handler="replace")
    )
    assert document == {"k�y": "t�x", "n": 1}
    assert PLAIN.unicode_decode_error_handler == "replace"
    far = bson.encode({"t": DatetimeMS(2**60)})
    assert values.cell(bson.decode(far, codec_options=PLAIN)["t"]) == f"{2**60} ms since 1970"
