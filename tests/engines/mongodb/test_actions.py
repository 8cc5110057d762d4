"""What changes something: the exact operation, re-checked just before; and writes, each with its approval."""

from __future__ import annotations

from typing import Any

import pytest

from dbtui.engines.mongodb import sessions
from dbtui.engines.mongodb.engine import MongoEngine
from dbtui.errors import NotApproved, PermissionDenied, QueryError
from dbtui.model.activity import Session
from dbtui.model.result import Page
from dbtui.safety import approve, scope_of
from tests.engines.mongodb.replay import OK, Replay, cursor, refused
from tests.engines.mongodb.support import database, opened
from tests.recorded.mongodb import reply
from tests.servers.ferretdb import FerretServer

OPERATIONS = reply("current_op-7.0-mongod")


def session_of(opid: int) -> Session:
    return sessions.session_of(next(op for op in OPERATIONS if op.get("opid") == opid))


async def act(engine: MongoEngine, verb: str, session: Session) -> bool:
    assert engine.actions is not None
    approval = approve("orders", f"{verb}:{session.id}:{session.started}", "test")
    return await getattr(engine.actions, verb)(session, approval)  # type: ignore[no-any-return]


async def write(engine: MongoEngine, text: str, **more: Any) -> Page:
    assert engine.actions is not None
    return await engine.actions.write(text, approve("orders", scope_of(text), "test"), **more)


async def test_the_exact_operation_is_killed() -> None:
    async with (
        Replay({"aggregate": cursor(OPERATIONS), "killOp": OK}) as server,
        opened(server.url) as engine,
    ):
        assert await act(engine, "cancel", session_of(1538838))
        (killed,) = server.named("killOp")
    assert (killed["op"], killed["$db"]) == (1538838, "admin")


@pytest.mark.parametrize(
    "change",
    [
        {"opid": 42},
        {"client": "10.9.9.9:5"},
        {"command": {"find": "orders", "$db": "shop"}},
        {"active": False},
        None,
    ],
)
async def test_what_is_no_longer_the_same_is_left_alone(change: dict[str, Any] | None) -> None:
    now = [] if change is None else [{**OPERATIONS[0], **change}]
    async with Replay({"aggregate": cursor(now), "killOp": OK}) as server, opened(server.url) as engine:
        assert not await act(engine, "cancel", session_of(1538838))
        assert not server.named("killOp")


async def test_an_approval_covers_one_operation() -> None:
    async with (
        Replay({"aggregate": cursor(OPERATIONS), "killOp": OK}) as server,
        opened(server.url) as engine,
    ):
        assert engine.actions is not None
        session = session_of(1538838)
        for scope in ("cancel:1538838:other", f"terminate:{session.id}:{session.started}", "lift"):
            with pytest.raises(NotApproved):
                await engine.actions.cancel(session, approve("orders", scope, "test"))
        with pytest.raises(NotApproved):
            await engine.actions.cancel(
                session, approve("another", f"cancel:{session.id}:{session.started}", "")
            )
        assert not server.named("killOp")


async def test_an_idle_transaction_is_ended_by_its_session() -> None:
    idle = next(op for op in OPERATIONS if op.get("transaction"))
    answers = {"aggregate": cursor(OPERATIONS), "killAllSessionsByPattern": OK, "killOp": OK}
    async with Replay(answers) as server, opened(server.url) as engine:
        session = sessions.session_of(idle)
        assert not await act(engine, "cancel", session)  # nothing runs
        assert await act(engine, "terminate", session)
        (killed,) = server.named("killAllSessionsByPattern")
        assert not server.named("killOp")
    assert killed["killAllSessionsByPattern"] == [
        {"lsid": {"id": idle["lsid"]["id"], "uid": idle["lsid"]["uid"]}}
    ]


