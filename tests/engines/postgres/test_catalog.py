from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from dbtui.engines.postgres.catalog import PostgresCatalog
from dbtui.engines.postgres.connection import Connector
from dbtui.errors import PermissionDenied, QueryError, QueryTimeout
from dbtui.model.catalog import Kind, Node
from tests.engines.postgres.sessions import client, new_role, working
from tests.engines.postgres.shapes import BEFORE, RELATIONS
from tests.servers.postgres import PostgresServer


@pytest.fixture(scope="module")
def shapes(postgres: PostgresServer) -> Iterator[str]:
    """A database with relations of every shape and a name that wants care everywhere."""
    name = postgres.create_database('weird "db" [b]name[/b]\n%s')
    postgres.psql(BEFORE + RELATIONS, name)
    yield name
    postgres.drop_database(name)


async def find(catalog: PostgresCatalog, *names: str) -> Node:
    """Walk down the tree by the names of its nodes."""
    found: Node | None = None
    for name in names:
        nodes = await catalog.children(found)
        found = next((node for node in nodes if node.name == name), None)
        assert found is not None, f"{name!r} is not among {[node.name for node in nodes]}"
    assert found is not None
    return found


def named(nodes: Sequence[Node]) -> dict[str, Node]:
    return {node.name: node for node in nodes}


