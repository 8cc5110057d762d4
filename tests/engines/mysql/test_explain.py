"""Plans of statements, on real servers."""

from __future__ import annotations

import pytest

from dbtui.engines.mysql.activity import MysqlMonitor
from dbtui.engines.mysql.explain import MysqlExplainer
from dbtui.errors import NotApproved, QueryError
from dbtui.model.plan import RawPlan
from dbtui.plans import parse
from dbtui.safety import approve, scope_of
from tests.engines.mysql.sessions import client, running, sample, seen, statements, until, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer


@pytest.fixture(scope="module")
def shop(mysql: MysqlProtocolServer) -> str:
    name = mysql.create_database()
    mysql.sql(
        f"CREATE TABLE {name}.orders (id INT PRIMARY KEY, customer INT, total INT, KEY customer (customer))",
        f"INSERT INTO {name}.orders WITH RECURSIVE n AS (SELECT 1 x UNION ALL SELECT x + 1 FROM n WHERE x < 900)"
        " SELECT x, x % 90, x % 7 FROM n",
        f"ANALYZE TABLE {name}.orders",
    )
    return name


async def test_estimates_run_nothing(mysql: MysqlProtocolServer, shop: str) -> None:
    async with working(mysql, shop) as (connector, work):
        raw = await MysqlExplainer(connector, work).explain("select * from orders where customer = 5")
    plan = parse(raw.text)
    assert plan.format == raw.format == f"{mysql.engine}-json"
    assert not plan.analyzed
    assert raw.notes == ("estimates only",)
    assert any(node.index == "customer" for node in plan.nodes)


async def test_a_query_is_measured(mysql: MysqlProtocolServer, shop: str) -> None:
    sql = "explain select customer, sum(total) from orders group by customer"
    async with working(mysql, shop) as (connector, work):
        raw = await MysqlExplainer(connector, work).explain(sql, analyze=True)
    plan = parse(raw.text)
    assert plan.analyzed
    assert plan.total_ms
    assert plan.self_sum_ms == pytest.approx(plan.total_ms)
    assert raw.query == sql.removeprefix("explain ")
    assert "options of the EXPLAIN" in raw.notes[0]
    scan = next(node for node in plan.nodes if "orders" in node.relation)
    assert scan.rows == 900


async def test_a_change_is_measured_only_with_an_approval_and_undone(mariadb11: MariadbServer) -> None:
    name = mariadb11.create_database()
    mariadb11.sql(f"CREATE TABLE {name}.t (a INT)", f"INSERT INTO {name}.t VALUES (1), (2)")
    sql = "delete from t where a > 0"
    async with working(mariadb11, name) as (connector, work):
        explainer = MysqlExplainer(connector, work)
        with pytest.raises(NotApproved, match="DELETE is not a query"):
            await explainer.explain(sql, analyze=True)
        with pytest.raises(NotApproved):
            await explainer.explain(sql, analyze=True, approval=approve("test", scope_of("other"), "why"))
        raw = await explainer.explain(
            sql, analyze=True, approval=approve("test", scope_of(sql), "why"), database=name
        )
    assert raw.notes == ("run and rolled back",)
    assert parse(raw.text).analyzed
    assert len(mariadb11.sql(f"SELECT * FROM {name}.t")) == 2


LASTING = {
    "a table without transactions": ("delete from kept", "kept is a table of MyISAM"),
    "of another database": ("delete from {name}.kept where a > 0", "kept is a table of MyISAM"),
    "in a join": ("delete t from t join kept using (a)", "kept is a table of MyISAM"),
    "behind a trigger": ("delete from watched", "the trigger noted may write"),
    "behind a function": ("delete from t where noting(a) > 0", "the function noting may write"),
    "behind a view": ("delete from seen", "the view seen may write"),
}


@pytest.fixture(scope="module")
def lasting(mariadb11: MariadbServer) -> str:
    name = mariadb11.create_database()
    mariadb11.sql(
        f"CREATE TABLE {name}.t (a INT)",
        f"CREATE TABLE {name}.kept (a INT) ENGINE = MyISAM",
        f"CREATE TABLE {name}.watched (a INT)",
        f"CREATE VIEW {name}.seen AS SELECT * FROM {name}.kept",
        f"INSERT INTO {name}.kept VALUES (1), (2)",
        f"INSERT INTO {name}.watched VALUES (1)",
        f"INSERT INTO {name}.t VALUES (1)",
        f"CREATE TRIGGER {name}.noted AFTER DELETE ON {name}.watched FOR EACH ROW INSERT INTO {name}.kept VALUES (9)",
        f"CREATE FUNCTION {name}.noting(x INT) RETURNS INT BEGIN INSERT INTO {name}.kept VALUES (x); RETURN x; END",
    )
    return name


@pytest.mark.parametrize("case", LASTING)
async def test_what_no_rollback_brings_back_is_not_measured(
    mariadb11: MariadbServer, lasting: str, case: str
) -> None:
    sql, said = LASTING[case][0].format(name=lasting), LASTING[case][1]
    async with working(mariadb11, lasting) as (connector, work):
        with pytest.raises(QueryError, match=said):
            await MysqlExplainer(connector, work).explain(
                sql, analyze=True, approval=approve("test", scope_of(sql), "why"), database=lasting
            )
    assert len(mariadb11.sql(f"SELECT * FROM {lasting}.kept")) == 2
    assert len(mariadb11.sql(f"SELECT * FROM {lasting}.watched")) == 1


