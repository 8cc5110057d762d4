from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.redis.words import argument, command, command_at, quoted, raw_of, shown, split, value
from dbtui.errors import QueryError


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("get a", [b"get", b"a"]),
        ("  SET\tk  v ", [b"SET", b"k", b"v"]),
        (r'set k "a\x00\xFF\n\"\\ b"', [b"set", b"k", b'a\x00\xff\n"\\ b']),
        (r"set k 'it\'s \n'", [b"set", b"k", rb"it's \n"]),
        ('set k ""', [b"set", b"k", b""]),
        (r'get "\xzz"', [b"get", b"xzz"]),
        ("get ключ😀", [b"get", "ключ😀".encode()]),
        ("get a;b--c/*d", [b"get", b"a;b--c/*d"]),
        ('set k "two\nlines"', [b"set", b"k", b"two\nlines"]),
        ("\n\nget a\n", [b"get", b"a"]),
    ],
)
def test_a_command_is_split_as_redis_cli_does(typed: str, words: list[bytes]) -> None:
    assert command(typed) == words


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "no command"),
        (" \n\t", "no command"),
        ("get a\nget b", "2 commands"),
        ("get a\r\nflushall", "2 commands"),
        ('get "a', "quote is not closed"),
        ("get 'a", "quote is not closed"),
        ('get "a\nget b', "quote is not closed"),
        ('get "a"b', "followed by more"),
    ],
)
def test_what_is_not_one_command(typed: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        command(typed)


@pytest.mark.parametrize(
    ("text", "offset", "found"),
    [
        ("", 0, ""),
        ("  \n ", 2, ""),
        ("get a", 0, "get a"),
        ("get a;b--c /*", 12, "get a;b--c /*"),
        ("get a\nget b\n", 3, "get a"),
        ("get a\nget b\n", 5, "get a"),
        ("get a\nget b\n", 6, "get b"),
        ("get a\nget b\n", 12, "get b"),
        ("\n\nget a", 0, "get a"),
        ('set k "x\ny"\nget k', 9, 'set k "x\ny"'),
        ("get it's\nget b", 1, "get it's\nget b"),
    ],
)
def test_the_command_under_the_cursor_is_its_line(text: str, offset: int, found: str) -> None:
    assert command_at(text, offset) == found


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (b"user:1", "user:1"),
        (b"a b", "a b"),
        ("ключ".encode(), "ключ"),
        (b"", '""'),
        (b"\xff\xfe", r'"\xff\xfe"'),
        (b"a\x1b[31m\r\n", r'"a\x1b[31m\r\n"'),
        (b'"', r'"\""'),
        ("😀\u202ex".encode(), '"😀\\xe2\\x80\\xaex"'),
    ],
)
def test_keys_as_they_are_shown(key: bytes, text: str) -> None:
    assert shown(key) == text
    assert raw_of(text) == key


@given(st.binary(max_size=30))
def test_every_key_has_one_text_and_back(key: bytes) -> None:
    text = shown(key)
    assert text.isprintable()
    assert raw_of(text) == key


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_arguments_are_read_as_they_are_written(words: list[bytes]) -> None:
    line = " ".join(argument(word) for word in words)
    assert split(line) == words
    assert "\n" not in line


@given(st.text())
def test_whatever_is_typed_is_words_or_an_error(typed: str) -> None:
    try:
        words = command(typed)
    except QueryError:
        return
    assert words
    assert command(" ".join(map(quoted, words))) == words


@given(st.binary(max_size=30))
def test_values_are_their_text_or_quoted(raw: bytes) -> None:
    try:
        assert value(raw) == raw.decode()
    except UnicodeDecodeError:
        assert split(value(raw)) == [raw]
