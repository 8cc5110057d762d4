"""Read-only holds: against whatever a user may type, on real servers."""

from __future__ import annotations

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbtui.engines.mysql.explain import MysqlExplainer
from dbtui.engines.mysql.lex import Dialect
from dbtui.engines.mysql.query import MysqlQuerier
from dbtui.engines.mysql.read_only import check, effect
from dbtui.errors import DbtuiError, NotApproved, QueryError
from tests.engines.mysql.sessions import client, working
from tests.servers.mysql import MysqlProtocolServer

ESCAPES = [
    "insert into t values (2)",
    "select 1; insert into t values (2)",
    "replace into t values (1)",
    "update t set a = 9",
    "delete from t",
    "truncate t",
    "drop table t",
    "create table new (a int)",
    "create temporary table new (a int)",
    "alter table t add b int",
    "rename table t to u",
    "analyze table t",
    "optimize table t",
    "set session transaction read write",
    "set @@session.transaction_read_only = 0",
    "set global max_connections = 77",
    "set statement tx_read_only = 0 for create table new (a int)",
    "set statement max_statement_time = 9 for insert into t values (2)",
    "begin not atomic create table new (a int); end",
    "begin",
    "start transaction read write",
    "commit",
    "rollback",
    "call writes()",
    "do writer()",
    "select writer()",
    "select `writer`()",
    "select get_lock('dbtui', 0)",
    "select `get_lock` ('dbtui', 0)",
    "select * from t for update",
    "select * from t lock in share mode",
    "select 1 into outfile '{folder}/out'",
    "select 1 into dumpfile '{folder}/out'",
    "select a into @x from t",
    "table t into outfile '{folder}/out'",
    "(select 1) into outfile '{folder}/out'",
    "select /*!50000 1 into outfile '{folder}/out' */",
    "/*!50000 insert into t values (2) */",
    "/*M!100000 insert into t values (2) */",
    "select 1 /*!; insert into t values (2) */",
    "with x as (select 1) delete from t",
    "with x as (select 1) update t set a = 9",
    "explain analyze delete from t",
    "explain analyze update t join t b set t.a = 9",
    "analyze delete from t",
    "analyze format=json insert into t values (2)",
    "explain into @x format=json select 1",
    "handler t open",
    "load data infile '/etc/passwd' into table t",
    "prepare p from 'insert into t values (2)'",
    "execute immediate 'insert into t values (2)'",
    "execute p",
    "lock tables t write",
    "unlock tables",
    "flush tables",
    "kill 1",
    "use mysql",
    "grant all on *.* to somebody",
    "select next value for s",
    "select nextval(s)",
    "select setval(s, 100)",
    "shutdown",
    "xa start 'x'",
    "help 'x'",
]


async def test_nothing_that_a_user_types_changes_anything(mysql: MysqlProtocolServer) -> None:
    database = "escape"
    mysql.sql(
        f"CREATE DATABASE IF NOT EXISTS {database}",
        f"CREATE OR REPLACE VIEW {database}.nothing AS SELECT 1",
        f"CREATE TABLE IF NOT EXISTS {database}.t (a INT PRIMARY KEY)",
        f"REPLACE INTO {database}.t VALUES (1)",
        f"DROP FUNCTION IF EXISTS {database}.writer",
        f"CREATE FUNCTION {database}.writer() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
        f" BEGIN INSERT INTO {database}.t VALUES (3); RETURN 1; END",
        f"DROP PROCEDURE IF EXISTS {database}.writes",
        f"CREATE PROCEDURE {database}.writes() INSERT INTO {database}.t VALUES (4)",
    )
    sequence = mysql.engine == "mariadb"
    if sequence:
        mysql.sql(f"CREATE SEQUENCE IF NOT EXISTS {database}.s")
    async with working(mysql, database) as (connector, work):
        querier = MysqlQuerier(connector, work)
        with client(mysql) as other:
            before = _state(other, database, sequence=sequence)
            for sql in ESCAPES:
                with pytest.raises(DbtuiError):
                    await querier.run(sql.replace("{folder}", str(mysql.folder)), database=database)
                assert _state(other, database, sequence=sequence) == before, sql
        page = await (await querier.run("select @@session.transaction_read_only as ro")).fetch()
        assert page.rows == (("1",),)
    assert not list(mysql.folder.glob("out*"))


