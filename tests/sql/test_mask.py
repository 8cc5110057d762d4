from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.sql.mask import fingerprint, mask
from tests.sql.texts import ANYTHING

SECRET = "s3cr3t"
HOLDERS = st.sampled_from(
    ["'{}'", "E'\\'{}'", "$${}$$", "$a${}$a$", "x'{}'", "'it''s {}", "-- {}\n", "/* {} */", "U&'{}'",
     "$$ {}", '"{}', "\\set a {}", "N'{}'"]
)  # fmt: skip


@given(ANYTHING)
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


@given(st.sampled_from(["", "select ", "insert into t values (1,", "$1 = "]), HOLDERS)
def test_no_value_is_left(before: str, holder: str) -> None:
    text = before + holder.format(SECRET)
    assert SECRET in text
    assert SECRET not in mask(text)
    assert SECRET not in mask(text, numbered=True)


@given(ANYTHING.filter(lambda s: "\\" not in s))
def test_no_digit_of_a_literal_is_left(text: str) -> None:
    assert "987654" not in mask(text + " 987654 ") or "987654" in text


@pytest.mark.parametrize(
    ("sql", "masked"),
    [
        ("select * from t1 where a = 'x' and b > -1.5", "select * from t1 where a = ? and b > -?"),
        ("select \"a'b\", E'x\\'y' -- why\n", 'select "a\'b", ?  \n'),
        ("select interval '1 day', $$b$$, x'ff', 1e3, .5", "select interval ?, ?, ?, ?, ?"),
        ("select 'unclosed; drop", "select ?"),
        ("select a[1:2], $1", "select a[?:?], $1"),
        ("\\password bob", "\\password"),
    ],
)
def test_masked(sql: str, masked: str) -> None:
    assert mask(sql) == masked


def test_numbered_masks_count_on_from_the_placeholders() -> None:
    assert mask("select $2, 'a', 1", numbered=True) == "select $2, $3, $4"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT * FROM t WHERE a = 1", "select *\nfrom T where a = $1;"),
        ("select 1 where a in (1, 2, 3)", "select 2 where a in (7)"),
        ("insert into t values (1, 'a'), (2, 'b')", "insert into t values (3, 'c')"),
        ("select 'x' /* note */", "select $$y$$"),
    ],
)
def test_one_shape_one_fingerprint(one: str, other: str) -> None:
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"), [("select a", "select b"), ('select "A"', "select a"), ("select 1", "select 1, 2")]
)
def test_other_shapes_other_fingerprints(one: str, other: str) -> None:
    assert fingerprint(one) != fingerprint(other)
