from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import UsageError
from dbtui.live.selection import selector
from dbtui.model.activity import Session

CRON = Session(
    id="7", started="1", user="report", database="shop", application="cron nightly", client="10.0.0.7",
    kind="client backend", state="idle in transaction", wait_type="", wait="", query="SELECT 1",
    query_age=900.0, transaction_age=1000.0, state_age=800.0,
)  # fmt: skip
BUSY = replace(
    CRON, id="8", user="app", application="web", state="active", query="UPDATE stock", query_age=5.0,
    transaction_age=None, wait_type="Lock", wait="tuple",
)  # fmt: skip
WALWRITER = replace(CRON, id="2", kind="walwriter", user="")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("user=report", "7"),
        ("USER=REPORT", "7"),
        ("user:p", "78"),
        ("app:cron", "7"),
        ('state="idle in transaction"', "7"),
        ("state=idle", ""),
        ("state:idle user=report", "7"),
        ("state:idle user=app", ""),
        ("age>10m", "7"),
        ("age<10s", "8"),
        ("xact>15m", "7"),
        ("tx>1000", ""),
        ("xact<1d", "7"),
        ("wait:lock", "8"),
        ("stock", "8"),
        ("10.0.0.7", "78"),
        ("", ""),
    ],
)
def test_a_filter_takes_those_for_whom_every_term_holds(text: str, taken: str) -> None:
    assert "".join(s.id for s in selector(text).of([CRON, BUSY, WALWRITER])) == taken


@pytest.mark.parametrize(
    "text", ["user=", 'state="idle', "age>soon", "age=10m", "nobody=1", "user>3", "age:5"]
)
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    if text == "user=":  # not a term with a value: a word
        assert selector(text).of([CRON]) == ()
        return
    with pytest.raises(UsageError):
        selector(text)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        made = selector(text)
    except UsageError:
        return
    made.of([CRON, BUSY])
    assert not made.picks(WALWRITER)