async def test_without_the_role_the_grant_is_named() -> None:
    answers = {
        "aggregate": cursor(OPERATIONS),
        "killOp": refused(13, "not authorized on admin to execute killOp"),
    }
    async with Replay(answers) as server, opened(server.url) as engine:
        with pytest.raises(PermissionDenied) as raised:
            await act(engine, "cancel", session_of(1538838))
    assert raised.value.remedy == (
        'db.getSiblingDB("admin").grantRolesToUser("ops", [{"role": "hostManager", "db": "admin"}])'
    )


async def test_ferretdb_has_no_way_to_stop_an_operation_and_says_so(ferretdb: FerretServer) -> None:
    async with opened(ferretdb.url("shop")) as engine:
        source = next(s for s in engine.monitor.sources if s.sections[0] == "activity")
        found = (await source.fetch(None))["activity"].sessions  # type: ignore[arg-type]
        idle = next(s for s in found if s.state == "idle" and s.kind == "client backend")
        assert not await act(engine, "cancel", idle)
        with pytest.raises(QueryError, match="no logical session"):
            await act(engine, "terminate", idle)
        assert "pg_cancel_backend" in engine.lacks["cancel"]  # told before anybody is asked for a reason
        assert "pg_terminate_backend" in engine.lacks["terminate"]
    answers = {"aggregate": cursor(OPERATIONS)}
    async with Replay(answers, hello="hello-documentdb") as server, opened(server.url) as engine:
        with pytest.raises(QueryError, match=r"DocumentDB 0.117-0 has no killOp: .*maxTimeMS"):
            await act(engine, "cancel", session_of(1538838))


async def test_writes_with_an_approval_and_only_then(ferretdb: FerretServer) -> None:
    with database(ferretdb) as shop:
        async with opened(ferretdb.url(shop.name)) as engine:
            page = await write(engine, "db.orders.insertMany([{_id: 1, a: 1}, {_id: 2, a: 1}])")
            assert page.status == "insert 2"
            assert (await write(engine, "db.orders.updateMany({}, {$set: {a: 5}})")).status == "update 2"
            assert (await write(engine, "db.orders.deleteOne({_id: 1})")).status == "delete 1"
            assert (await write(engine, "db.orders.createIndex({a: 1})")).status == "createIndexes done"
            assert (await write(engine, "db.orders.aggregate([{$out: 'copy'}])")).status.startswith(
                "aggregate"
            )
            read = await write(engine, "db.orders.find()")  # under a lift a read is still read by rows
            assert [c.name for c in read.columns] == ["_id", "a"] and read.rows == (("2", "5"),)
            assert engine.actions is not None
            with pytest.raises(NotApproved):
                approval = approve("orders", scope_of("db.orders.find()"), "test")
                await engine.actions.write("db.orders.drop()", approval)
            with pytest.raises(QueryError, match=r"(?i)duplicate key") as raised:
                await write(engine, "db.orders.insertOne({_id: 2})")
            assert raised.value.code == "11000"
            with pytest.raises(QueryError, match="not run here"):
                await write(engine, '{"getMore": 5, "collection": "orders"}')
        assert shop.orders.count_documents({}) == 1 and shop.copy.count_documents({}) == 1
        assert "a_1" in shop.orders.index_information()


async def test_errors_inside_a_reply_that_is_ok_are_errors() -> None:
    partly = {
        "n": 1,
        "writeErrors": [{"index": 1, "code": 121, "errmsg": "Document failed validation"}],
        "ok": 1.0,
    }
    async with Replay({"insert": partly}) as server, opened(server.url) as engine:
        with pytest.raises(QueryError, match="1 were written before; Document failed validation"):
            await write(engine, "db.orders.insertMany([{_id: 1}, {_id: 2}])")


async def test_a_member_that_takes_no_writes_says_where_they_go() -> None:
    secondary = Replay({"insert": refused(10107, "not primary")}, hello="hello-7.0-secondary")
    async with secondary as server, opened(server.url) as engine:
        with pytest.raises(QueryError, match="not primary") as raised:
            await write(engine, "db.orders.insertOne({_id: 1})")
    assert "connect to the primary" in raised.value.hint
