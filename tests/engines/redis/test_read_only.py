from __future__ import annotations

from typing import Any

import pytest

from dbtui.engines.redis import read_only
from dbtui.engines.redis.engine import RedisEngine
from dbtui.engines.redis.query import READ_ONLY
from dbtui.errors import NotApproved, PermissionDenied, QueryError
from tests.engines.redis.opened import engine, rows, user, value
from tests.servers.redis import RedisServer

DATABASE = 5


def prepare(server: RedisServer) -> None:
    """One key of each type, and two of those that are combined."""
    with server.client(DATABASE) as client:
        client.flushdb()
        client.set("string", "1")
        client.set("counter", "10", ex=5000)
        client.rpush("list", 3, 1, 2)
        client.sadd("set", "a", "b")
        client.hset("hash", mapping={"a": 1, "b": 2})
        client.zadd("zset", {"a": 1, "b": 2})
        client.xadd("stream", {"a": 1})
        client.geoadd("geo", (13.3, 38.1, "here"))
        client.pfadd("hll", *range(1000))
        client.pfadd("hll", "one more")  # so that the stored count is out of date
        client.execute_command("FUNCTION", "LOAD", "REPLACE", FUNCTIONS)


FUNCTIONS = """#!lua name=kit
redis.register_function('sets', function(keys) return redis.call('set', keys[1], 'x') end)
redis.register_function{function_name='reads', callback=function() return 1 end, flags={'no-writes'}}"""


def state(server: RedisServer) -> list[Any]:
    """All that a command could leave behind."""
    with server.client(DATABASE) as client:
        asked = (
            "DEBUG DIGEST",
            "CONFIG GET *",
            "ACL LIST",
            "FUNCTION LIST",
            "PUBSUB CHANNELS",
            "DBSIZE",
        )
        return [client.execute_command(*command.split()) for command in asked]


REFUSED = [
    "SET string 2",
    "set string 2",
    "GETEX string EX 1",
    "GETEX string PERSIST",
    "GETDEL string",
    "GETSET string 2",
    "PFCOUNT hll",
    "PFCOUNT hll hll",
    "TOUCH string",
    "SORT list STORE sorted",
    "SORT list",
    "SORT_RO list",
    "BITFIELD string SET u8 0 1",
    "BITFIELD string GET u8 0",
    "GEORADIUS geo 13 38 100 km STORE x",
    "GEORADIUSBYMEMBER geo here 1 km STOREDIST x",
    "ZRANGESTORE x zset 0 -1",
    "SUNIONSTORE x set",
    "XREADGROUP GROUP g c STREAMS stream >",
    "XGROUP CREATE stream g 0",
    "SPOP set",
    "LPOP list",
    "BLPOP list 0",
    "COPY string other",
    "RESTORE x 0 y",
    "MIGRATE 127.0.0.1 1 string 0 1",
    "EVAL \"redis.call('set','string',2)\" 0",
    "EVAL_RO 'return 1' 0",
    "EVALSHA x 0",
    "FCALL sets 1 string",
    "FCALL_RO reads 0",
    "SCRIPT FLUSH",
    "SCRIPT LOAD 'return 1'",
    "SCRIPT KILL",
    "FUNCTION FLUSH",
    "FUNCTION RESTORE x",
    "FUNCTION DUMP",
    "MULTI",
    "EXEC",
    "WATCH string",
    "KEYS *",
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB 0 5",
    "MOVE string 1",
    "SELECT 1",
    "DEBUG SET-ACTIVE-EXPIRE 0",
    "DEBUG RELOAD",
    "DEBUG SLEEP 0",
    "CONFIG SET maxmemory 1",
    "CONFIG RESETSTAT",
    "CONFIG REWRITE",
    "ACL SETUSER x",
    "ACL LIST",
    "ACL GETUSER default",
    "ACL LOG RESET",
    "CLIENT KILL ID 1",
    "CLIENT PAUSE 1",
    "CLIENT REPLY OFF",
    "CLIENT SETNAME x",
    "CLIENT NO-TOUCH OFF",
    "CLIENT TRACKING ON",
    "SLOWLOG RESET",
    "LATENCY RESET",
    "MEMORY PURGE",
    "MODULE LOAD /x",
    "CLUSTER RESET",
    "REPLICAOF NO ONE",
    "FAILOVER",
    "SHUTDOWN NOSAVE",
    "SAVE",
    "BGSAVE",
    "MONITOR",
    "SUBSCRIBE x",
    "PUBLISH x y",
    "SPUBLISH x y",
    "SYNC",
    "PSYNC ? -1",
    "HELLO 2",
    "AUTH x",
    "RESET",
    "QUIT",
    "WAIT 0 0",
    "config|set maxmemory 1",
    "object|freq string",
]


