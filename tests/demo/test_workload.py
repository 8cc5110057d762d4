"""What goes on in the demo: traffic, sessions piled up behind a forgotten commit, a crew that survives."""

from __future__ import annotations

import os
import signal

from dbtui.demo import Demo
from tests.demo.conftest import eventually, psql


def test_traffic_of_several_applications(busy: Demo) -> None:
    wanted = {"storefront", "checkout", "queue-worker", "reports", "admin"}
    seen: set[str] = set()

    def all_seen() -> bool:
        seen.update(psql(busy, "select distinct application_name from pg_stat_activity").split("\n"))
        return wanted <= seen

    assert eventually(all_seen), wanted - seen
    for table in ("shop.carts", "shop.orders", "ops.jobs"):
        now = psql(busy, "select txid_current()")
        newest = f"select max(id::text) from {table} where xmin::text::bigint > {now}"
        assert eventually(lambda sql=newest: psql(busy, sql)), table
    assert eventually(lambda: psql(busy, "select sum(calls) > 200 from pg_stat_statements") == "t")
    assert int(psql(busy, "select count(*) from pg_stat_activity where backend_type = 'client backend'")) < 45


def test_sessions_wait_behind_sessions_that_wait(busy: Demo) -> None:
    chain = """
    select count(*) from pg_stat_activity as last, unnest(pg_blocking_pids(last.pid)) as b(middle),
           unnest(pg_blocking_pids(middle)) as a(first)
      join pg_stat_activity as holder on holder.pid = first and holder.state = 'idle in transaction'
    """
    assert eventually(lambda: int(psql(busy, chain)) > 0, 60)


def test_a_child_that_dies_is_started_again_and_named(busy: Demo) -> None:
    before = busy.processes()
    os.kill(before["storefront"], signal.SIGKILL)
    assert eventually(lambda: busy.processes().get("storefront") not in (None, before["storefront"]), 20)
    assert busy.folder is not None
    assert "storefront ended with -9" in (busy.folder / "workload.log").read_text()
    assert busy.processes()["checkout"] == before["checkout"]


def test_sessions_that_a_dba_ends_come_back(busy: Demo) -> None:
    roles = ("worker", "app_rw", "reporting")
    theirs = f"from pg_stat_activity where backend_type = 'client backend' and usename in {roles}"
    assert eventually(lambda: int(psql(busy, f"select count(*) {theirs}")) > 3, 20)
    psql(busy, f"select count(pg_terminate_backend(pid)) {theirs}", role="dbtui")
    for role in roles:
        back = f"select count(*) from pg_stat_activity where usename = '{role}'"
        assert eventually(lambda sql=back: int(psql(busy, sql)) > 0, 20), role


def test_a_server_that_crashes_recovers(busy: Demo) -> None:
    before = busy.processes()["server"]
    os.kill(before, signal.SIGQUIT)
    assert eventually(lambda: busy.processes().get("server") not in (None, before), 20)
    assert psql(busy, "select count(*) from shop.customers") == "500"
    assert eventually(
        lambda: int(psql(busy, "select count(*) from pg_stat_activity where usename = 'app_ro'")) > 0
    )