async def test_the_tree_from_databases_down_to_relations(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        databases = named(await catalog.children(None))
        assert databases[shapes].path == (shapes,)
        assert (databases[shapes].size or 0) > 1_000_000
        schemas = [node.name for node in await catalog.children(databases[shapes])]
        assert schemas == ['odd "schema". x', "other", "public", "information_schema", "pg_catalog"]
        public = named(await catalog.children(await find(catalog, shapes, "public")))
        assert {name: node.kind for name, node in public.items()} == {
            "customer": Kind.TABLE,
            "event": Kind.PARTITIONED,
            "list_by": Kind.PARTITIONED,
            "names": Kind.VIEW,
            "old_style": Kind.TABLE,
            "Sequences": Kind.FOLDER,
            "Functions": Kind.FOLDER,
        }
        weird = await find(catalog, shapes, 'odd "schema". x', "weird\n[b]name[/b]")
        assert weird.path == (shapes, 'odd "schema". x', "weird\n[b]name[/b]")
        sequences = await catalog.children(public["Sequences"])
        assert [node.name for node in sequences] == [
            "customer_id_seq",
            "old_style_id_seq",
            "old_style_small_seq",
        ]
        functions = await catalog.children(public["Functions"])
        assert [(node.name, node.detail) for node in functions] == [
            ("touch()", "trigger"),
            ("twice(a integer)", "integer"),
        ]


async def test_the_parts_of_a_table(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres, shapes) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        old = await find(catalog, shapes, "public", "old_style")
        parts = await catalog.children(old)
        columns = [node for node in parts if node.kind is Kind.COLUMN]
        assert [(c.name, c.detail, c.note) for c in columns] == [
            ("id", "integer", "primary key"),
            ("small", "smallint", "not null"),
            ("note", "text", ""),
            ("ref", "bigint", ""),
        ]
        folders = {node.name: await catalog.children(node) for node in parts if node.kind is Kind.FOLDER}
        assert {name: [node.name for node in nodes] for name, nodes in folders.items()} == {
            "Indexes": ["old_style_pkey"],
            "Constraints": ["old_style_pkey", "old_style_ref_fkey", "late"],
            "Triggers": ["off", "touch"],
        }
        assert [node.note for node in folders["Constraints"]] == ["", "", "not validated"]
        assert [node.note for node in folders["Triggers"]] == ["disabled", ""]
        assert all(node.leaf for nodes in folders.values() for node in nodes)


async def test_partitions_hang_below_their_parent_wherever_they_live(
    postgres: PostgresServer, shapes: str
) -> None:
    async with working(postgres, shapes) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        folder = await find(catalog, shapes, "public", "event", "Partitions")
        partitions = await catalog.children(folder)
        assert {(p.path[1], p.name, p.kind) for p in partitions} == {
            ("public", "event_1", Kind.TABLE),
            ("public", "event_rest", Kind.TABLE),
            ("other", "event_2", Kind.PARTITIONED),
        }
        below = await find(catalog, shapes, "other", "event_2", "Partitions")
        assert [node.name for node in await catalog.children(below)] == ["event_2_0"]


async def test_sizes_and_rows_are_of_the_last_analyze(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql(
        "create table t (id int primary key, big text);"
        "insert into t select i, (select string_agg(md5(i::text || j), '') from generate_series(1, 400) j)"
        " from generate_series(1, 50) i; create table never (id int)",
        database,
    )
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        assert (await find(catalog, database, "public", "never")).rows is None
        postgres.psql("vacuum analyze t", database)
        catalog.forget()
        table = await find(catalog, database, "public", "t")
        assert table.rows == 50
        total = int(postgres.psql("select pg_total_relation_size('t')", database))
        # free space and visibility maps are no part of relpages
        assert total * 0.5 < (table.size or 0) <= total


async def test_what_was_read_is_kept_until_it_is_forgotten(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        public = await find(catalog, database, "public")
        assert list(await catalog.children(public)) == []
        postgres.psql("create table t (a int)", database)
        assert list(await catalog.children(public)) == []
        catalog.forget()
        table = await find(catalog, database, "public", "t")
        assert [node.name for node in await catalog.children(table)] == ["a"]
        postgres.psql("drop table t", database)
        catalog.forget()
        with pytest.raises(QueryError, match="no longer there"):
            await catalog.children(table)
        with pytest.raises(QueryError, match="no longer there"):
            await catalog.detail(table)


async def test_a_small_schema_is_read_at_once(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres, shapes) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        customer = await find(catalog, shapes, "public", "customer")
        await catalog.children(customer)
        async with work.use(shapes) as connection:
            asked = connection.counters.statements
        for name in ("old_style", "event", "names"):
            await catalog.children(await find(catalog, shapes, "public", name))
        async with work.use(shapes) as connection:
            assert connection.counters.statements == asked


async def test_structure_of_a_whole_schema(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres, shapes) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        tables = {table.path[2]: table for table in await catalog.tables(shapes, "public")}
    customer = tables["customer"]
    assert customer.comment.startswith("People who buy")
    columns = {column.name: column for column in customer.columns}
    assert columns["id"].identity == "always"
    assert columns["upper_name"].generated == "upper(name)"
    assert columns["upper_name"].default is None
    assert columns['a"b.c'].type == "numeric(10,2)"
    assert not columns['a"b.c'].nullable
    indexes = {index.name: index for index in customer.indexes}
    assert indexes["customer_pkey"].primary
    assert indexes["customer_lower_idx"].columns == ("lower(name)",)
    assert indexes["customer_lower_idx"].predicate == "(state <> 'sad'::mood)"
    assert indexes['odd "index'].columns == ("id", "Mixed Case")
    foreign = next(c for c in tables["old_style"].constraints if c.kind == "foreign key")
    assert (foreign.columns, foreign.references) == (("ref",), ("public", "customer"))
    assert tables["event"].kind is Kind.PARTITIONED
    assert tables["names"].kind is Kind.VIEW


async def test_nothing_waits_behind_an_exclusive_lock(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres, shapes) as (connector, work), client(postgres, shapes) as other:
        catalog = PostgresCatalog(connector, work)
        await other.execute("begin; lock table public.customer in access exclusive mode")
        customer = await find(catalog, shapes, "public", "customer")
        names = [node.name for node in await catalog.children(customer)]
        assert "upper_name" in names
        indexes = await catalog.children(await find(catalog, shapes, "public", "customer", "Indexes"))
        assert {node.name: node.detail for node in indexes}["customer_lower_idx"] == "((expression))"
        detail = await catalog.detail(customer)
        assert detail.ddl == ""
        facts = dict(detail.facts)
        assert "ACCESS EXCLUSIVE" in facts["Size"]
        assert "ACCESS EXCLUSIVE" in facts["DDL"]
        with pytest.raises(QueryTimeout):
            await catalog.sample(customer)
        await other.execute("rollback")
        assert "CREATE TABLE public.customer" in (await catalog.detail(customer)).ddl
        table = await catalog.table((shapes, "public", "customer"))
        assert {index.columns for index in table.indexes} >= {("lower(name)",)}


async def test_detail_of_each_kind_of_node(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres) as (connector, work):
        catalog = PostgresCatalog(connector, work)

        async def facts_and_ddl(*names: str) -> tuple[dict[str, str], str]:
            detail = await catalog.detail(await find(catalog, shapes, *names))
            return dict(detail.facts), detail.ddl

        facts, ddl = await facts_and_ddl()
        assert (facts["Encoding"], facts["Owner"]) == ("UTF8", "postgres")
        assert ddl.startswith('CREATE DATABASE "weird ""db"" [b]name')
        facts, ddl = await facts_and_ddl("other")
        assert ddl == "CREATE SCHEMA other;\n"
        facts, ddl = await facts_and_ddl("public", "customer")
        assert facts["Rows"] == "never analyzed"
        assert facts["Options"] == "fillfactor=70, autovacuum_enabled=false"
        assert facts["Comment"].startswith("People who buy")
        facts, ddl = await facts_and_ddl("public", "customer", 'a"b.c')
        assert ddl == 'ALTER TABLE public.customer ADD COLUMN "a""b.c" numeric(10,2) NOT NULL;\n'
        facts, ddl = await facts_and_ddl("public", "customer", "Indexes", 'odd "index')
        assert ddl.startswith('CREATE UNIQUE INDEX "odd ""index" ON public.customer')
        facts, ddl = await facts_and_ddl("public", "customer", "Constraints", "name's check")
        assert ddl.startswith('ALTER TABLE ONLY public.customer ADD CONSTRAINT "name\'s check" CHECK')
        facts, ddl = await facts_and_ddl("public", "old_style", "Triggers", "touch")
        assert "EXECUTE FUNCTION" in ddl
        facts, ddl = await facts_and_ddl("public", "Functions", "twice(a integer)")
        assert facts["Volatility"] == "immutable"
        assert ddl.startswith("CREATE OR REPLACE FUNCTION public.twice")
        facts, ddl = await facts_and_ddl("other", "Sequences", "loose")
        assert (facts["Increment"], facts["Cycle"]) == ("3", "true")
        facts, ddl = await facts_and_ddl("public", "event")
        assert "PARTITION BY RANGE (at)" in ddl
        facts, ddl = await facts_and_ddl("public", "event", "Partitions", "event_1")
        assert facts["Partition of"] == "public.event"


async def test_sample_gives_some_rows_as_text(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    postgres.psql('create table "t "" 1" as select i, null as n from generate_series(1, 9) i', database)
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        node = await find(catalog, database, "public", 't " 1')
        page = await catalog.sample(node, 4)
        assert page.rows == tuple((str(i), None) for i in range(1, 5))
        assert page.more
        page = await catalog.sample(node, 9)
        assert len(page.rows) == 9
        assert not page.more
        with pytest.raises(QueryError, match="no rows"):
            await catalog.sample(await find(catalog, database, "public"))


async def test_documents_of_16_mb_and_of_wildly_mixed_types(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    values = ("1", "null", "true", '"ü😀"', "[1, {}]", '{"a": {"b": null}}')
    listed = ", ".join(f"('{value}')" for value in values)
    postgres.psql(
        f"create table t (id serial, j jsonb); insert into t (j) values {listed};"
        " insert into t (j) select to_jsonb(repeat('x', 16777216))",
        database,
    )
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        page = await catalog.sample(await find(catalog, database, "public", "t"))
    assert tuple(row[1] for row in page.rows[:-1]) == values
    assert (page.rows[-1][1] or "").startswith('"xxx')


async def test_names_of_all_relations(postgres: PostgresServer, shapes: str) -> None:
    async with working(postgres) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        names = await catalog.names(shapes)
    found = {name.path: name.kind for name in names}
    assert found[(shapes, "other", "event_2")] is Kind.PARTITIONED
    assert found[(shapes, 'odd "schema". x', "weird\n[b]name[/b]")] is Kind.TABLE
    assert found[(shapes, "pg_catalog", "pg_class")] is Kind.TABLE
    assert names[-1].path[1] == "pg_catalog"


async def test_a_role_without_privileges_sees_the_tree_and_what_it_may_not(postgres: PostgresServer) -> None:
    role = new_role(postgres)
    database, closed = postgres.create_database(), postgres.create_database()
    postgres.psql(f'revoke connect on database "{closed}" from public')
    postgres.psql(
        "create schema hidden; create table public.open (a int); create table public.shut (a int);"
        "create table public.part (a int, b int); create table hidden.t (a int);"
        f'grant select on public.open to "{role}"; grant select (a) on public.part to "{role}"',
        database,
    )
    async with working(postgres, database, role) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        databases = named(await catalog.children(None))
        assert (databases[closed].note, databases[closed].size, databases[closed].leaf) == (
            "no access",
            None,
            True,
        )
        with pytest.raises(PermissionDenied) as denied:
            await catalog.names(closed)
        assert denied.value.remedy == f'GRANT CONNECT ON DATABASE {closed} TO "{role}";'
        schemas = named(await catalog.children(databases[database]))
        assert schemas["hidden"].note == "no access"
        public = named(await catalog.children(schemas["public"]))
        assert {name: node.note for name, node in public.items()} == {
            "open": "",
            "part": "",
            "shut": "no access",
        }
        assert [node.name for node in await catalog.children(public["shut"])] == ["a"]
        assert "CREATE TABLE public.shut" in (await catalog.detail(public["shut"])).ddl
        hidden = await find(catalog, database, "hidden", "t")
        assert (await catalog.detail(hidden)).facts
        with pytest.raises(PermissionDenied):
            await catalog.sample(public["shut"])


async def test_an_sql_ascii_database_with_names_that_are_no_utf8(postgres: PostgresServer) -> None:
    database = postgres.create_database(encoding="SQL_ASCII")
    postgres.psql(
        r"do $$ begin execute 'create table ' || quote_ident(convert_from('\xff41'::bytea, 'SQL_ASCII')) ||"
        r" ' (' || quote_ident(convert_from('\xfe'::bytea, 'SQL_ASCII')) || ' int)'; end $$;"
        r"create table texts as select convert_from('\x61ff'::bytea, 'SQL_ASCII') as t",
        database,
    )
    async with working(postgres, database) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        table = await find(catalog, database, "public", "\ufffdA")
        assert {name.path[2] for name in await catalog.names(database)} >= {"\ufffdA", "texts"}
        assert [node.name for node in await catalog.children(table)] == ["\ufffd"]
        page = await catalog.sample(await find(catalog, database, "public", "texts"))
        assert page.rows == (("a\ufffd",),)


def many_tables(server: PostgresServer, count: int, columns: str) -> str:
    database = server.create_database()
    for start in range(0, count, 1000):
        server.psql(
            f"do $$ begin for i in {start}..{min(count, start + 1000) - 1} loop"
            f" execute format('create table t_%s ({columns})', i); end loop; end $$",
            database,
        )
    return database


async def walk_many(server: PostgresServer, count: int, columns: str, parts: list[str]) -> None:
    database = many_tables(server, count, columns)
    async with working(server) as (connector, work):
        catalog = PostgresCatalog(connector, work)
        public = await find(catalog, database, "public")
        tables = await catalog.children(public)
        assert len(tables) == count
        assert [node.name for node in await catalog.children(tables[count // 2])] == parts
        read = catalog._structures[(database, "public")]
        assert len(read) == 1, "only what is looked at is read of a large schema"
        assert sum(name.path[1] == "public" for name in await catalog.names(database)) == count


async def test_a_thousand_tables(postgres18: PostgresServer) -> None:
    await walk_many(postgres18, 1000, "id int primary key, a text", ["id", "a", "Indexes", "Constraints"])


@pytest.mark.slow
async def test_fifty_thousand_tables(postgres18: PostgresServer) -> None:
    await walk_many(postgres18, 50_000, "id int", ["id"])  # one file each: with indexes it takes minutes


def test_the_catalog_is_what_the_protocol_asks_for(postgres18: PostgresServer) -> None:
    from dbtui.config import Target
    from dbtui.engines.base import Catalog

    connector = Connector(Target("test", "postgresql", postgres18.url()))
    catalog: Catalog = PostgresCatalog(connector, connector.work())
    assert catalog