async def test_what_acts_is_refused_and_leaves_nothing_behind(redis: RedisServer) -> None:
    prepare(redis)
    before = state(redis)
    async with engine(redis.url(DATABASE)) as made:
        for command in REFUSED:
            with pytest.raises(QueryError, match="read-only") as caught:
                await rows(made, command)
            assert caught.value.code == READ_ONLY
            assert not made.query.only_reads(command)
        assert await value(made, "GET string") == "1", "the session is as it was"
    assert state(redis) == before


READS = [
    "GET string",
    "get string",
    "STRLEN string",
    "TTL counter",
    "OBJECT ENCODING string",
    "MEMORY USAGE string",
    "LRANGE list 0 -1",
    "BITFIELD_RO string GET u8 0",
    "GEOSEARCH geo FROMLONLAT 13 38 BYRADIUS 500 km",
    "XRANGE stream - +",
    "XREAD COUNT 1 STREAMS stream 0",
    "XINFO STREAM stream",
    "SCAN 0 COUNT 10",
    "TYPE string",
    "DUMP string",
    "INFO",
    "PING",
    "ECHO x",
    "TIME",
    "ROLE",
    "DBSIZE",
    "COMMAND COUNT",
    "COMMAND DOCS get",
    "CLIENT LIST",
    "CLIENT ID",
    "CLIENT HELP",
    "CONFIG GET maxmemory",
    "SLOWLOG GET",
    "LATENCY LATEST",
    "MEMORY STATS",
    "ACL WHOAMI",
    "FUNCTION LIST",
    "SCRIPT EXISTS x",
    "PUBSUB CHANNELS",
    "MODULE LIST",
    "LOLWUT",
]


async def test_what_reads_is_let_through(redis: RedisServer) -> None:
    prepare(redis)
    async with engine(redis.url(DATABASE)) as made:
        for command in READS:
            page = await rows(made, command)
            assert page.columns, command
            assert made.query.only_reads(command)


async def test_no_command_of_the_server_that_is_let_through_changes_anything(redis: RedisServer) -> None:
    """Every command that the server has, with several guesses of arguments on keys of each type."""
    prepare(redis)
    with redis.client() as admin:
        known = sorted(name.decode().replace("|", " ") for name in admin.execute_command("COMMAND LIST"))
        known += sorted(f"{name.partition(' ')[0]} HELP" for name in known if " " in name)
    before = state(redis)
    let_through: set[str] = set()
    async with engine(redis.url(DATABASE)) as made:
        for name in known:
            if await _is_refused(made, name):
                continue
            let_through.add(name)
            for arguments in _guesses():
                try:
                    await rows(made, f"{name} {arguments}")
                except QueryError:
                    continue
    assert state(redis) == before
    assert {"get", "hgetall", "scan", "client list", "object freq"} <= let_through
    assert not {"set", "eval", "pfcount", "getex", "keys", "config set", "client kill"} & let_through


async def _is_refused(made: RedisEngine, name: str) -> bool:
    try:
        await rows(made, name)
    except QueryError as error:
        return error.code == READ_ONLY
    return False


def _guesses() -> list[str]:
    keys = ("string", "counter", "list", "set", "hash", "zset", "stream", "geo", "hll")
    more = ["1 set set", "0 -1", "string counter", "2 zset set", "x x"]
    return [f"{key}{rest}" for key in keys for rest in ("", " 0 -1", " a b 1")] + more


