from __future__ import annotations

import pytest
from hypothesis import given

from dbtui.sql.lex import Lexeme, tokens, word
from tests.sql.texts import ANYTHING


@given(ANYTHING)
def test_tokens_join_to_the_text_without_gaps(text: str) -> None:
    found = list(tokens(text))
    assert "".join(text[t.start : t.end] for t in found) == text
    assert all(t.end > t.start for t in found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("'it''s'", Lexeme.STRING),
        (r"E'a\'b'", Lexeme.STRING),
        (r"'a\'", Lexeme.STRING),  # standard_conforming_strings: the backslash is a backslash
        ("U&'d\\0061t'", Lexeme.STRING),
        ("x'1f'", Lexeme.STRING),
        ("$$a;b$$", Lexeme.STRING),
        ("$é_1$ $$ ' $é_1$", Lexeme.STRING),
        ('"a""b"', Lexeme.QUOTED),
        ('U&"d\\0061t"', Lexeme.QUOTED),
        ("/* /* ; */ ' */", Lexeme.COMMENT),
        ("-- it's", Lexeme.COMMENT),
        ("a$b$c", Lexeme.WORD),
        ("größe", Lexeme.WORD),
        ("$12", Lexeme.PLACEHOLDER),
        ("1_000.5e-3", Lexeme.NUMBER),
        ("0xFF", Lexeme.NUMBER),
        (".5", Lexeme.NUMBER),
        (r"\d+ 'x", Lexeme.COMMAND),
    ],
)
def test_one_token(text: str, kind: Lexeme) -> None:
    found = list(tokens(text))
    assert [t.kind for t in found] == [kind]
    assert found[0].closed


@pytest.mark.parametrize("text", ["'abc", "E'abc\\'", '"abc', "$$abc$", "/* /* */"])
def test_what_never_ends_reaches_to_the_end_and_says_so(text: str) -> None:
    (token,) = tokens(text)
    assert not token.closed


def test_names_fold_as_the_server_folds_them() -> None:
    text = 'Foo "Foo" "a""b" \'Foo\''
    assert [word(text, t) for t in tokens(text) if t.kind is not Lexeme.SPACE] == ["foo", "Foo", 'a"b', ""]