async def test_mysql_says_that_it_measures_no_change(mysql9: MysqlServer) -> None:
    name = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE {name}.t (a INT)", f"INSERT INTO {name}.t VALUES (1)")
    sql = "delete from t"
    async with working(mysql9, name) as (connector, work):
        with pytest.raises(QueryError):
            await MysqlExplainer(connector, work).explain(
                sql, analyze=True, approval=approve("test", scope_of(sql), "why"), database=name
            )
    assert len(mysql9.sql(f"SELECT * FROM {name}.t")) == 1


async def test_the_text_of_a_digest_is_explained_by_its_sample(mysql9: MysqlServer) -> None:
    name = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE {name}.t (a INT PRIMARY KEY, b INT)")
    async with working(mysql9) as (connector, work):
        monitor = MysqlMonitor(connector)
        await statements(monitor)
        mysql9.sql("SELECT b FROM t WHERE a IN (17, 18, 19) AND b > 5 AND SLEEP(0.01) = 0", database=name)
        shown = [s for s in (await statements(monitor)).statements if s.database == name]
        text = next(s.query for s in shown if s.query and "`b`" in s.query)
        raw = await MysqlExplainer(connector, work).explain(text, database=name)
    assert "?" in text
    assert "17" in raw.query
    assert "values that were seen" in raw.notes[0]
    assert parse(raw.text).nodes


async def test_placeholders_without_a_sample_are_said(mysql: MysqlProtocolServer, shop: str) -> None:
    async with working(mysql, shop) as (connector, work):
        with pytest.raises(QueryError, match="write values"):
            await MysqlExplainer(connector, work).explain("select 77 from orders where id = ?")


@pytest.mark.parametrize("sql", ["drop table t", "set @a = 1", "show tables", "explain", ""])
async def test_what_has_no_plan_is_said(mysql: MysqlProtocolServer, sql: str) -> None:
    async with working(mysql) as (connector, work):
        with pytest.raises(QueryError):
            await MysqlExplainer(connector, work).explain(sql)


async def test_a_running_statement_is_explained_without_running_it_again(
    mysql: MysqlProtocolServer, shop: str
) -> None:
    slow = "select count(*), sleep(0.05) from orders a join orders b on a.total = b.total group by a.id"
    async with working(mysql) as (connector, work):
        monitor = MysqlMonitor(connector)
        explainer = MysqlExplainer(connector, work)
        with client(mysql, shop) as other, running(other, slow):
            id_ = other.thread_id()
            session = await seen(monitor, id_, lambda s: s.query == slow)

            async def planned() -> RawPlan | None:
                try:
                    return await explainer.running(session)
                except QueryError:
                    return None

            raw = await until(planned, "the statement never had a plan")
            mysql.sql(f"KILL {id_}")
        plan = parse(raw.text)
        assert plan.format == f"{mysql.engine}-json"
        assert any(node.relation.endswith(("a", "b", "orders")) for node in plan.nodes)
        assert str(id_) in raw.notes[0]
        activity, _ = await sample(monitor)
        with client(mysql) as idle:
            resting = await seen(monitor, idle.thread_id())
            with pytest.raises(QueryError):
                await explainer.running(resting)
        assert activity.connections


async def test_what_running_it_does_besides_is_told(mysql: MysqlProtocolServer) -> None:
    name = mysql.create_database()
    mysql.sql(
        f"CREATE TABLE {name}.Parents (id INT AUTO_INCREMENT PRIMARY KEY, n INT)",
        f"CREATE TABLE {name}.children (id INT PRIMARY KEY, parent INT,"
        f" CONSTRAINT of_parent FOREIGN KEY (parent) REFERENCES {name}.Parents (id) ON DELETE CASCADE)",
        f"CREATE TRIGGER {name}.noted BEFORE DELETE ON {name}.Parents FOR EACH ROW SET @gone = OLD.id",
        f"CREATE FUNCTION {name}.noisy(x INT) RETURNS INT NOT DETERMINISTIC NO SQL RETURN x",
        f"CREATE FUNCTION {name}.quiet(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x",
        f"CREATE VIEW {name}.looks AS SELECT {name}.noisy(id) AS id FROM {name}.children",
    )
    async with working(mysql, name) as (connector, work):
        explainer = MysqlExplainer(connector, work)
        said = {
            sql: await explainer.side_effects(sql, database=name)
            for sql in (
                "select quiet(n) from Parents",
                "select noisy(n) from Parents",
                "select * from looks",
                "select get_lock('a', 1)",
                "insert into Parents (n) values (1)",
                "delete from Parents where n = 1",
            )
        }
    assert list(said.values()) == [
        (),
        (f"the function {name}.noisy() is not deterministic",),
        (f"the function {name}.noisy() is not deterministic",),
        ("the function get_lock() acts beyond the transaction",),
        ("AUTO_INCREMENT of Parents moves on, and is not rolled back",),
        ("the foreign key of_parent of children cascades", "the trigger noted of Parents fires"),
    ]
