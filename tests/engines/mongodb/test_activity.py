"""What the sampler gets: from FerretDB as it is, and from recorded replies what only mongod and mongos say."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pymongo
import pytest
from bson import Timestamp

from dbtui.engines.mongodb import counters, health, sessions
from dbtui.engines.mongodb.blockers import blockers
from dbtui.engines.mongodb.engine import MongoEngine
from dbtui.errors import PermissionDenied
from dbtui.live.blocking import forest
from dbtui.live.rates import advance, measure
from dbtui.live.sampler import with_blockers
from dbtui.model.activity import Activity, Session
from dbtui.model.snapshot import Section, Snapshot
from tests.engines.mongodb.replay import Replay, cursor, refused
from tests.engines.mongodb.support import database, opened
from tests.engines.mongodb.test_query import SLOW
from tests.recorded.mongodb import reply
from tests.servers.ferretdb import FerretServer


async def sample(engine: MongoEngine, *names: str) -> dict[str, Any]:
    """What the sources of some sections say."""
    found: dict[str, Any] = {}
    for source in engine.monitor.sources:
        if source.sections[0] in names:
            values = await source.fetch(Snapshot(at=0, activity=Section(found.get("activity"))))
            found |= {name: {**found.get(name, {}), **value} if name == "counters" else value
                      for name, value in values.items()}  # fmt: skip
    return found


async def test_counters_of_ferretdb_are_commands(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        async with opened(ferretdb.url(shop.name)) as engine:
            before = (await sample(engine, "counters"))["counters"]
            shop.orders.insert_one({"_id": 1})
            for _ in range(5):
                shop.orders.find_one({})
            after = (await sample(engine, "counters"))["counters"]
    assert after["ops_query"] - before["ops_query"] >= 5
    assert after["ops_insert"] - before["ops_insert"] >= 1
    readings = advance(advance({}, before, 100.0), after, 102.0)
    rate = measure(next(m for m in counters.METRICS if m.id == "ops"), readings)
    assert rate is not None and rate >= 3


async def test_ferretdb_has_the_figures_that_are_drawn_as_charts(ferretdb: FerretServer) -> None:
    async with opened(ferretdb.url()) as engine:
        told = (await sample(engine, "counters", "activity"))["counters"]
        assert all(counter in told for metric in engine.monitor.metrics[:4] for counter in metric.numerator)


async def test_operations_that_run_on_ferretdb(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        orders = shop["orders😀"]
        orders.insert_many([{"_id": n, "n": n, "s": n % 2} for n in range(4000)])
        pipeline = [
            {"$lookup": {"from": "orders😀", "localField": "s", "foreignField": "s", "as": "x"}},
            {"$unwind": "$x"},
            {"$group": {"_id": "$x.n", "n": {"$sum": 1}}},
        ]

        def load() -> None:
            with pytest.raises(pymongo.errors.PyMongoError):
                list(orders.aggregate(pipeline, maxTimeMS=2000))

        thread = threading.Thread(target=load)
        thread.start()
        seen: list[Session] = []
        async with opened(ferretdb.url(shop.name)) as engine:
            while thread.is_alive() and not seen:
                got = await sample(engine, "activity")
                seen = [s for s in got["activity"].sessions if s.state == "active"]
                everyone = got["activity"]
            statements = await sample(engine, "statements")
        thread.join()
    assert seen and seen[0].database == shop.name
    assert seen[0].query == '{"aggregate": "orders😀", …}'
    assert not any(session.stranded for session in everyone.sessions)  # background workers say that they wait
    assert seen[0].query_age is not None and seen[0].kind == "client backend"
    assert everyone.limit is None and everyone.hidden == 0
    assert got["counters"]["active"] == len(seen) and got["counters"]["connections"] >= 1
    assert not [s for s in everyone.sessions if "$currentOp" in s.query or s.query == '{"aggregate": ""}']
    assert statements["statements"].source == "sampled activity"
    assert "FerretDB counts no queries" in statements["statements"].note
    assert SLOW


async def test_an_index_build_on_ferretdb_is_shown_though_it_does_not_tell_how_far_it_is(
    ferretdb: FerretServer,
) -> None:
    with database(ferretdb) as shop:
        shop.orders.insert_many([{"_id": n, "a": n, "s": "x" * 99} for n in range(25_000)])
        ended = threading.Event()

        def build() -> None:
            while not ended.is_set():
                shop.orders.create_index("a")
                shop.orders.drop_indexes()

        thread = threading.Thread(target=build)
        thread.start()
        try:
            async with opened(ferretdb.url(shop.name)) as engine, asyncio.timeout(30):
                while True:
                    await sample(engine, "activity")
                    health = (await sample(engine, "health"))["health"]
                    if health.progress:
                        break
        finally:
            ended.set()
            thread.join()
    (found,) = health.progress
    assert (found.operation, found.target) == ("createIndexes", f"{shop.name}.orders")
    assert (found.total, found.unit) == (None, "")


async def test_the_rest_of_ferretdb_is_empty_and_not_an_error(ferretdb: FerretServer) -> None:
    async with opened(ferretdb.url("shop")) as engine:
        await sample(engine, "activity")
        slow = await sample(engine, "health", "locks")
        assert slow["health"].replicas == () and slow["health"].progress == () and slow["locks"] == {}
        cost = engine.monitor.cost
        assert cost.statements >= 2 and cost.server_seconds > 0
        await engine.monitor.reconnect()
        assert engine.monitor.cost.statements >= cost.statements


# ---- recorded: counters


def test_counters_of_mongod_7() -> None:
    found = counters.of_status(reply("server_status-7.0-mongod"))
    wanted = {
        "ops_insert": 15230, "ops_command": 220412, "connections": 112, "max_connections": 51200, "active": 7,
        "queued": 4, "cache_bytes": 3435973837, "cache_limit": 4294967296, "cache_dirty": 128974848,
        "read_tickets": 5, "read_tickets_limit": 16, "write_tickets": 3, "write_tickets_limit": 12,
        "scanned_objects": 5012345, "returned": 410231, "write_conflicts": 57, "bytes_in": 918273645,
        "bytes_out": 5647382910, "asserts_user": 41, "asserts_server": 2, "cursors": 17, "app_evictions": 19,
        "resident_bytes": 1874 * 2**20, "flow_control": 0, "transactions": 3,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_tickets_have_another_place_from_8_on() -> None:
    found = counters.of_status(reply("server_status-8.0-mongod"))
    assert (found["read_tickets"], found["read_tickets_limit"]) == (6, 128)
    assert (found["write_tickets"], found["write_tickets_limit"]) == (2, 128)


def test_a_router_has_no_storage() -> None:
    found = counters.of_status(reply("server_status-6.0-mongos"))
    assert found["ops_query"] == 70011 and "cache_bytes" not in found and "queued" not in found


def test_times_are_means_between_two_samples() -> None:
    latency = counters.Latency()
    first = reply("server_status-7.0-mongod")
    assert latency.of(first) == {}
    second = {"opLatencies": {"reads": {"latency": 91_000_000 + 250_000, "ops": 70_000 + 100},
                              "writes": {"latency": 12_000_000, "ops": 15_000}}}  # fmt: skip
    assert latency.of(second) == {"read_latency": 0.0025, "write_latency": 0.0}
    assert latency.of({"opLatencies": {"reads": {"latency": 5, "ops": 1}}}) == {}  # a restart


@pytest.mark.parametrize(
    "status", [{}, {"opcounters": 5, "connections": [], "wiredTiger": None, "metrics": {}}]
)
def test_a_status_of_another_shape_gives_fewer_figures(status: dict[str, Any]) -> None:
    assert counters.of_status(status) == {}


def test_every_metric_is_made_of_counters_that_exist() -> None:
    known = set(counters._PATHS) | {
        "max_connections", "app_evictions", "asserts_server", "resident_bytes", "flow_control", "failed_commands",
        "read_latency", "write_latency", "waiting", "oldest_transaction", "replication_lag", "oplog_window",
    }  # fmt: skip
    for metric in counters.METRICS:
        assert set(metric.numerator) <= known, metric.id
        assert not metric.limit or metric.limit in known


# ---- recorded: sessions


def test_operations_of_mongod() -> None:
    operations = [op for op in reply("current_op-7.0-mongod") if not sessions.is_ours(op)]
    made = {s.id: s for s in map(sessions.session_of, operations)}
    assert len(made) == 7
    query = made["1538838"]
    assert (query.user, query.database, query.application) == ("shop", "shop", "shop-api")
    assert (query.state, query.query_age, query.client) == ("active", 12.4, "10.0.0.104:40104")
    assert (
        query.query.startswith('{"find": "orders", "filter": {"$and"') and "$clusterTime" not in query.query
    )
    assert made["1538901"].wait_type == "Lock" and made["1538901"].wait == "Collection W"
    assert (
        made["1539000"].query == '{"find": "orders", "filter": {"customer": {"$gte": 5}}}'
    )  # behind a getMore
    idle = next(s for s in made.values() if s.state == "idle in transaction")
    assert (idle.user, idle.transaction_age, idle.application) == ("billing", 300.0, "billing")
    assert made["1539188"].kind == "OplogApplier" and made["1538777"].kind == "client backend"


def test_operations_behind_a_router_and_in_a_queue() -> None:
    routed = sessions.session_of(reply("current_op-6.0-mongos")[0])
    assert (routed.id, routed.client, routed.application) == ("shard04:265665", "10.0.0.9:39545", "PyMongo")
    assert routed.database == "shop" and "needsMerge" not in routed.query
    queued = sessions.session_of(reply("current_op-8.0-mongod")[0])
    assert (queued.wait_type, queued.wait) == ("Queue", "execution")


def test_one_update_is_shown_as_the_command_that_it_was_part_of() -> None:
    operation = {"opid": 5, "active": True, "op": "update", "ns": "shop.a.b", "client": "x:1",
                 "command": {"q": {"n": 1}, "u": {"$set": {"m": 2}}, "multi": False}}  # fmt: skip
    assert sessions.session_of(operation).query == (
        '{"update": "a.b", "updates": [{"q": {"n": 1}, "u": {"$set": {"m": 2}}, "multi": false}]}'
    )
    removed = {**operation, "op": "remove", "command": {"q": {"n": 1}, "limit": 1}}
    assert sessions.session_of(removed).query == '{"delete": "a.b", "deletes": [{"q": {"n": 1}, "limit": 1}]}'


def test_progress_of_an_index_build() -> None:
    (build,) = sessions.progress_of(reply("current_op-7.0-mongod"))
    assert (build.operation, build.target, build.done, build.total) == (
        "createIndexes",
        "shop.orders",
        412000,
        1500000,
    )


def test_progress_as_documentdb_tells_it_of_a_build_in_the_background() -> None:
    build = {"opid": "10000000007:1", "op_prefix": 10_000_000_007, "active": True, "ns": "shop.orders",
             "command": {"createIndexes": "orders"}, "op": "workerCommand", "msg": "Building index.Progress 0.25.",
             "progress": {"blocks_done": 50, "blocks_total": 200}}  # fmt: skip
    asked = {**build, "opid": "10000000008:1", "op": "command", "progress": None}
    (found,) = sessions.progress_of([asked, build])
    assert (found.session, found.done, found.total, found.unit) == ("7", 50, 200, "blocks")


def test_documentdb_names_the_leaders_of_its_workers_and_who_is_in_the_way() -> None:
    """As DocumentDB 1.0 tells it."""
    leader = {"opid": "10000020501:1795", "op_prefix": 10_000_020_501, "active": True, "ns": "shop.orders",
              "command": {"createIndexes": "orders"}, "op": "command", "waitingForLock": False}  # fmt: skip
    worker = {**leader, "opid": "10000020619:1795", "op_prefix": 10_000_020_619, "parallelWorker": True,
              "leaderOpPatter": 20501}  # fmt: skip
    waiter = {"opid": "10000020503:1796", "op_prefix": 10_000_020_503, "active": True, "ns": "shop.orders",
              "command": {"update": "orders"}, "op": "update", "waitingForLock": True, "writeConflicts": 1,
              "locking_op_prefixes": [10_000_020_501]}  # fmt: skip
    assert sessions.session_of(worker).leader == sessions.session_of(leader).id == "20501"
    assert (sessions.session_of(worker).kind, sessions.session_of(leader).kind) == (
        "parallel worker",
        "client backend",
    )
    assert blockers([leader, worker, waiter]) == {"20503": ("20501",)}
    assert [one.session for one in sessions.progress_of([leader, worker])] == ["20501"]
    assert (sessions.session_of(waiter).waits_on, sessions.session_of(waiter).query) == (
        "Lock",
        '{"update": "orders", …}',
    )
    elsewhere = {**leader, "op_prefix": 20_000_020_501}  # the same process of another node
    assert sessions.id_of(elsewhere) == "20000020501"
    later = {**leader, "opid": "10000020501:1799"}
    assert sessions.fingerprint(later) != sessions.fingerprint(leader)


def test_an_operation_is_told_from_a_later_one_of_the_same_id() -> None:
    operation = reply("current_op-7.0-mongod")[0]
    same = {**operation, "microsecs_running": 99, "numYields": 5, "secs_running": 9}
    assert sessions.fingerprint(same) == sessions.fingerprint(operation)
    for changed in (
        {"client": "10.9.9.9:1"},
        {"opid": 7},
        {"command": {"find": "other"}},
        {"connectionId": 1},
    ):
        assert sessions.fingerprint({**operation, **changed}) != sessions.fingerprint(operation)


def test_who_is_in_the_way_of_whom() -> None:
    operations = reply("current_op-7.0-mongod")
    # The index build holds the collection whole; the collMod that waits for it bars the insert behind no lock yet.
    assert blockers(operations) == {"1538901": ("1538777",), "1538907": ("1538777",)}
    activity = with_blockers(
        Activity(tuple(map(sessions.session_of, operations)), 8, None), blockers(operations)
    )
    tree = [(line.session.id, line.depth, line.waiting) for line in forest(activity.sessions)]
    assert tree == [("1538777", 0, 2), ("1538901", 1, 0), ("1538907", 1, 0)]


def test_a_transaction_that_does_not_say_what_it_holds_counts_when_it_is_alone() -> None:
    operations = [op for op in reply("current_op-7.0-mongod") if op.get("opid") != 1538777]
    waiter = next(op for op in operations if op.get("opid") == 1538901)
    idle = next(op for op in operations if op.get("transaction"))
    assert blockers([waiter, idle]) == {"1538901": (sessions.id_of(idle),)}
    another = {**idle, "lsid": {"id": "x"}}
    assert blockers([waiter, idle, another]) == {}  # one of two: it is not known which
    assert blockers([waiter, {**idle, "locks": {"Collection": "r"}}]) == {"1538901": (sessions.id_of(idle),)}
    reader = {**waiter, "opid": 5, "locks": {"Collection": "r"}}
    assert blockers([reader, idle]) == {}  # intents do not bar each other


@pytest.mark.parametrize(
    "operation",
    [{}, {"command": None, "locks": 5, "lsid": "x", "effectiveUsers": {}, "transaction": []},
     {"opid": 1, "active": True, "command": {"find": 1}, "microsecs_running": "soon", "waitingForLock": True}],
)  # fmt: skip
def test_entries_of_an_unknown_shape_are_sessions_too(operation: dict[str, Any]) -> None:
    assert sessions.session_of(operation).id
    assert blockers([operation]) == {}


# ---- recorded: through the driver


def answers(**more: Any) -> dict[str, Any]:
    return {"aggregate": cursor(reply("current_op-7.0-mongod")), **more}


async def test_a_tick_on_mongod() -> None:
    async with Replay(answers()) as server, opened(server.url) as engine:
        got = await sample(engine, "counters", "activity")
        activity = got["activity"]
        assert (activity.connections, activity.limit, len(activity.sessions)) == (112, 51200, 7)
        assert got["counters"]["waiting"] == 2 and got["counters"]["oldest_transaction"] == 300.0
        assert got["counters"]["queued"] == 4
        locks = await sample(engine, "locks")
        assert locks["locks"]["1538901"] == ("1538777",)
        pipelines = [command["pipeline"][0]["$currentOp"] for command in server.named("aggregate")]
        assert pipelines == [{"allUsers": True, "idleSessions": True}]


async def test_without_the_role_the_users_own_operations_are_shown_and_labelled() -> None:
    def current(command: dict[str, Any]) -> dict[str, Any]:
        if command["pipeline"][0]["$currentOp"]["allUsers"]:
            return refused(13, "not authorized on admin to execute command { aggregate: 1 }")
        return cursor(reply("current_op-7.0-mongod")[:1])

    no = refused(13, "not authorized on admin to execute command { serverStatus: 1 }")
    async with Replay({"aggregate": current, "serverStatus": no}) as server, opened(server.url) as engine:
        with pytest.raises(PermissionDenied) as raised:
            await sample(engine, "counters")
        grant = (
            'db.getSiblingDB("admin").grantRolesToUser("ops", [{"role": "clusterMonitor", "db": "admin"}])'
        )
        assert raised.value.remedy == grant
        activity = (await sample(engine, "activity"))["activity"]
        assert activity.remedy == f"own operations only: {grant}" and activity.hidden >= 1
        assert [s.id for s in activity.sessions] == ["1538838"]
        await sample(engine, "activity")
        asked = [command["pipeline"][0]["$currentOp"]["allUsers"] for command in server.named("aggregate")]
        assert asked == [True, False, False]  # the refusal is not provoked again at each tick


async def test_the_replica_set_and_the_oplog() -> None:
    def oplog(command: dict[str, Any]) -> dict[str, Any]:
        first = command["sort"]["$natural"] == 1
        return cursor([{"ts": Timestamp(1772272800 if first else 1772359200, 1)}])

    more = {"replSetGetStatus": reply("repl_set_status-6.0-primary"), "find": oplog}
    async with Replay(answers(**more), hello="hello-7.0-secondary") as server, opened(server.url) as engine:
        got = await sample(engine, "activity", "health")
    assert got["counters"]["oplog_window"] == 86400.0
    assert got["counters"]["replication_lag"] == 45.0
    assert [(r.name, r.state, r.lag_seconds, r.client) for r in got["health"].replicas] == [
        ("db-02:27017", "SECONDARY", 3.0, "from db-01:27017"),
        ("db-03:27017", "SECONDARY", 45.0, "from db-02:27017"),
        ("arbiter:27017", "ARBITER", None, ""),
        ("db-04:27017", "(not reachable/healthy)", None, ""),
    ]
    assert got["health"].progress[0].operation == "createIndexes"


def test_a_secondary_tells_its_own_lag() -> None:
    status = reply("repl_set_status-6.0-primary")
    members = [replace_self(member, member["_id"] == 2) for member in status["members"]]
    assert health.lag_counters({**status, "members": members}) == {"replication_lag": 45.0}


def replace_self(member: dict[str, Any], own: bool) -> dict[str, Any]:
    return {
        **{key: value for key, value in member.items() if key != "self"},
        **({"self": True} if own else {}),
    }


async def test_a_stuck_answer_ends_by_its_own_limit() -> None:
    gate = asyncio.Event()
    async with Replay({"aggregate": cursor([])}) as server, opened(server.url) as engine:
        connection = await engine.monitor._connector.monitor()  # type: ignore[attr-defined]
        server.hold = gate
        with pytest.raises(Exception, match="did not answer in time"):
            await connection.command({"ping": 1}, timeout=0.2)
        gate.set()
        server.hold = None
        with pytest.raises(Exception, match="no such command"):
            await connection.command({"pong": 1}, timeout=2.0)
    assert replace(counters.METRICS[0], label="x").label == "x"
