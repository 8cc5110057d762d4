from __future__ import annotations

import pytest

from dbtui.advice.wishes import Wish, dropped, wished
from dbtui.errors import UsageError
from dbtui.model.advice import WhatIf


def test_each_statement_is_a_wish() -> None:
    found = wished(
        'create unique index on t (a); DROP INDEX CONCURRENTLY if exists s."Old One", b;'
        " set work_mem to '64MB'; set enable_seqscan = off; create statistics s on a, b from t; select 1"
    )
    assert found == Wish(
        WhatIf(
            ("create unique index on t (a)",),
            ("s.Old One", "b"),
            ("create statistics s on a, b from t",),
            settings={"work_mem": "64MB", "enable_seqscan": "off"},
        ),
        "select 1",
    )
    assert wished("-- nothing\n").empty


@pytest.mark.parametrize("text", ["drop table t", "create table t (a int)", "set", "hello", "vacuum"])
def test_what_cannot_be_tried_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        wished(text)


def test_names_of_dropped_indexes() -> None:
    assert dropped('drop index concurrently "public"."a b" cascade') == ("public.a b",)
