"""The object tree of real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dbtui.engines.mysql.catalog import MysqlCatalog
from dbtui.errors import QueryError
from dbtui.model.catalog import Kind, Node
from tests.engines.mysql.sessions import client, working
from tests.servers.mariadb import MariadbServer
from tests.servers.mysql import MysqlProtocolServer, MysqlServer

SCHEMA = """
CREATE TABLE customers (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) NOT NULL COMMENT 'full ☺',
  mail VARCHAR(80) UNIQUE, born DATE DEFAULT '2000-01-01', note TEXT, FULLTEXT KEY words (note)) COMMENT 'who buys';
CREATE TABLE orders (id INT PRIMARY KEY, customer INT UNSIGNED NOT NULL, total DECIMAL(10,2) CHECK (total >= 0),
  twice DECIMAL(12,2) AS (total * 2) STORED, KEY late (customer, total DESC),
  CONSTRAINT buyer FOREIGN KEY (customer) REFERENCES customers (id) ON DELETE CASCADE);
CREATE TABLE `odd ``name/π` (`a b` INT, `c``d` VARBINARY(8), KEY `../../etc/passwd` (`c``d`));
CREATE TABLE measures (at DATE NOT NULL, v INT) PARTITION BY RANGE (YEAR(at))
  (PARTITION p24 VALUES LESS THAN (2025), PARTITION p25 VALUES LESS THAN MAXVALUE);
