"""The text of statements by the rules of MySQL and MariaDB."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mysql.lex import (
    Dialect,
    Lexeme,
    fingerprint,
    first_word,
    identifier,
    literal,
    mask,
    meaningful,
    placeholders,
    single,
    tokens,
)
from dbtui.errors import QueryError

PIECES = st.sampled_from(
    ["'", '"', "`", "\\", "--", "-- ", "#", "/*", "*/", "/*!", "\n", " ", ";", "?", "select", "x'0a'", "1.5e3",
     "ä", "😀", "(", ")", "@", "@@a", "0x1F", "_utf8mb4", "''", '""', "``"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=30).map("".join)
DIALECTS = st.builds(Dialect, ansi_quotes=st.booleans(), backslashes=st.booleans())


@given(TEXTS, DIALECTS)
def test_the_tokens_of_any_text_are_the_text(text: str, dialect: Dialect) -> None:
    found = list(tokens(text, dialect))
    assert "".join(text[token.start : token.end] for token in found) == text
    assert all(token.start < token.end for token in found)


@given(TEXTS)
def test_masking_never_fails_and_leaves_no_string(text: str) -> None:
    assert not any(token.kind is Lexeme.STRING for token in tokens(mask(text)))
    assert len(fingerprint(text)) == 16


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("select 'a\\'b'", [Lexeme.WORD, Lexeme.STRING]),
        ('select "it\'s"', [Lexeme.WORD, Lexeme.STRING]),
        ("select `a``b`", [Lexeme.WORD, Lexeme.QUOTED]),
        ("select 1--1", [Lexeme.WORD, Lexeme.NUMBER, Lexeme.SYMBOL, Lexeme.SYMBOL, Lexeme.NUMBER]),
        ("select 1 -- 1", [Lexeme.WORD, Lexeme.NUMBER]),
        ("select 1 # 1\n+2", [Lexeme.WORD, Lexeme.NUMBER, Lexeme.SYMBOL, Lexeme.NUMBER]),
        ("/* a /* b */ select", [Lexeme.WORD]),
        ("x'4a' N'n' 0x4A 1abc", [Lexeme.STRING, Lexeme.STRING, Lexeme.NUMBER, Lexeme.WORD]),
    ],
)
def test_tokens_are_those_of_the_server(text: str, kinds: list[Lexeme]) -> None:
    assert [token.kind for token in meaningful(text)] == kinds


def test_the_sql_mode_decides_about_quotes_and_backslashes() -> None:
    ansi = Dialect.of_mode("REAL_AS_FLOAT,ANSI_QUOTES")
    assert [token.kind for token in meaningful('"a"', ansi)] == [Lexeme.QUOTED]
    plain = Dialect.of_mode("NO_BACKSLASH_ESCAPES")
    assert len(meaningful("'a\\' , 'b'", plain)) == 3
    assert [token.closed for token in meaningful("'a\\' , ' c '")] == [True, True, False]


@pytest.mark.parametrize(
    "text",
    [
        "select 1;",
        "select ';' ; ",
        "-- a ; b\nselect 1",
        "create procedure p() begin select 1; select 2; end",
        "create definer=`a`@`%` trigger t before insert on x for each row begin set @a = 1; end;",
        "begin not atomic select 1; end",
    ],
)
def test_one_statement_is_one(text: str) -> None:
    assert single(text).startswith(text.strip()[:6])
    assert not single(text).endswith(";")


@pytest.mark.parametrize(
    "text",
    ["", " ; ", "-- only a comment", "select 1; select 2", "select 'open", "select \0", "select '\ud800'"],
)
def test_none_and_several_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        single(text)
    assert "\n" not in str(caught.value)


def test_shapes_are_alike_whatever_the_literals() -> None:
    assert fingerprint("select * from t where a in (1,2,3) -- x") == fingerprint(
        "SELECT *\nFROM t WHERE a IN (7, 8)"
    )
    assert fingerprint("insert into t values (1,'a'),(2,'b')") == fingerprint("insert into t values (3, 'c')")
    assert fingerprint("select 1") != fingerprint("select a")
    assert mask("select 'secret', \"also\", 0x41, b from t /* secret */") == "select ?, ?, ?, b from t  "


def test_what_some_servers_run_is_no_comment() -> None:
    assert single("delete from t /*! where a = 1 */ -- x") == "delete from t /*! where a = 1 */"
    assert single("delete from t /* where a = 1 */") == "delete from t"
    assert [token.kind for token in meaningful("/*M!100 a */")] == [Lexeme.COMMAND]


def test_words_and_placeholders() -> None:
    assert first_word("/* a */ ( SELECT 1 )") == "select"
    assert first_word("'select'") == ""
    assert placeholders("select ?, '?', `?` /* ? */ where a = ?") == 2


def test_names_and_values_are_quoted_for_every_sql_mode() -> None:
    assert identifier("a`b") == "`a``b`"
    assert literal("") == "''"
    assert literal("o'b\\") == "CONVERT(X'6f27625c' USING utf8mb4)"
