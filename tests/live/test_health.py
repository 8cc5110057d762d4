from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dbtui.errors import ConfigError
from dbtui.live.health import HealthWatch
from dbtui.live.thresholds import read_thresholds
from dbtui.model.activity import Activity, Health, Slot
from dbtui.model.server import Server
from dbtui.model.snapshot import Link, Section, Snapshot
from tests.live.test_blocking import session

MB = 2**20


def snapshot(
    at: float, wal: float, *, retained: int = 41 * 1024 * MB, room: int | None = 21504 * MB
) -> Snapshot:
    slot = Slot("old", "physical", False, "extended", retained, room)
    return Snapshot(
        at=at,
        link=Link.LIVE,
        activity=Section(Activity((session("1"),), 1, 100), at),
        counters=Section({"wal_bytes": wal}, at),
        health=Section(Health(slots=(slot,)), at),
    )


def test_the_growth_of_counters_is_told_over_the_last_minutes() -> None:
    watch = HealthWatch("postgres")
    assert "at " not in watch.take(snapshot(0.0, 0.0))[0].message
    (finding,) = watch.take(snapshot(100.0, 300.0 * MB))
    assert finding.message.endswith("retains 41.0 GB; at 3.0 MB/s the slot is given up in 2 h")
    assert finding.severity == "error" and finding.sql == ("SELECT pg_drop_replication_slot('old');",)
    for tick in range(2, 30):
        watch.take(snapshot(tick * 100.0, 300.0 * MB))
    assert "at " not in watch.findings[0].message, "what happened before the last five minutes counts no more"


def test_a_clock_that_was_set_back_and_a_lost_link_make_no_nonsense() -> None:
    watch = HealthWatch("postgres")
    watch.take(snapshot(1000.0, 0.0))
    before = watch.take(snapshot(1100.0, 300.0 * MB))
    lost = replace(snapshot(1200.0, 1.0), link=Link.LOST)
    assert watch.take(lost) is before
    assert "at " not in watch.take(snapshot(500.0, 900.0 * MB))[0].message


def test_after_a_failover_nothing_is_compared_with_what_was_before() -> None:
    watch = HealthWatch("postgres")
    one = Server("PostgreSQL", "18.6", 180006, "primary", "a:5432", "d", "u", started=1.0)
    watch.take(replace(snapshot(0.0, 0.0), server=one))
    watch.take(replace(snapshot(100.0, 300.0 * MB), server=one))
    assert "at 3.0 MB/s" in watch.findings[0].message
    watch.take(replace(snapshot(110.0, 5.0), server=replace(one, started=105.0)))
    assert "at " not in watch.findings[0].message


def test_a_snapshot_with_nothing_new_is_not_judged_again() -> None:
    watch = HealthWatch("postgres")
    first = watch.take(snapshot(0.0, 0.0))
    assert watch.take(replace(snapshot(0.0, 0.0), at=1.0)) is first


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "health.toml"


def test_the_user_changes_thresholds(file: Path) -> None:
    assert read_thresholds(file) == {}
    file.write_text("[pg-slot-retains-wal]\nbytes = 50e9\n[any-deadlocks]\noff = true\n")
    changes = read_thresholds(file)
    assert changes == {"pg-slot-retains-wal": {"bytes": 50e9}, "any-deadlocks": {"off": 1.0}}
    assert not HealthWatch("postgres", changes).take(snapshot(0.0, 0.0))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[pg-slot-retain-wal]\nbytes = 1", "pg-slot-retains-wal"),
        ("[pg-slot-retains-wal]\nbits = 1", "bytes, hours, off, room"),
        ("[pg-slot-retains-wal]\nbytes = 'many'", "no number"),
        ("[pg-slot-retains-wal]\nbytes = -1", "no number"),
        ("any-deadlocks = 3", "no table"),
        ("[", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_thresholds(file)