def _state(other: pymysql.Connection[pymysql.cursors.Cursor], database: str, *, sequence: bool) -> object:
    cursor = other.cursor()
    cursor.execute(
        f"SELECT (SELECT GROUP_CONCAT(a ORDER BY a) FROM {database}.t), @@global.max_connections,"
        " IS_FREE_LOCK('dbtui'), (SELECT GROUP_CONCAT(TABLE_NAME, '.', COLUMN_NAME ORDER BY 1)"
        f" FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '{database}')"
    )
    rows = cursor.fetchall()
    if sequence:
        cursor.execute(f"SELECT next_not_cached_value FROM {database}.s")
        rows += cursor.fetchall()
    return rows


@pytest.mark.parametrize("way", ["plain", "analyze"])
async def test_the_server_itself_refuses_what_slips_past_the_words(
    mysql: MysqlProtocolServer, way: str
) -> None:
    """A routine that writes looks like any other: the read-only transaction is what stops it."""
    database = mysql.create_database()
    mysql.sql(
        f"CREATE TABLE {database}.t (a INT)",
        f"CREATE FUNCTION {database}.harmless() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
        f" BEGIN INSERT INTO {database}.t VALUES (3); RETURN 1; END",
    )
    async with working(mysql, database) as (connector, work):
        with pytest.raises(QueryError) as caught:
            if way == "plain":
                await (await MysqlQuerier(connector, work).run("select harmless()")).fetch()
            else:
                await MysqlExplainer(connector, work).explain("select harmless()", analyze=True)
    assert caught.value.code == "1792"
    assert mysql.sql(f"SELECT * FROM {database}.t") == []


async def test_a_plan_of_a_change_changes_nothing(mysql: MysqlProtocolServer) -> None:
    database = mysql.create_database()
    mysql.sql(
        f"CREATE TABLE {database}.t (a INT PRIMARY KEY)",
        f"INSERT INTO {database}.t VALUES (1), (2)",
        f"CREATE TABLE {database}.u (a INT) ENGINE=MyISAM",  # where a ROLLBACK would come too late
        f"CREATE FUNCTION {database}.writer() RETURNS INT DETERMINISTIC MODIFIES SQL DATA"
        f" BEGIN INSERT INTO {database}.u VALUES (3); RETURN 1; END",
        f"CREATE VIEW {database}.seen AS SELECT a FROM {database}.t WHERE a = {database}.writer()",
    )
    async with working(mysql, database) as (connector, work):
        explainer = MysqlExplainer(connector, work)
        for sql in (
            "delete from t where a = 1",
            "insert into t select a + abs(5) from t",
            "replace into t values (1)",
        ):
            await explainer.explain(sql)
        for sql in (
            "update t set a = a + 10 where a = writer()",
            "insert into t select `writer` ()",
            f"replace into t values ({database}.writer())",
            "update seen set a = 5",
            "delete from t /*! where a = 1 */",
            "drop table t",
            "insert into t values (9); delete from t",
        ):
            with pytest.raises(QueryError):
                await explainer.explain(sql)
    assert mysql.sql(f"SELECT a FROM {database}.t ORDER BY a") == [(1,), (2,)]
    assert mysql.sql(f"SELECT a FROM {database}.u") == []


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "SELECT replace(a, 'x', 'y'), insert('a', 1, 0, 'b'), `update`, (replace('a', 'b', 'c')) FROM t",
        "select 'into outfile', \"for update\", `get_lock` from t -- for update\n",
        "(select 1) union (select 2)",
        "with a as (select 1) select * from a",
        "values row(1, 2)",
        "table t",
        "show create table t",
        "explain delete from t",
        "describe t",
        "desc t a",
        "explain format=json update t set a = 1",
        "explain for connection 5",
        "show analyze format=json for 5",
        "explain analyze select * from t",
        "analyze format=json select * from t",
        "select /*+ MAX_EXECUTION_TIME(5) */ 1",
        "select 1 as `into`",
    ],
)
def test_what_only_reads_is_let_through(sql: str) -> None:
    check(sql)


@given(st.sampled_from(ESCAPES), st.sampled_from(["", " ", "\n", "/**/", "-- \n", "# x\n", "((", ";;"]))
def test_nothing_in_front_changes_the_verdict(sql: str, before: str) -> None:
    """Those that only the server refuses, by their syntax or because a routine writes, are left out."""
    if sql in ("select 1; insert into t values (2)", "select writer()", "select `writer`()"):
        return
    with pytest.raises(NotApproved):
        check(before + sql)


def test_the_sql_mode_decides_what_is_a_string() -> None:
    sql = 'select "a\\" into outfile \'/x\' -- "'
    assert not effect(sql, Dialect())  # one string
    assert effect(sql, Dialect(ansi_quotes=True))
    assert effect(sql, Dialect(backslashes=False))