CREATE VIEW big AS SELECT id, total FROM orders WHERE total > 100;
CREATE TRIGGER checked BEFORE INSERT ON orders FOR EACH ROW SET NEW.total = ABS(NEW.total);
CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
CREATE PROCEDURE clean() DELETE FROM orders WHERE total = 0;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DISABLE DO CALL clean();
INSERT INTO customers (name) VALUES ('a'), ('b');
INSERT INTO measures VALUES ('2024-05-05', 1), ('2025-05-05', 2), ('2026-05-05', 3);
INSERT INTO `odd ``name/π` VALUES (1, x'ff00');
"""


@pytest.fixture(scope="module")
def shop(mysql: MysqlProtocolServer) -> str:
    name = mysql.create_database()
    mysql.sql(*filter(None, (part.strip() for part in SCHEMA.split(";\n"))), database=name)
    if mysql.engine == "mariadb":
        mysql.sql("CREATE SEQUENCE numbers START WITH 100", database=name)
    return name


@pytest.fixture
async def catalog(mysql: MysqlProtocolServer) -> AsyncIterator[MysqlCatalog]:
    async with working(mysql) as (connector, work):
        yield MysqlCatalog(connector, work)


async def below(catalog: MysqlCatalog, node: Node | None, name: str) -> Node:
    return next(child for child in await catalog.children(node) if child.name == name)


async def at(catalog: MysqlCatalog, *names: str) -> Node:
    node: Node | None = None
    for name in names:
        node = await below(catalog, node, name)
    assert node is not None
    return node


async def test_databases_of_users_come_first(catalog: MysqlCatalog, shop: str) -> None:
    nodes = await catalog.children(None)
    assert [node.kind for node in nodes] == [Kind.DATABASE] * len(nodes)
    assert nodes[-1].detail == "system"
    assert nodes[0].detail == ""
    mine = next(node for node in nodes if node.name == shop)
    assert mine.size
    assert not any(node.name == shop and node.detail for node in nodes)


async def test_a_database_holds_relations_routines_and_events(
    catalog: MysqlCatalog, shop: str, mysql: MysqlProtocolServer
) -> None:
    nodes = {node.name: node for node in await catalog.children(await at(catalog, shop))}
    assert {name: node.kind for name, node in nodes.items() if node.kind is not Kind.FOLDER} == {
        "customers": Kind.TABLE,
        "orders": Kind.TABLE,
        "odd `name/π": Kind.TABLE,
        "measures": Kind.PARTITIONED,
        "big": Kind.VIEW,
    }
    folders = {"Routines": 2, "Events": 1} | ({"Sequences": 1} if mysql.engine == "mariadb" else {})
    assert {name: node.rows for name, node in nodes.items() if node.kind is Kind.FOLDER} == folders
    assert nodes["customers"].size
    assert nodes["big"].size is None
    routines = await catalog.children(nodes["Routines"])
    assert [(node.name, node.note) for node in routines] == [("clean", "procedure"), ("twice", "")]


async def test_a_table_shows_what_it_is_made_of(catalog: MysqlCatalog, shop: str) -> None:
    orders = await at(catalog, shop, "orders")
    nodes = await catalog.children(orders)
    columns = [(node.name, node.detail, node.note) for node in nodes if node.kind is Kind.COLUMN]
    assert [column[0] for column in columns] == ["id", "customer", "total", "twice"]
    assert columns[0][2] == "primary key"
    assert columns[1][2] == "not null"
    assert [node.name for node in nodes if node.kind is Kind.FOLDER] == ["Indexes", "Constraints", "Triggers"]
    table = await catalog.table((shop, "orders"))
    late = next(index for index in table.indexes if index.name == "late")
    assert late.columns == ("customer", "total DESC")
    assert late.definition == f"CREATE INDEX `late` ON `{shop}`.`orders` (`customer`, `total` DESC)"
    buyer = next(c for c in table.constraints if c.kind == "foreign key")
    assert buyer.columns == ("customer",)
    assert buyer.references == (shop, "customers")
    assert buyer.definition.endswith("ON DELETE CASCADE")
    assert any(c.kind == "check" and "total" in c.definition for c in table.constraints)
    assert "`total` * 2" in next(c.generated for c in table.columns if c.name == "twice")


async def test_columns_say_how_they_are_filled(catalog: MysqlCatalog, shop: str) -> None:
    table = await catalog.table((shop, "customers"))
    columns = {column.name: column for column in table.columns}
    assert columns["id"].identity == "auto_increment"
    assert "unsigned" in columns["id"].type
    assert columns["name"].comment == "full ☺"
    assert (columns["born"].default or "").strip("'") == "2000-01-01"
    assert columns["note"].default is None
    indexes = {index.name: index for index in table.indexes}
    assert indexes["PRIMARY"].primary
    assert indexes["mail"].unique
    assert indexes["words"].method == "fulltext"
    assert "FULLTEXT INDEX" in indexes["words"].definition


async def test_details_have_facts_and_ddl(catalog: MysqlCatalog, shop: str) -> None:
    detail = await catalog.detail(await at(catalog, shop, "customers"))
    facts = dict(detail.facts)
    assert facts["Engine"] == "InnoDB"
    assert facts["Comment"] == "who buys"
    assert detail.ddl.startswith("CREATE TABLE `customers`")
    for names, start in (
        ((shop,), "CREATE DATABASE"),
        ((shop, "big"), "CREATE "),
        ((shop, "orders", "total"), f"ALTER TABLE `{shop}`.`orders` ADD COLUMN `total` decimal(10,2)"),
        ((shop, "orders", "Indexes", "late"), "CREATE INDEX"),
        ((shop, "orders", "Constraints", "buyer"), f"ALTER TABLE `{shop}`.`orders` ADD CONSTRAINT `buyer`"),
        ((shop, "orders", "Triggers", "checked"), "CREATE "),
        ((shop, "Routines", "twice"), "CREATE "),
        ((shop, "Routines", "clean"), "CREATE "),
        ((shop, "Events", "nightly"), "CREATE "),
    ):
        node = await at(catalog, *names)
        detail = await catalog.detail(node)
        assert detail.ddl.startswith(start), names
        assert detail.ddl.endswith(";\n")
        assert detail.facts


async def test_ddl_makes_the_same_table_again(
    catalog: MysqlCatalog, shop: str, mysql: MysqlProtocolServer
) -> None:
    name = mysql.create_database()
    for relation in ("customers", "orders", "odd `name/π", "measures"):
        ddl = (await catalog.detail(await at(catalog, shop, relation))).ddl
        mysql.sql(ddl, database=name)
        catalog.forget()
        again = (await catalog.detail(await at(catalog, name, relation))).ddl
        assert _without_counter(again) == _without_counter(ddl)


def _without_counter(ddl: str) -> str:
    return " ".join(part for part in ddl.split() if not part.startswith("AUTO_INCREMENT="))


async def test_partitions_are_listed_and_sampled(catalog: MysqlCatalog, shop: str) -> None:
    folder = await at(catalog, shop, "measures", "Partitions")
    partitions = await catalog.children(folder)
    assert [(node.name, node.detail) for node in partitions] == [
        ("p24", "RANGE < 2025"),
        ("p25", "RANGE < MAXVALUE"),
    ]
    page = await catalog.sample(partitions[0])
    assert page.rows == (("2024-05-05", "1"),)
    assert (await catalog.detail(partitions[1])).facts


async def test_samples_are_some_rows(catalog: MysqlCatalog, shop: str) -> None:
    page = await catalog.sample(await at(catalog, shop, "measures"), 2)
    assert len(page.rows) == 2
    assert page.more
    page = await catalog.sample(await at(catalog, shop, "odd `name/π"))
    assert page.rows == (("1", "0xFF00"),)
    assert [column.name for column in page.columns] == ["a b", "c`d"]
    with pytest.raises(QueryError):
        await catalog.sample(await at(catalog, shop))


async def test_names_are_for_the_finder(catalog: MysqlCatalog, shop: str) -> None:
    names = await catalog.names(shop)
    assert {name.path for name in names} >= {(shop, "orders"), (shop, "big"), (shop, "odd `name/π")}


async def test_a_sequence_says_where_it_stands(mariadb11: MariadbServer) -> None:
    name = mariadb11.create_database()
    mariadb11.sql(f"CREATE SEQUENCE {name}.numbers START WITH 100")
    async with working(mariadb11) as (connector, work):
        catalog = MysqlCatalog(connector, work)
        node = await at(catalog, name, "Sequences", "numbers")
        detail = await catalog.detail(node)
        assert detail.ddl.startswith("CREATE SEQUENCE")
        assert dict(detail.facts)["Start value"] == "100"


async def test_every_node_of_the_system_databases_opens(catalog: MysqlCatalog) -> None:
    for database in ("information_schema", "mysql", "performance_schema", "sys"):
        node = await at(catalog, database)
        for relation in list(await catalog.children(node))[:6]:
            await catalog.children(relation)
            assert (await catalog.detail(relation)).node == relation


async def test_what_is_gone_or_not_allowed_is_said(mysql: MysqlProtocolServer, shop: str) -> None:
    user = mysql.create_user(f"SELECT (id) ON `{shop}`.orders")
    async with working(mysql, user=user) as (connector, work):
        catalog = MysqlCatalog(connector, work)
        databases = [node.name for node in await catalog.children(None)]
        assert shop in databases
        assert "mysql" not in databases
        with pytest.raises(QueryError) as caught:
            await catalog.sample(await at(catalog, shop, "orders"))
        assert getattr(caught.value, "remedy", "").endswith(f"TO '{user}'@'%';")
        with pytest.raises(QueryError, match="no longer there"):
            await catalog.table((shop, "customers"))


async def test_a_table_that_is_being_altered_is_not_waited_for(mysql9: MysqlServer) -> None:
    name = mysql9.create_database()
    mysql9.sql(f"CREATE TABLE {name}.t (a INT)")
    with client(mysql9, name) as other:
        other.query("LOCK TABLES t WRITE")
        async with working(mysql9) as (connector, work):
            catalog = MysqlCatalog(connector, work)
            detail = await catalog.detail(await at(catalog, name, "t"))
            assert [column.name for column in (detail.table.columns if detail.table else ())] == ["a"]


async def test_what_was_read_is_kept_until_forgotten(
    catalog: MysqlCatalog, mysql: MysqlProtocolServer
) -> None:
    name = mysql.create_database()
    node = await at(catalog, name)
    assert not await catalog.children(node)
    mysql.sql(f"CREATE TABLE {name}.late (a INT)")
    assert not await catalog.children(node)
    catalog.forget()
    assert [child.name for child in await catalog.children(node)] == ["late"]
