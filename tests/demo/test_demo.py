"""The server of the demo and its rows, and how they come and go."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path

import asyncpg
import pytest

from dbtui.demo import Demo
from dbtui.errors import UsageError
from dbtui.model.server import Environment
from tests.demo.conftest import SMALL, alive, backends, eventually, psql, small

# What the seed gives at the scale of these tests, whatever the machine and the day.
GOLDEN = [
    "customers|500|215005|64c614c08656ffcc9a5235f51f25f7e4",
    "products|60|6284.83|8932945dd6390cb0a86d4880cd346d3e",
    "orders|1200|658036.48|ce064e8bd6e0d12c9d3f4721e1d7760d",
    "items|2944|658036.48|89ec7ca7f61bdc43339575988928487a",
    "payments|1200|658036.48|6fa89c4ed3abfdb2d84cb88f8fe64c25",
    "events|1600|273475|6dd1936179d0d1a80c4d54e39c918852",
    "shipments|1044|1780|5dfa64bb8b1aaf3e868fe8b9c069076c",
]

FINGERPRINT = """
select 'customers', count(*), sum(loyalty_points), md5(string_agg(full_name || email, ',' order by id))
from shop.customers
union all
select 'products', count(*), sum(price), md5(string_agg(name, ',' order by id)) from shop.products
union all
select 'orders', count(*), sum(total), md5(string_agg(status::text || placed_at, ',' order by id))
from shop.orders
union all
select 'items', count(*), sum(amount), md5(string_agg(product_id::text, ',' order by order_id, line))
from shop.order_items
union all
select 'payments', count(*), round(sum(amount)::numeric, 2), md5(string_agg(reference, ',' order by id))
from billing.payments
union all
select 'events', count(*), sum((payload ->> 'ms')::int), md5(string_agg(payload::text, ',' order by id))
from analytics.events
union all
select 'shipments', count(*), sum(warehouse_id), md5(string_agg(tracking, ',' order by id))
from warehouse.shipments
"""


def test_target_is_a_development_server_without_password(quiet: Demo) -> None:
    target = quiet.target
    assert (target.name, target.scheme, target.environment) == (
        "demo-shop",
        "postgresql",
        Environment.DEVELOPMENT,
    )
    assert target.url == f"postgresql://dbtui@/shop?host={quiet.folder}"
    assert target.read_only and target.password is None


async def test_console_role_reads_and_ends_sessions_but_writes_nothing(quiet: Demo) -> None:
    connection = await asyncpg.connect(quiet.target.url)
    try:
        assert await connection.fetchval("select count(*) from billing.payments") == 1200
        assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
        for role in ("pg_monitor", "pg_read_all_data", "pg_signal_backend"):
            assert await connection.fetchval("select pg_has_role($1, 'usage')", role)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("delete from shop.reviews")
    finally:
        await connection.close()


def test_server_is_set_up_to_be_looked_at(quiet: Demo) -> None:
    said = psql(
        quiet,
        "show server_version_num; show listen_addresses; show track_io_timing; show max_connections;"
        "select count(*) >= 0 from pg_stat_statements;",
    ).split("\n")
    assert said[0].startswith("18")
    assert said[1:] == ["", "on", "60", "t"]


def test_listens_on_no_tcp_port(quiet: Demo) -> None:
    listening = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == "0A":
                listening.add(f"socket:[{columns[9]}]")
    opened = {
        os.readlink(file)
        for pid in backends(quiet)
        for file in Path(f"/proc/{pid}/fd").iterdir()
        if file.is_symlink()
    }
    assert any(name.startswith("socket:") for name in opened)
    assert not opened & listening


def test_folder_is_closed_to_others(quiet: Demo) -> None:
    assert quiet.folder is not None
    found = quiet.folder.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    server = Path(f"/proc/{quiet.processes()['server']}").stat()
    assert server.st_uid == found.st_uid != 0


def test_rows_are_the_same_every_time(quiet: Demo) -> None:
    fresh = small(fresh=True)
    with fresh:
        assert psql(fresh, FINGERPRINT) == psql(quiet, FINGERPRINT)
    assert psql(quiet, FINGERPRINT).split("\n") == GOLDEN


def test_shop_holds_what_reviews_should_find(quiet: Demo) -> None:
    assert (
        psql(quiet, "select indexrelid::regclass from pg_index where not indisvalid") == "customers_phone_key"
    )
    assert psql(quiet, "select conname from pg_constraint where not convalidated") == "reviews_rating_check"
    keyless = """
    select c.oid::regclass from pg_class as c where relkind = 'r' and relnamespace = 'analytics'::regnamespace
    and not exists (select from pg_index where indrelid = c.oid and indisprimary)
    """
    assert psql(quiet, keyless) == "analytics.page_views"


def test_stop_leaves_nothing() -> None:
    demo = small(workload=True)
    demo.start()
    assert demo.folder is not None
    pids = [*demo.processes().values(), *backends(demo)]
    assert len(demo.processes()) == 5
    demo.stop()
    assert not demo.folder.exists()
    assert not [pid for pid in pids if alive(pid)]
    demo.stop()


def test_killed_guardian_leaves_nothing() -> None:
    demo = small(workload=True)
    demo.start()
    assert demo.folder is not None
    pids = [*demo.processes().values(), *backends(demo)]
    os.kill(demo.processes()["guardian"], signal.SIGKILL)
    assert eventually(lambda: not any(alive(pid) for pid in pids), 10)
    demo.stop()
    assert not demo.folder.exists()


def test_two_side_by_side(quiet: Demo) -> None:
    other = small()
    with other as target:
        assert target.url != quiet.target.url
        psql(other, "delete from shop.reviews")
        assert psql(quiet, "select count(*) > 0 from shop.reviews") == "t"
    assert psql(quiet, "select 1") == "1"


def test_a_kept_demo_can_be_come_back_to(temporary: Path) -> None:
    demo = small(keep=True)
    demo.start()
    folder = demo.folder
    assert folder is not None and folder.parent == temporary and str(folder) in demo.describe()
    psql(demo, "create table shop.mine as select 1 as one")
    again = small(folder=folder)
    with pytest.raises(UsageError, match="running already"):
        again.start()
    assert psql(demo, "select 1") == "1"
    demo.stop()
    again = small(folder=folder)
    with again:
        assert psql(again, "select one from shop.mine") == "1"
    assert (folder / "data").exists() and again.processes() == {}


def test_somebody_elses_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("finished")
    with pytest.raises(UsageError, match="something else"):
        small(folder=tmp_path).start()
    assert (tmp_path / "thesis.txt").read_text() == "finished"


def test_rows_come_from_the_cache_unless_spoiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    told: list[list[str]] = [[], [], []]
    with small(progress=told[0].append):
        pass
    (template,) = (tmp_path / "dbtui" / "demo").iterdir()
    assert stat.S_IMODE(template.stat().st_mode) == stat.S_IMODE(template.parent.stat().st_mode) == 0o700
    assert str(SMALL) in template.name
    with small(progress=told[1].append):
        pass
    (template / "global" / "pg_control").write_bytes(b"")
    demo = small(progress=told[2].append)
    with demo:
        assert psql(demo, "select count(*) from shop.customers") == "500"
    assert [any("making" in line for line in lines) for lines in told] == [True, False, True]
    assert any("does not start" in line for line in told[2])


def test_cache_that_cannot_be_written_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dbtui").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    demo = small(progress=said.append)
    with demo:
        assert psql(demo, "select 1") == "1"
    assert any("cannot be written" in line for line in said)


@pytest.mark.slow
def test_full_size_is_what_it_says() -> None:
    demo = Demo(workload=False)
    with demo:
        rows = """
        select sum(reltuples) from pg_class where relkind = 'r' and relnamespace::regnamespace::text
        in ('shop', 'billing', 'warehouse', 'analytics', 'ops')
        """
        assert 650_000 < int(psql(demo, rows)) < 680_000