async def test_line_ends_inside_an_argument_are_data(redis: RedisServer) -> None:
    prepare(redis)
    with redis.client(DATABASE) as client:
        client.set(b"a\r\nSET string 2\r\n", "odd")
        client.set("two\nlines", "odd too")
        async with engine(redis.url(DATABASE)) as made:
            assert await value(made, r'GET "a\r\nSET string 2\r\n"') == "odd"
            assert await value(made, 'GET "two\nlines"') == "odd too"
            assert await value(made, r"GET 'string\r\nSET string 2'") is None
            with pytest.raises(QueryError, match="2 commands"):
                await rows(made, "GET string\nSET string 2")
        assert client.get("string") == b"1"


async def test_the_consoles_own_sessions_cannot_write_either(redis: RedisServer) -> None:
    async with engine(redis.url(DATABASE)) as made:
        for purpose in ("monitor", "work"):
            connection = await made._connector.open(purpose)
            for command in (
                ("SET", "a", "1"),
                ("EVAL", "return 1", "0"),
                ("CONFIG", "SET", "a", "b"),
                ("get|set", "a"),
            ):
                with pytest.raises(NotApproved):
                    await connection.ask(*command)
                with pytest.raises(NotApproved):
                    await connection.ask_all([("PING",), command])


@pytest.mark.parametrize("command", ["GETT a", '"\\x00" x', '"SET string 2" x'])
async def test_a_command_that_there_is_not_is_no_write(redis: RedisServer, command: str) -> None:
    async with engine(redis.url(DATABASE)) as made:
        with pytest.raises(QueryError, match="the server has no command"):
            await made.query.run(command)


async def test_without_the_right_to_ask_about_commands_nothing_unknown_is_sent(redis: RedisServer) -> None:
    prepare(redis)
    with user(redis, "+get", "+info", "+select", "~*") as name:
        async with engine(redis.url(DATABASE, user=name, password="secret")) as made:
            with pytest.raises(PermissionDenied) as caught:
                await rows(made, "GET string")
            assert caught.value.remedy == f"ACL SETUSER {name} +command|info"
            with redis.client() as admin:
                admin.execute_command(caught.value.remedy)
            assert await value(made, "GET string") == "1"


async def test_a_missing_privilege_is_told_with_its_rule(redis: RedisServer) -> None:
    prepare(redis)
    with user(redis, "+command|info", "+select", "+get", "~other") as name:
        async with engine(redis.url(DATABASE, user=name, password="secret")) as made:
            for command, rule in (
                ("GET string", "%R~string"),
                ("LLEN list", "+llen"),
                ("CLIENT LIST", "+client|list"),
            ):
                with pytest.raises(PermissionDenied) as caught:
                    await rows(made, command)
                assert caught.value.remedy == f"ACL SETUSER {name} {rule}"
                with redis.client() as admin:
                    admin.execute_command(caught.value.remedy)
            assert await value(made, "GET string") == "1"


async def test_passwords_of_the_configuration_are_hidden(redis: RedisServer) -> None:
    with redis.client() as admin:
        admin.config_set("masterauth", "secret")
        async with engine(redis.url()) as made:
            page = await rows(made, "config get *auth")
            assert ("masterauth", "(hidden)") in page.rows
            assert "secret" not in str(await rows(made, "CONFIG GET *"))
        admin.config_set("masterauth", "")


def entry(*flags: bytes, categories: tuple[bytes, ...] = (b"@read",)) -> list[Any]:
    return [b"x", 2, list(flags), 1, 1, 1, list(categories), [], [], []]


@pytest.mark.parametrize(
    ("described", "let_through"),
    [
        ([entry(b"readonly", b"fast")], True),
        ([entry(b"readonly", b"a-flag-of-tomorrow")], True),
        ([entry(b"write", b"readonly")], False),
        ([entry(b"readonly", b"admin")], False),
        ([entry(b"readonly", categories=(b"@dangerous",))], False),
        ([entry(b"readonly", categories=(b"@scripting",))], False),
        ([entry(b"fast")], False),
        ([entry(b"readonly")[:6]], False),
        ([entry(b"readonly"), entry(b"write")], False),
        ([entry(), entry(b"readonly")], True),
        ([entry(b"readonly"), None], True),  # before version 7 a group's flags were those of all in it
        ([None], False),
        ([], False),
    ],
)
def test_the_flags_decide(described: list[Any], let_through: bool) -> None:
    assert (read_only.verdict("x|y", described) == "") is let_through
