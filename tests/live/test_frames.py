"""Snapshots as lines and back: nothing is lost but literals, and nothing hostile is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.errors import DbtuiError, InputError
from dbtui.live import frames
from dbtui.live.frames import Encoder, merged, parsed, snapshot_of
from dbtui.live.masking import AT_ONCE, Masked, masker
from dbtui.model.activity import Progress, Replica
from dbtui.model.snapshot import Link, Section, Snapshot
from tests.live.snapshots import NOW, session, snapshot, statement


def encoder(engine: str | None = None) -> Encoder:
    return Encoder(Masked(masker(engine) if engine else None))


def read_back(lines: list[bytes]) -> list[Snapshot]:
    state: dict[str, Any] = {}
    made = []
    for line in lines:
        state = merged(state, parsed(line))
        made.append(snapshot_of(state))
    return made


def written(own: Encoder, *snapshots: Snapshot) -> list[bytes]:
    lines = [own.line(one) for one in snapshots]
    return [line[0] for line in lines if line is not None]


def test_everything_comes_back() -> None:
    waiting = session("2", "SELECT 2", wait_type="Lock", wait="tuple", blocked_by=("1", "0"), query_age=3.25)
    one = snapshot(1, session("1", transaction_age=9.5), waiting, calls=5)
    health = replace(
        one.health.value or snapshot_health(), replicas=(Replica("r", "10.0.0.9", "streaming", 12, None),)
    )
    one = replace(one, health=Section(health, NOW), trouble="slow", next_try=NOW + 3)
    assert read_back(written(encoder(), one)) == [one]


def snapshot_health() -> Any:
    from dbtui.model.activity import Health

    return Health(progress=(Progress("1", "VACUUM", "scanning heap", "orders", 4, None, "blocks"),))


def test_a_line_tells_what_changed_and_a_minute_later_all() -> None:
    samples = [snapshot(n, session("1", query_age=float(n)), calls=5 + n) for n in range(0, 130, 10)]
    own = encoder()
    made = [own.line(one) for one in samples]
    assert [line[1] for line in made if line] == [n % 60 == 0 for n in range(0, 130, 10)]
    assert read_back([line[0] for line in made if line]) == samples
    assert b"max_connections" not in (made[1] or (b"", True))[0]


def test_the_same_again_is_no_line() -> None:
    own, one = encoder(), snapshot(1, session("1"))
    assert own.line(one) is not None
    assert own.line(replace(one, at=NOW + 2)) is None
    assert own.line(replace(one, at=NOW + 3, trouble="the server has not answered for 1 s")) is not None


def test_a_failed_section_keeps_its_value() -> None:
    good = snapshot(1, session("1"))
    failed = replace(good, at=NOW + 2, activity=replace(good.activity, error="timeout", next_try=NOW + 9))
    assert read_back(written(encoder(), good, failed)) == [good, failed]


def test_a_counter_that_is_gone_does_not_linger() -> None:
    before = snapshot(1)
    after = replace(before, at=NOW + 2, counters=Section({"commits": 1.0}, NOW + 2))
    assert read_back(written(encoder(), before, after))[-1].counters.value == {"commits": 1.0}


@pytest.mark.parametrize(
    ("engine", "query", "told"),
    [
        ("postgres", "SELECT * FROM t WHERE mail = 'a@b.c' AND n = 7", "SELECT * FROM t WHERE mail = ? AND n = ?"),
        ("mysql", 'SELECT "a@b.c", `x` # secret', "SELECT ?, `x`  "),
        ("mongodb", '{"find": "people", "filter": {"mail": "a@b.c"}}', None),
        ("redis", "SET mail a@b.c", "SET ? ?"),
        ("elasticsearch", '{"term": {"mail": "a@b.c", "n": 7}}', '{?: {?: ?, ?: ?}}'),
        ("elasticsearch", "GET users/_search?q=mail:a@b.c&size=5", "GET users/_search?q=?&size=?"),
    ],
)  # fmt: skip
def test_literals_are_masked(engine: str, query: str, told: str | None) -> None:
    one = snapshot(1, session("1", query), calls=1)
    assert one.statements.value is not None
    spoken = replace(
        one,
        statements=replace(
            one.statements, value=replace(one.statements.value, statements=(statement("7", 1, query),))
        ),
    )
    line = written(encoder(engine), spoken)[0]
    assert b"a@b.c" not in line and b"secret" not in line
    assert b"a@b.c" in written(encoder(), spoken)[0]
    value = read_back([line])[0].activity.value
    assert value is not None and (told is None or value.sessions[0].query.strip() == told.strip())


def test_very_many_new_texts_at_once_tell_their_verbs() -> None:
    busy = snapshot(1, *(session(str(n), f"UPDATE t SET a = {n}") for n in range(AT_ONCE + 5)))
    value = read_back(written(encoder("postgres"), busy))[0].activity.value
    assert value is not None
    assert {s.query for s in value.sessions} == {"UPDATE t SET a = ?", "UPDATE …"}


def test_of_very_many_the_most_telling_are_kept() -> None:
    idle = [session(str(n), state="idle") for n in range(1_000)]
    root = session("root", state="idle")
    waiter = session("waiter", wait_type="Lock", blocked_by=("root",))
    value = read_back(written(encoder(), snapshot(1, *idle, root, waiter)))[0].activity.value
    assert value is not None
    ids = {s.id for s in value.sessions}
    assert {"root", "waiter"} <= ids and len(ids) == frames.MOST_IDLE + 2
    assert value.connections == 1_002


def test_a_newer_version_adds_what_is_left_out() -> None:
    line = json.loads(written(encoder(), snapshot(1, session("1"), calls=2))[0])
    line["new"] = {"deep": [1]}
    line["activity"]["value"]["sessions"]["fields"].append("colour")
    for row in line["activity"]["value"]["sessions"]["rows"]:
        row.append("red")
    made = read_back([json.dumps(line).encode()])[0]
    assert made == snapshot(1, session("1"), calls=2)


@pytest.mark.parametrize(
    "line",
    [
        b"[]", b"\xff", b"[" * 100_000, b'{"at": "x", "whole": true}', b'{"at": 1, "link": "elsewhere"}',
        b'{"at": 1, "activity": {"value": {"sessions": {"fields": ["id"], "rows": [[1]]}}}}',
        b'{"at": 1, "activity": {"value": {"sessions": {"fields": 3, "rows": 3}}}}',
        b'{"at": 1, "metrics": {"a": "b"}}', b'{"at": 1, "server": []}', b'{"at": true}',
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused(line: bytes) -> None:
    with pytest.raises(InputError):
        snapshot_of(merged({}, parsed(line)))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(list(Snapshot.__dataclass_fields__)), _JSON, st.booleans())
def test_nothing_hostile_gets_further_than_an_error(name: str, value: Any, whole: bool) -> None:
    good = json.loads(written(encoder(), snapshot(1, session("1"), calls=2))[0])
    try:
        made = snapshot_of(merged(good, {**good, "whole": whole, name: value}))
    except DbtuiError:
        return
    assert isinstance(made, Snapshot) and made.link in set(Link)
